//! Runs a small network on our own GPU engine and compares it with the reference executor.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test may fail by panicking")]

use crate::maps::farthest;
use crate::onnx::{Onnx, numbers};
use crate::run_tract::run_tract;
use crate::tolerance::{GPU_DIRECT, GPU_HALF};
use crate::untrained::image;
use dormouse::Precision;
use dormouse::engine::Engine as _;
use dormouse::engine::wgpu::{Gpu, WgpuNetwork};
use dormouse::graph::{Graph, Shape};
use dormouse::preprocess::InputShape;
use std::sync::LazyLock;

/// One device for all tests of a program; says which adapter it is.
pub static GPU: LazyLock<Gpu> = LazyLock::new(|| {
    let gpu = Gpu::open(true).unwrap_or_else(|error| panic!("DORMOUSE_TEST_GPU=1 promises an adapter: {error}"));
    eprintln!("adapter: {}", gpu.report());
    gpu
});

/// Runs a file with the input `x` with one and with two images, with numbers of 32 bits in memory and with numbers of 16, and compares all
/// outputs with the reference executor. Returns the names of the kernels.
pub fn same_as_reference(case: &str, onnx: &[u8], [channels, height, width]: [usize; 3]) -> Vec<&'static str> {
    let graph = Graph::from_onnx(onnx).unwrap_or_else(|e| panic!("{case}: {e}"));
    let shapes = graph.shapes(&[Shape::new([1, channels, height, width])]).unwrap_or_else(|e| panic!("{case}: {e}"));
    let len = channels * height * width;
    let images = numbers(2 * len, 3);
    let expected: Vec<_> = images.chunks(len).map(|image| graph.run_reference(&shapes, &[image]).unwrap()).collect();
    let mut kernels = Vec::new();
    for (precision, tolerance) in [(Precision::Half, GPU_HALF), (Precision::Single, GPU_DIRECT)] {
        let case = format!("{case}, {precision} precision");
        let network = WgpuNetwork::load_whole(&GPU, onnx).and_then(|network| network.with_precision(precision));
        let prepared = network.and_then(|network| network.prepare_wgpu(InputShape { channels, height, width }, 2));
        let mut engine = prepared.unwrap_or_else(|e| panic!("{case}: {e}"));
        // The second run finds what the first one left in the buffers.
        for count in [2, 1] {
            engine.run(&images[..count * len], count).unwrap_or_else(|e| panic!("{case}: {e}"));
            for (image, expected) in expected.iter().enumerate().take(count) {
                for (index, expected) in expected.iter().enumerate() {
                    let maps = engine.output(index, image).unwrap();
                    let [worst, largest] = farthest(&case, &maps, expected);
                    let most = tolerance * largest.max(1.0);
                    assert!(worst <= most, "{case}, image {image} of {count}: off by {worst} of {largest}");
                }
            }
            assert!(engine.output(0, count).is_none(), "{case}: an image that was not run has an output");
        }
        kernels = engine.program().dispatches().iter().map(|d| d.kernel.name()).collect();
    }
    kernels
}

/// Runs a network for one image and compares it with tract: every output may differ by the tolerance times its largest number. Gives the
/// worst difference by the largest number.
pub fn near_tract(name: &str, onnx: &[u8], shape: InputShape, precision: Precision, tolerance: f32) -> f32 {
    let InputShape { channels, height, width } = shape;
    let dims = [1, channels, height, width];
    let image = image(dims);
    let what = format!("{name}, {width}x{height}, {precision} precision");
    let network = WgpuNetwork::load_whole(&GPU, onnx).unwrap().with_precision(precision).unwrap();
    let mut engine = network.prepare_wgpu(shape, 1).unwrap();
    engine.run(&image, 1).unwrap();
    let expected = run_tract(onnx, &[(&dims, &image)]);
    assert!(!expected.is_empty(), "{what}");
    let mut worst_of_all = 0.0f32;
    for (index, (_, expected)) in expected.iter().enumerate() {
        let [worst, largest] = farthest(&what, &engine.output(index, 0).unwrap(), expected);
        println!("{what}, output {index}: {worst:.1e} of {largest:.2}");
        assert!(largest > 1e-4 && worst <= tolerance * largest, "{what}: off by {worst} of {largest}");
        worst_of_all = worst_of_all.max(worst / largest);
    }
    worst_of_all
}

/// A file with input `x` of that many channels and output `y`.
pub fn file(channels: usize) -> Onnx {
    Onnx::new(17).input("x", &[-1, channels as i64, -1, -1]).output("y")
}

/// Weights with a mean square of `1 / fan_in`, so that sums stay near 1.
pub fn weights(len: usize, fan_in: usize) -> Vec<f32> {
    numbers(len, 11).iter().map(|w| w * (3.0 / fan_in as f32).sqrt()).collect()
}
