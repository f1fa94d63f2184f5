//! Runs a small network on our own GPU engine and compares it with the reference executor.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test may fail by panicking")]

use crate::onnx::{Onnx, numbers};
use crate::tolerance::{GPU_DIRECT, GPU_HALF};
use dormouse::Precision;
use dormouse::engine::Engine as _;
use dormouse::engine::wgpu::{Gpu, WgpuNetwork};
use dormouse::graph::{Graph, Shape};
use dormouse::preprocess::InputShape;
use dormouse::tensor::Maps;
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
                    same_numbers(&format!("{case}, image {image} of {count}"), &maps, expected, tolerance);
                }
            }
            assert!(engine.output(0, count).is_none(), "{case}: an image that was not run has an output");
        }
        kernels = engine.program().dispatches().iter().map(|d| d.kernel.name()).collect();
    }
    kernels
}

/// Compares an output with what is expected, to within the tolerance times its largest number, 1 at least.
fn same_numbers(case: &str, maps: &Maps<'_>, expected: &[f32], tolerance: f32) {
    let got: Vec<f32> = (0..maps.channels()).flat_map(|c| maps.channel(c).iter().copied()).collect();
    assert_eq!(got.len(), expected.len(), "{case}");
    let largest = expected.iter().fold(1.0f32, |m, x| m.max(x.abs()));
    // Written so that NaN counts as worst.
    let worse = |w: f32, d: f32| if d <= w { w } else { d };
    let worst = got.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0f32, worse);
    assert!(worst <= tolerance * largest, "{case}: off by {worst} of {largest}");
}

/// A file with input `x` of that many channels and output `y`.
pub fn file(channels: usize) -> Onnx {
    Onnx::new(17).input("x", &[-1, channels as i64, -1, -1]).output("y")
}

/// Weights with a mean square of `1 / fan_in`, so that sums stay near 1.
pub fn weights(len: usize, fan_in: usize) -> Vec<f32> {
    numbers(len, 11).iter().map(|w| w * (3.0 / fan_in as f32).sqrt()).collect()
}
