//! The recipes' networks, untrained: engine cpu gives the numbers of tract and of ONNX Runtime, whatever the size of the image.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use burn::tensor::{Device, Tensor, TensorData};
use dormouse::engine::Engine as _;
use dormouse::engine::cpu::{CpuNetwork, Isa};
use dormouse::preprocess::InputShape;
use dormouse::{Bundle, Skeleton};
use dormouse_tests::onnx::numbers;
use dormouse_tests::run_tract::run_tract;
use dormouse_tests::tolerance::WHOLE_NETWORK;
use dormouse_trainer::config::{Stage, TrainConfig};
use dormouse_trainer::export::{metadata, to_onnx};
use dormouse_trainer::model::{PoseNet, fit_to_images};
use std::path::Path;
use std::process::Command;

/// Height and width of the images: multiples of the recipes' max stride of 16, down to one cell of the coarsest map.
const SIZES_PX: [[usize; 2]; 5] = [[64, 64], [16, 16], [48, 112], [128, 80], [32, 208]];
/// Known individuals of identity models.
const CLASSES: usize = 2;
static DEMO: &[u8] = include_bytes!("../../model-zoo/demo/demo.dorm");

/// A recipe's network as it stands before its first step, except that its heads are not made small.
struct Untrained {
    name: String,
    net: PoseNet,
    onnx: Vec<u8>,
}

/// Numbers of an image, 0 to 1.
fn image(dims: [usize; 4]) -> Vec<f32> {
    numbers(dims.iter().product(), 9).iter().map(|v| (v + 1.0) / 2.0).collect()
}

fn untrained(recipe: &str) -> Vec<Untrained> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../model-zoo/recipes").join(recipe).with_extension("toml");
    let config = TrainConfig::load(&path, &[]).unwrap();
    let demo = Bundle::from_bytes(DEMO).unwrap();
    let skeleton = &demo.config().skeleton;
    let stages = config.model.model_type.stages();
    assert!(!stages.is_empty(), "{recipe}");
    stages.iter().map(|&stage| network(recipe, &config, stage, skeleton)).collect()
}

fn network(recipe: &str, config: &TrainConfig, stage: Stage, skeleton: &Skeleton) -> Untrained {
    let config = config.stage(stage).unwrap();
    let mut net = config.network(&config.heads(stage, skeleton, CLASSES)).init(5, &Device::default()).unwrap();
    let dims = [2, net.config().in_channels, 64, 64];
    let images = Tensor::from_data(TensorData::new(image(dims), dims), net.device());
    fit_to_images(&mut net, &images).unwrap();
    let onnx = to_onnx(&net, &metadata(&net, "hash")).unwrap();
    Untrained { name: format!("{recipe}, {}", stage.name()), net, onnx }
}

fn all() -> Vec<Untrained> {
    ["demo", "flies-bottomup", "flies-topdown", "synth-identity"].into_iter().flat_map(untrained).collect()
}

/// All outputs of engine cpu one behind the other.
fn run_cpu(onnx: &[u8], isa: Isa, [channels, height, width]: [usize; 3], image: &[f32]) -> Vec<Vec<f32>> {
    let network = CpuNetwork::load_whole(onnx, 2).unwrap().with_isa(isa);
    let mut engine = network.prepare_cpu(InputShape { channels, height, width }, 1).unwrap();
    engine.run(image, 1).unwrap();
    let outputs = (0..).map_while(|index| engine.output(index, 0));
    outputs.map(|maps| (0..maps.channels()).flat_map(|c| maps.channel(c).to_vec()).collect()).collect()
}

/// Panics if numbers differ by more than the tolerance times the largest of them.
fn compare(what: &str, ours: &[Vec<f32>], expected: &[Vec<f32>]) {
    assert_eq!(ours.len(), expected.len(), "{what}");
    for (ours, expected) in ours.iter().zip(expected) {
        assert_eq!(ours.len(), expected.len(), "{what}");
        let largest = expected.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        // Written so that NaN counts as worst.
        let worse = |w: f32, d: f32| if d <= w { w } else { d };
        let worst = ours.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0f32, worse);
        println!("{what}: {worst:.1e} of {largest:.2}");
        assert!(largest > 0.1, "{what}: nothing to compare");
        assert!(worst <= WHOLE_NETWORK * largest, "{what}: off by {worst} of {largest}");
    }
}

#[test]
fn cpu_computes_what_tract_computes() {
    for Untrained { name, net, onnx } in all() {
        let channels = net.config().in_channels;
        for [height, width] in SIZES_PX {
            let dims = [1, channels, height, width];
            let image = image(dims);
            let expected: Vec<_> = run_tract(&onnx, &[(&dims, &image)]).into_iter().map(|(_, numbers)| numbers).collect();
            for isa in Isa::all() {
                let ours = run_cpu(&onnx, isa, [channels, height, width], &image);
                compare(&format!("{name}, {width}x{height}, {isa}"), &ours, &expected);
            }
        }
    }
}

#[test]
#[ignore = "needs onnxruntime"]
fn cpu_computes_what_onnx_runtime_computes() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/python/run_onnx.py");
    let python = std::env::var("DORMOUSE_PYTHON").unwrap_or_else(|_| "python3".into());
    for Untrained { name, net, onnx } in all() {
        let channels = net.config().in_channels;
        for [height, width] in SIZES_PX {
            let dims = [1, channels, height, width];
            let image = image(dims);
            let folder = tempfile::tempdir().unwrap();
            let at = |name: &str| folder.path().join(name);
            std::fs::write(at("net.onnx"), &onnx).unwrap();
            std::fs::write(at("image.f32"), image.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>()).unwrap();
            let sides = dims.map(|side| side.to_string());
            assert!(Command::new(&python).arg(script).arg(folder.path()).args(sides).status().unwrap().success());
            let read = |output: &str| -> Vec<f32> {
                let bytes = std::fs::read(at(&format!("{output}.f32"))).unwrap();
                bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
            };
            let expected: Vec<_> = net.config().heads.iter().map(|head| read(&head.output)).collect();
            let ours = run_cpu(&onnx, Isa::best(), [channels, height, width], &image);
            compare(&format!("{name}, {width}x{height}"), &ours, &expected);
        }
    }
}
