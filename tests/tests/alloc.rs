//! After preparation and the first frame nothing on our side allocates.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use dormouse::config::*;
use dormouse::decode::Decoder;
use dormouse::preprocess::Preprocessor;
use dormouse::tensor::Maps;
use dormouse::{Backend, Bundle, Estimator, Frame, ImageMap, Options, PixelFormat, Skeleton, Stage};
use dormouse_tests::top_down;

thread_local! {
    /// Allocations of this thread; other threads belong to the test harness.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, counting.
struct Counting;

fn count() {
    // A thread that is just ending has no counter any more, and nothing left to measure.
    let _ = ALLOCATIONS.try_with(|n| n.set(n.get() + 1));
}

#[expect(unsafe_code, reason = "counting allocations is only possible as the global allocator")]
// SAFETY: every call is passed on unchanged to `System`, which fulfils the contract; counting touches no memory of the
// caller and cannot unwind (a plain `Cell` without destructor).
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller fulfils the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller gives back what `alloc`, `alloc_zeroed` or `realloc` gave, which came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller fulfils the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller fulfils the contract of `realloc`, and `pointer` came from `System`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Number of allocations of this thread while `work` runs.
fn allocations(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

const WIDTH: usize = 40;
const HEIGHT: usize = 30;

fn config(model_type: ModelType, limits: Limits) -> Config {
    let head = |kind| HeadConfig { kind, output: format!("{kind:?}"), stride_px: 4 };
    let preprocess =
        PreprocessConfig { color: InputColor::Gray, input_scale: 1.0, resize: ResizeFilter::Bilinear, pad_to_stride_px: 16 };
    let heads = vec![head(HeadKind::ConfidenceMaps), head(HeadKind::PartAffinityFields)];
    Config {
        name: "alloc".into(),
        model_type,
        skeleton: Skeleton {
            name: "row".into(),
            nodes: vec!["a".into(), "b".into(), "c".into()],
            edges: vec![(0, 1), (1, 2)],
            symmetries: vec![],
        },
        networks: vec![NetworkConfig { name: "pose".into(), preprocess, heads }],
        peaks: PeakConfig::default(),
        // Everything is accepted, so that noise makes as many animals as possible.
        grouping: GroupingConfig { min_line_score: -2.0, ..GroupingConfig::default() },
        limits,
        provenance: Provenance::default(),
        top_down: None,
        identity: None,
    }
}

/// Noise from a multiplicative congruential generator, -1 to 1; one value in 50 is NaN.
fn noise(len: usize, mut state: u32) -> Vec<f32> {
    let mut next = || {
        state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
        state >> 8
    };
    (0..len).map(|_| if next() % 50 == 0 { f32::NAN } else { next() as f32 / (1 << 23) as f32 - 1.0 }).collect()
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(7)))), 1);
    assert_eq!(allocations(|| {}), 0);
}

#[test]
fn decoding_allocates_nothing_after_preparation() {
    for model_type in [ModelType::BottomUp, ModelType::SingleInstance] {
        for limits in [Limits::default(), Limits { max_instances: 2, max_peaks: 3 }] {
            let frames: Vec<_> = (1..6).map(|i| (noise(3 * WIDTH * HEIGHT, i), noise(4 * WIDTH * HEIGHT, 99 * i))).collect();
            let mut decoder = Decoder::new(&config(model_type, limits)).unwrap();
            let mut poses = decoder.new_poses();
            // Few animals first: later frames must not need more than what was planned.
            let empty = vec![0.0; 4 * WIDTH * HEIGHT];
            let frames = std::iter::once((&empty[..3 * WIDTH * HEIGHT], &empty[..]))
                .chain(frames.iter().map(|(confmaps, pafs)| (&confmaps[..], &pafs[..])));
            let mut animals = 0;
            for (confmaps, pafs) in frames {
                let confmaps = Maps::new(confmaps, 3, HEIGHT, WIDTH).unwrap();
                let pafs = Maps::new(pafs, 4, HEIGHT, WIDTH).unwrap();
                let count = allocations(|| decoder.decode(confmaps, Some(pafs), ImageMap::new(1.0), &mut poses).unwrap());
                assert_eq!(count, 0, "{model_type:?} {limits:?}");
                animals += poses.len();
            }
            assert!(animals > 4, "the noise must make animals: {animals}");
        }
    }
}

#[test]
fn preprocessing_allocates_nothing_after_preparation() {
    let (width_px, height_px) = (93, 71);
    let formats = [PixelFormat::Gray8, PixelFormat::Rgb8, PixelFormat::Bgr8, PixelFormat::Rgba8, PixelFormat::Bgra8];
    for color in [InputColor::Gray, InputColor::Rgb] {
        for (input_scale, resize) in [
            (1.0, ResizeFilter::Bilinear),
            (0.5, ResizeFilter::Bilinear),
            (0.37, ResizeFilter::BilinearAntialias),
            (1.6, ResizeFilter::Bilinear),
        ] {
            let config = PreprocessConfig { color, input_scale, resize, pad_to_stride_px: 16 };
            let mut preprocessor = Preprocessor::new(&config, width_px, height_px).unwrap();
            let mut input = vec![0.0; preprocessor.shape().len()];
            for format in formats {
                let row_bytes = width_px as usize * format.bytes_per_pixel();
                let bytes: Vec<u8> = (0..row_bytes * height_px as usize).map(|i| (i * 37) as u8).collect();
                let frame = Frame::packed(format, &bytes, width_px, height_px).unwrap();
                let count = allocations(|| preprocessor.run(&frame, &mut input).unwrap());
                assert_eq!(count, 0, "{color:?} {format:?} {input_scale} {resize:?}");
            }
        }
    }
}

#[test]
fn top_down_models_allocate_only_inside_the_engine() {
    for identity in [false, true] {
        let file = top_down::bundle(&top_down::config(identity, 4), None);
        let (width_px, height_px) = (top_down::WIDTH as u32, top_down::HEIGHT as u32);
        let options = Options { backend: Backend::Cpu, frame_px: Some((width_px, height_px)), ..Options::default() };
        let mut estimator = Estimator::new(&Bundle::from_bytes(&file).unwrap(), &options).unwrap();
        // One animal first: frames with more of them, and with too many, must not need more than what was planned.
        for count in [1, 0, 4, 6, 2] {
            let animals: Vec<_> =
                (0..count).map(|i| top_down::Animal::at(20.0 + 33.0 * (i % 3) as f32, 20.0 + 40.0 * (i / 3) as f32)).collect();
            let pixels = top_down::scene(&animals);
            let frame = Frame::rgb8(&pixels, width_px, height_px).unwrap();
            let (mut own, mut mark) = (0, ALLOCATIONS.get());
            let poses = estimator
                .estimate_observed(&frame, &mut |stage| {
                    if stage != Stage::Infer {
                        own += ALLOCATIONS.get() - mark;
                    }
                    mark = ALLOCATIONS.get();
                })
                .unwrap();
            assert_eq!((poses.len(), own), (count.min(4), 0), "{count} animals, identity {identity}");
        }
    }
}
