//! After preparation our CPU engine allocates nothing, whatever it runs.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use dormouse::engine::Engine as _;
use dormouse::engine::cpu::{CpuNetwork, Isa};
use dormouse::preprocess::InputShape;
use dormouse_tests::cpu_suite::{file, weights};
use dormouse_tests::heap::{CountingHeap, heap_use};
use dormouse_tests::onnx::Attr;

#[global_allocator]
static HEAP: CountingHeap = CountingHeap;

#[test]
fn running_allocates_nothing() {
    let pads = [("pads", Attr::Ints(&[1; 4][..]))];
    let two = [("kernel_shape", Attr::Ints(&[2; 2][..])), ("strides", Attr::Ints(&[2; 2][..]))];
    let onnx = file(1)
        .floats("stem", &[20, 1, 3, 3], &weights(180, 9))
        .floats("dense", &[20, 20, 3, 3], &weights(3600, 180))
        .floats("joined", &[9, 40, 3, 3], &weights(3240, 360))
        .floats("head", &[5, 9, 1, 1], &weights(45, 9))
        .floats("x2", &[4], &[1.0, 1.0, 2.0, 2.0])
        .node("Conv", &["x", "stem"], "a", &pads)
        .node("Relu", &["a"], "b", &[])
        .node("MaxPool", &["b"], "c", &two)
        .node("Conv", &["c", "dense"], "d", &pads)
        .node("Sigmoid", &["d"], "e", &[])
        .node("Resize", &["e", "", "x2"], "f", &[("mode", Attr::Text("linear"))])
        .node("Concat", &["b", "f"], "g", &[("axis", Attr::Int(1))])
        .node("Conv", &["g", "joined"], "h", &pads)
        .node("Conv", &["h", "head"], "y", &[])
        .bytes();
    let shape = InputShape { channels: 1, height: 32, width: 48 };
    let images = vec![0.5; 2 * shape.len()];
    for isa in Isa::all() {
        for threads in [1, 2] {
            let network = CpuNetwork::load_whole(&onnx, threads).unwrap().with_isa(isa);
            let mut engine = network.prepare_cpu(shape, 2).unwrap();
            for images in [&images[..], &images[..shape.len()]] {
                let (result, used) = heap_use(|| engine.run(images, images.len() / shape.len()));
                result.unwrap();
                assert_eq!(used.requests, 0, "{isa}, {threads} threads, {} images", images.len() / shape.len());
            }
            let methods: Vec<_> = engine.steps().map(|s| s.method).collect();
            assert!(methods.contains(&"winograd 4x4") && methods.contains(&"direct"), "{methods:?}");
        }
    }
}
