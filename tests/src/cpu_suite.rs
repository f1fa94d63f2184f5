//! Runs a small network on our own CPU engine in every way and compares it with the reference executor.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test may fail by panicking")]

use crate::maps::farthest;
use crate::onnx::{Onnx, numbers};
use dormouse::engine::Engine as _;
use dormouse::engine::cpu::{CpuNetwork, Isa};
use dormouse::graph::{Graph, Shape};
use dormouse::preprocess::InputShape;

/// Runs a file with the input `x` on the engine with every set of instructions, on 1 and 3 threads and with two images, and
/// compares with the reference executor: differences up to `tolerance` times the largest number (at least 1). Returns the
/// methods that were chosen.
pub fn same_as_reference(case: &str, onnx: &[u8], [channels, height, width]: [usize; 3], tolerance: f32) -> Vec<String> {
    let graph = Graph::from_onnx(onnx).unwrap_or_else(|e| panic!("{case}: {e}"));
    let shapes = graph.shapes(&[Shape::new([1, channels, height, width])]).unwrap();
    let len = channels * height * width;
    let images = numbers(2 * len, 3);
    let expected: Vec<_> = images.chunks(len).map(|image| graph.run_reference(&shapes, &[image]).unwrap()).collect();
    let mut methods = Vec::new();
    for isa in Isa::all() {
        let mut bits = Vec::new();
        for threads in [1, 3] {
            let network = CpuNetwork::load_whole(onnx, threads).unwrap().with_isa(isa);
            let mut engine = network.prepare_cpu(InputShape { channels, height, width }, 2).unwrap();
            engine.run(&images, 2).unwrap();
            let mut all = Vec::new();
            for (image, expected) in expected.iter().enumerate() {
                for (index, expected) in expected.iter().enumerate() {
                    let maps = engine.output(index, image).unwrap();
                    let [worst, largest] = farthest(case, &maps, expected);
                    let most = tolerance * largest.max(1.0);
                    assert!(worst <= most, "{case}, {isa}, {threads} threads: off by {worst} of {largest}");
                    all.extend((0..maps.channels()).flat_map(|c| maps.channel(c).iter().map(|x| x.to_bits())));
                }
            }
            bits.push(all);
            methods = engine.steps().map(|s| s.method.to_owned()).collect();
        }
        assert!(bits[0] == bits[1], "{case}, {isa}: the number of threads changes the result");
    }
    methods
}

/// A file with input `x` of that many channels and output `y`.
pub fn file(channels: usize) -> Onnx {
    Onnx::new(17).input("x", &[-1, channels as i64, -1, -1]).output("y")
}

/// Weights with a mean square of `1 / fan_in`, so that sums stay near 1.
pub fn weights(len: usize, fan_in: usize) -> Vec<f32> {
    numbers(len, 11).iter().map(|w| w * (3.0 / fan_in as f32).sqrt()).collect()
}
