use super::*;
use alloc::string::ToString as _;
use alloc::vec;

const ALIGN: usize = 64;

/// Random numbers below a bound, the same every time.
fn generator(seed: u32) -> impl FnMut(usize) -> usize {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    move |below| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    }
}

fn buffer(bytes: usize, first: usize, last: usize) -> Buffer {
    Buffer { name: alloc::format!("{first}-{last}"), bytes, first, last }
}

/// Writes every buffer's number into its bytes at its first step, and finds it there at its last.
fn run(plan: &MemoryPlan) {
    let mut arena = vec![usize::MAX; plan.peak_bytes() / ALIGN];
    let units = |p: &Placement| p.offset_bytes / ALIGN..p.end() / ALIGN;
    let steps = plan.placements().iter().map(|p| p.buffer.last + 1).max().unwrap_or(0);
    for step in 0..steps {
        let all = || plan.placements().iter().enumerate();
        for (index, p) in all().filter(|(_, p)| p.buffer.first == step) {
            arena[units(p)].fill(index);
        }
        for (index, p) in all().filter(|(_, p)| p.buffer.last == step) {
            assert!(arena[units(p)].iter().all(|i| *i == index), "step {step}: {p:?} was overwritten");
        }
    }
}

#[test]
fn a_run_finds_what_it_wrote() {
    let mut above_least = 0;
    for seed in 0..300 {
        let mut next = generator(seed);
        let buffers: Vec<Buffer> = (0..1 + next(40))
            .map(|_| {
                let first = next(30);
                buffer(next(5000), first, first + next(8))
            })
            .collect();
        let sum: usize = buffers.iter().map(|b| b.bytes.next_multiple_of(ALIGN)).sum();
        let mut plan = MemoryPlan::new(buffers.clone(), ALIGN).unwrap();
        for (placed, given) in plan.placements().iter().zip(&buffers) {
            assert!(placed.offset_bytes % ALIGN == 0 && placed.end() <= plan.peak_bytes());
            assert!(placed.buffer.bytes >= given.bytes && placed.buffer.name == given.name);
        }
        assert!(plan.least_bytes() <= plan.peak_bytes() && plan.peak_bytes() <= sum);
        above_least += usize::from(plan.peak_bytes() > plan.least_bytes() * 5 / 4);
        run(&plan);
        plan.append(buffer(100, 0, 50)).unwrap();
        assert_eq!(plan.placements().last().unwrap().end(), plan.peak_bytes());
        run(&plan);
    }
    assert!(above_least < 15, "{above_least} of 300 plans are a quarter larger than what lives at once");
}

/// x -> a -> b -> c, all of the same size: two places take turns.
#[test]
fn a_chain_takes_two_places() {
    let plan = MemoryPlan::new((0..4).map(|i| buffer(512, i, i + 1)).collect(), ALIGN).unwrap();
    assert_eq!((plan.peak_bytes(), plan.least_bytes()), (1024, 1024));
    let offsets: Vec<usize> = plan.placements().iter().map(|p| p.offset_bytes).collect();
    assert_eq!(offsets, [0, 512, 0, 512]);
    assert!(plan.to_string().ends_with("1024 bytes in all; 1024 live at the same time"), "{plan}");
}

#[test]
fn what_no_machine_holds_is_an_error() {
    for bytes in [usize::MAX, MAX_BYTES] {
        assert!(MemoryPlan::new(vec![buffer(bytes, 0, 0), buffer(64, 0, 0)], ALIGN).is_err());
        assert!(MemoryPlan::new(vec![buffer(64, 0, 0)], ALIGN).unwrap().append(buffer(bytes, 1, 1)).is_err());
    }
}
