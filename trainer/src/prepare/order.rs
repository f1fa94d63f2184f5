//! Reproducible order and variation of training samples.

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

/// Which of `count` things stands at `position` of an epoch, and the generator that varies it. Every pass over the things has
/// an order of its own; positions beyond the end begin further passes.
pub(super) fn shuffled(seed: u64, epoch: usize, position: usize, count: usize) -> (usize, ChaCha8Rng) {
    let (pass, place) = (position / count, position % count);
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut generator(seed, epoch, pass));
    let mut rng = generator(seed, epoch, position);
    // A stream of its own keeps variation apart from order.
    rng.set_stream(1);
    (order[place], rng)
}

fn generator(seed: u64, epoch: usize, position: usize) -> ChaCha8Rng {
    let mut bytes = [0; 32];
    for (bytes, value) in bytes.chunks_exact_mut(8).zip([seed, epoch as u64, position as u64]) {
        bytes.copy_from_slice(&value.to_le_bytes());
    }
    ChaCha8Rng::from_seed(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng as _;

    #[test]
    fn a_pass_shows_everything_once_and_repeats_exactly() {
        let pass = |epoch, first| -> Vec<usize> { (first..first + 10).map(|p| shuffled(7, epoch, p, 10).0).collect() };
        for (epoch, first) in [(0, 0), (0, 10), (1, 0)] {
            let mut seen = pass(epoch, first);
            assert_eq!(seen, pass(epoch, first));
            seen.sort_unstable();
            assert_eq!(seen, (0..10).collect::<Vec<_>>());
        }
        assert!(pass(0, 0) != pass(1, 0) && pass(0, 0) != pass(0, 10));
        let (mut a, mut b) = (shuffled(7, 0, 3, 10).1, shuffled(7, 0, 4, 10).1);
        assert_ne!(a.next_u64(), b.next_u64());
    }
}
