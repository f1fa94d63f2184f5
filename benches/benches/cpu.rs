//! Engine cpu: the kinds of layers that pose networks are made of, and the demo's whole network, per set of instructions.

#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]
#![allow(clippy::unwrap_used, reason = "a bench may fail by panicking")]

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use dormouse::Bundle;
use dormouse::engine::Engine as _;
use dormouse::engine::cpu::{CpuEngine, CpuNetwork, Isa};
use dormouse::graph::{Graph, Shape};
use dormouse::preprocess::InputShape;
use dormouse_tests::cpu_suite::{file, weights};
use dormouse_tests::onnx::{Attr, Onnx, numbers};
use dormouse_tests::tolerance::WHOLE_NETWORK;
use std::hint::black_box;

static DEMO: &[u8] = include_bytes!("../../model-zoo/demo/demo.dorm");
const CHANNELS: usize = 32;
/// Height and width of the layers' maps, and of the images of the whole network.
const SIDE_PX: usize = 96;

/// The engine after a first run whose numbers are the reference executor's.
fn checked(onnx: &[u8], input: InputShape, isa: Isa, threads: usize, image: &[f32]) -> CpuEngine {
    let graph = Graph::from_onnx(onnx).unwrap();
    let shapes = graph.shapes(&[Shape::new([1, input.channels, input.height, input.width])]).unwrap();
    let expected = graph.run_reference(&shapes, &[image]).unwrap();
    let mut engine = CpuNetwork::load_whole(onnx, threads).unwrap().with_isa(isa).prepare_cpu(input, 1).unwrap();
    engine.run(image, 1).unwrap();
    for (index, expected) in expected.iter().enumerate() {
        let maps = engine.output(index, 0).unwrap();
        let got: Vec<f32> = (0..maps.channels()).flat_map(|c| maps.channel(c).to_vec()).collect();
        let largest = expected.iter().fold(1.0f32, |m, v| m.max(v.abs()));
        assert_eq!(got.len(), expected.len());
        assert!(got.iter().zip(expected).all(|(a, b)| (a - b).abs() <= WHOLE_NETWORK * largest), "{isa}");
    }
    engine
}

/// One layer with its name; behind a ReLU, so that it does not read the image itself.
fn layers() -> Vec<(&'static str, Vec<u8>)> {
    let start = || file(CHANNELS).node("Relu", &["x"], "a", &[]);
    let conv = |side: usize, groups: usize| {
        let fan_in = CHANNELS / groups * side * side;
        let start = start().floats("w", &[CHANNELS, CHANNELS / groups, side, side], &weights(CHANNELS * fan_in, fan_in));
        let pads = [(side / 2) as i64; 4];
        start.node("Conv", &["a", "w"], "y", &[("pads", Attr::Ints(&pads)), ("group", Attr::Int(groups as i64))])
    };
    let window = || [("kernel_shape", Attr::Ints(&[2, 2])), ("strides", Attr::Ints(&[2, 2]))];
    let turned = start().floats("w", &[CHANNELS, CHANNELS, 2, 2], &weights(CHANNELS * CHANNELS * 4, CHANNELS));
    let double = start().floats("s", &[4], &[1.0, 1.0, 2.0, 2.0]);
    let all: [(&str, Onnx); 6] = [
        ("conv_3x3", conv(3, 1)),
        ("conv_1x1", conv(1, 1)),
        ("depthwise_3x3", conv(3, CHANNELS)),
        ("transposed_2x2", turned.node("ConvTranspose", &["a", "w"], "y", &window())),
        ("max_pool", start().node("MaxPool", &["a"], "y", &window())),
        ("double_linear", double.node("Resize", &["a", "", "s"], "y", &[("mode", Attr::Text("linear"))])),
    ];
    all.into_iter().map(|(name, onnx)| (name, onnx.bytes())).collect()
}

fn each_layer(c: &mut Criterion) {
    let input = InputShape { channels: CHANNELS, height: SIDE_PX, width: SIDE_PX };
    let image = numbers(input.len(), 1);
    let mut group = c.benchmark_group("cpu_layer");
    for (name, onnx) in layers() {
        for isa in Isa::all() {
            let mut engine = checked(&onnx, input, isa, 1, &image);
            group.bench_function(BenchmarkId::new(name, isa), |b| b.iter(|| engine.run(black_box(&image), 1).unwrap()));
        }
    }
}

fn whole_network(c: &mut Criterion) {
    let bundle = Bundle::from_bytes(DEMO).unwrap();
    let onnx = bundle.network(&bundle.config().networks[0].name).unwrap();
    let input = InputShape { channels: 1, height: SIDE_PX, width: SIDE_PX };
    let image: Vec<f32> = numbers(input.len(), 1).iter().map(|v| (v + 1.0) / 2.0).collect();
    let mut group = c.benchmark_group("cpu_demo");
    for isa in Isa::all() {
        for threads in [1, 2] {
            let mut engine = checked(onnx, input, isa, threads, &image);
            group.bench_function(BenchmarkId::new(isa.name(), threads), |b| b.iter(|| engine.run(black_box(&image), 1).unwrap()));
        }
    }
}

criterion_group!(benches, each_layer, whole_network);
criterion_main!(benches);
