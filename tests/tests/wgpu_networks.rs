//! Whole networks on engine wgpu: the recipes' and one of each model type with each backbone, untrained, and imported ones, against tract.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use dormouse::engine::Engine as _;
use dormouse::engine::wgpu::WgpuNetwork;
use dormouse::preprocess::InputShape;
use dormouse_tests::golden::data_path;
use dormouse_tests::imported::{BOTTOM_UP, ROBOT, TOP_DOWN};
use dormouse_tests::keras_mixture::mixture;
use dormouse_tests::run_tract::run_tract;
use dormouse_tests::tolerance::{EXPORTED_NETWORK, WHOLE_NETWORK};
use dormouse_tests::untrained::{Untrained, image, model_types, recipes};
use dormouse_tests::wgpu_suite::GPU;
use dormouse_trainer::import::keras::KerasModel;

/// Runs a network for one image; every output may differ by the tolerance times its largest number.
fn same_as_tract(network: &Untrained, size: [usize; 2], tolerance: f32) {
    file_same_as_tract(&network.name, &network.onnx, network.net.config().in_channels, size, tolerance);
}

fn file_same_as_tract(name: &str, onnx: &[u8], channels: usize, [height, width]: [usize; 2], tolerance: f32) {
    let dims = [1, channels, height, width];
    let image = image(dims);
    let what = format!("{name}, {width}x{height}");
    let shape = InputShape { channels: dims[1], height, width };
    let mut engine = WgpuNetwork::load_whole(&GPU, onnx).unwrap().prepare_wgpu(shape, 1).unwrap();
    engine.run(&image, 1).unwrap();
    let expected = run_tract(onnx, &[(&dims, &image)]);
    assert!(!expected.is_empty(), "{what}");
    for (index, (_, expected)) in expected.iter().enumerate() {
        let maps = engine.output(index, 0).unwrap();
        let ours: Vec<f32> = (0..maps.channels()).flat_map(|c| maps.channel(c).to_vec()).collect();
        assert_eq!(ours.len(), expected.len(), "{what}");
        let largest = expected.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        // Written so that NaN counts as worst.
        let worse = |w: f32, d: f32| if d <= w { w } else { d };
        let worst = ours.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0f32, worse);
        println!("{what}, output {index}: {worst:.1e} of {largest:.2}");
        assert!(largest > 1e-4 && worst <= tolerance * largest, "{what}: off by {worst} of {largest}");
    }
}

#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn networks_of_the_recipes() {
    for network in recipes() {
        for size in [[16, 16], [48, 112]] {
            same_as_tract(&network, size, WHOLE_NETWORK);
        }
    }
}

#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn every_model_type_and_backbone() {
    for network in model_types() {
        same_as_tract(&network, [48, 80], EXPORTED_NETWORK);
    }
}

#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn all_kinds_of_imported_layers() {
    for channels in [1, 3] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("best_model.h5");
        mixture(channels).write(&path);
        let network = KerasModel::open(&path, |_| true).unwrap().to_onnx(&[]).unwrap();
        for size in [[40, 56], [64, 48]] {
            file_same_as_tract("mixture", &network.onnx, channels, size, WHOLE_NETWORK);
        }
    }
}

#[test]
#[ignore = "needs ../shared/data and a Vulkan driver"]
fn imported_networks() {
    for model in BOTTOM_UP.iter().chain(TOP_DOWN).chain(ROBOT) {
        let path = data_path("models").join(model).join("best_model.h5");
        let network = KerasModel::open(&path, |_| true).unwrap().to_onnx(&[]).unwrap();
        for size in [[96, 96], [72, 120]] {
            file_same_as_tract(model, &network.onnx, network.channels, size, WHOLE_NETWORK);
        }
    }
}
