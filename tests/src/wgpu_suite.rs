//! Runs a small network on our own GPU engine and compares it with the reference executor.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test may fail by panicking")]

use crate::onnx::{Onnx, numbers};
use crate::tolerance::GPU_DIRECT;
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

/// Runs a file with the input `x` with one and with two images and compares all outputs with the reference executor. Returns the
/// names of the kernels.
pub fn same_as_reference(case: &str, onnx: &[u8], [channels, height, width]: [usize; 3]) -> Vec<&'static str> {
    let graph = Graph::from_onnx(onnx).unwrap_or_else(|e| panic!("{case}: {e}"));
    let shapes = graph.shapes(&[Shape::new([1, channels, height, width])]).unwrap_or_else(|e| panic!("{case}: {e}"));
    let len = channels * height * width;
    let images = numbers(2 * len, 3);
    let expected: Vec<_> = images.chunks(len).map(|image| graph.run_reference(&shapes, &[image]).unwrap()).collect();
    let network = WgpuNetwork::load_whole(&GPU, onnx).unwrap_or_else(|e| panic!("{case}: {e}"));
    let prepared = network.prepare_wgpu(InputShape { channels, height, width }, 2);
    let mut engine = prepared.unwrap_or_else(|e| panic!("{case}: {e}"));
    // The second run finds what the first one left in the buffers.
    for count in [2, 1] {
        engine.run(&images[..count * len], count).unwrap_or_else(|e| panic!("{case}: {e}"));
        for (image, expected) in expected.iter().enumerate().take(count) {
            for (index, expected) in expected.iter().enumerate() {
                let maps = engine.output(index, image).unwrap();
                let got: Vec<f32> = (0..maps.channels()).flat_map(|c| maps.channel(c).iter().copied()).collect();
                assert_eq!(got.len(), expected.len(), "{case}");
                let largest = expected.iter().fold(1.0f32, |m, x| m.max(x.abs()));
                // Written so that NaN counts as worst.
                let worse = |w: f32, d: f32| if d <= w { w } else { d };
                let worst = got.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0f32, worse);
                assert!(worst <= GPU_DIRECT * largest, "{case}, image {image} of {count}: off by {worst} of {largest}");
            }
        }
        assert!(engine.output(0, count).is_none(), "{case}: an image that was not run has an output");
    }
    engine.program().dispatches().iter().map(|d| d.kernel.name()).collect()
}

/// A file with input `x` of that many channels and output `y`.
pub fn file(channels: usize) -> Onnx {
    Onnx::new(17).input("x", &[-1, channels as i64, -1, -1]).output("y")
}

/// Weights with a mean square of `1 / fan_in`, so that sums stay near 1.
pub fn weights(len: usize, fan_in: usize) -> Vec<f32> {
    numbers(len, 11).iter().map(|w| w * (3.0 / fan_in as f32).sqrt()).collect()
}
