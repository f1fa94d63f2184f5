//! The recipes' networks, untrained: engine cpu gives the numbers of tract and of ONNX Runtime, whatever the size of the image.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use dormouse::engine::Engine as _;
use dormouse::engine::cpu::{CpuNetwork, Isa};
use dormouse::preprocess::InputShape;
use dormouse_tests::run_tract::run_tract;
use dormouse_tests::tolerance::WHOLE_NETWORK;
use dormouse_tests::untrained::{Untrained, image, recipes};
use std::process::Command;

/// Height and width of the images: multiples of the recipes' max stride of 16, down to one cell of the coarsest map.
const SIZES_PX: [[usize; 2]; 5] = [[64, 64], [16, 16], [48, 112], [128, 80], [32, 208]];

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
    for Untrained { name, net, onnx } in recipes() {
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
    for Untrained { name, net, onnx } in recipes() {
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
