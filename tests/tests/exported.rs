//! Networks of every model type and backbone, exported: burn, tract, our CPU engine and ONNX Runtime give the same numbers, at the
//! size of the training and at another one.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use dormouse::engine::Engine as _;
use dormouse::engine::cpu::CpuNetwork;
use dormouse::preprocess::InputShape;
use dormouse_tests::onnx::numbers;
use dormouse_tests::run_tract::{Output, run_tract};
use dormouse_tests::tolerance::EXPORTED_NETWORK;
use dormouse_tests::untrained::{Untrained, model_types};
use dormouse_trainer::export::check_export;
use dormouse_trainer::model::PoseNet;

const IMAGES: usize = 2;
/// Height and width: of the training, and another shape.
const SIZES_PX: [[usize; 2]; 2] = [[64, 64], [48, 80]];

fn images(net: &PoseNet, [height, width]: [usize; 2]) -> ([usize; 4], Vec<f32>) {
    let dims = [IMAGES, net.config().in_channels, height, width];
    (dims, numbers(dims.iter().product(), 9).iter().map(|n| 0.5 + 0.5 * n).collect())
}

fn assert_same(what: &str, expected: &[f32], got: &[f32]) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.0f32, |m, x| m.max(x.abs()));
    // Written so that NaN counts as worst.
    let worst = got.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0f32, |w, d| if d <= w { w } else { d });
    assert!(largest > 1e-4 && worst <= EXPORTED_NETWORK * largest, "{what}: off by {worst} of {largest}");
}

/// Outputs of tract, which were found equal to burn's.
fn expected(what: &str, net: &PoseNet, onnx: &[u8], size: [usize; 2]) -> (Vec<f32>, Vec<Output>) {
    let difference = check_export(net, onnx, &[size]).unwrap_or_else(|e| panic!("{what}: {e}"));
    assert!(difference < 1e-5, "{what}: {difference}");
    let (dims, images) = images(net, size);
    let outputs = run_tract(onnx, &[(&dims, &images)]);
    assert_eq!(outputs.len(), net.config().heads.len());
    (images, outputs)
}

#[test]
fn tract_and_the_cpu_engine_compute_what_burn_computes() {
    for Untrained { name: what, net, onnx } in model_types() {
        for [height, width] in SIZES_PX {
            let (images, outputs) = expected(&what, &net, &onnx, [height, width]);
            let shape = InputShape { channels: net.config().in_channels, height, width };
            let mut engine = CpuNetwork::load_whole(&onnx, 2).unwrap().prepare_cpu(shape, IMAGES).unwrap();
            engine.run(&images, IMAGES).unwrap();
            for (index, (_, expected)) in outputs.iter().enumerate() {
                let got: Vec<f32> = (0..IMAGES)
                    .flat_map(|image| {
                        let maps = engine.output(index, image).unwrap();
                        (0..maps.channels()).flat_map(|c| maps.channel(c).to_vec()).collect::<Vec<f32>>()
                    })
                    .collect();
                assert_same(&format!("{what}, {width}x{height}, output {index}"), expected, &got);
            }
        }
    }
}

#[test]
#[ignore = "needs onnxruntime"]
fn onnx_runtime_computes_what_burn_computes() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/python/run_onnx.py");
    let python = std::env::var("DORMOUSE_PYTHON").unwrap_or_else(|_| "python3".into());
    for Untrained { name: what, net, onnx } in model_types() {
        for size in SIZES_PX {
            let (images, outputs) = expected(&what, &net, &onnx, size);
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("net.onnx"), &onnx).unwrap();
            std::fs::write(folder.path().join("image.f32"), images.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>())
                .unwrap();
            let dims = [IMAGES, net.config().in_channels, size[0], size[1]].map(|d| d.to_string());
            assert!(std::process::Command::new(&python).arg(script).arg(folder.path()).args(dims).status().unwrap().success());
            for ((_, expected), head) in outputs.iter().zip(&net.config().heads) {
                let bytes = std::fs::read(folder.path().join(format!("{}.f32", head.output))).unwrap();
                let got: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
                assert_same(&format!("{what}, {size:?}, {}", head.output), expected, &got);
            }
        }
    }
}
