//! Whole networks on engine wgpu: the recipes' and one of each model type with each backbone, untrained, and imported ones, against tract.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use dormouse::Precision;
use dormouse::preprocess::InputShape;
use dormouse_tests::golden::data_path;
use dormouse_tests::imported::{BOTTOM_UP, ROBOT, TOP_DOWN};
use dormouse_tests::keras_mixture::mixture;
use dormouse_tests::tolerance::{EXPORTED_NETWORK, WHOLE_NETWORK};
use dormouse_tests::untrained::{Untrained, model_types, recipes};
use dormouse_tests::wgpu_suite::near_tract;
use dormouse_trainer::import::keras::KerasModel;

fn same_as_tract(network: &Untrained, size: [usize; 2], tolerance: f32) {
    file_same_as_tract(&network.name, &network.onnx, network.net.config().in_channels, size, tolerance);
}

fn file_same_as_tract(name: &str, onnx: &[u8], channels: usize, [height, width]: [usize; 2], tolerance: f32) {
    near_tract(name, onnx, InputShape { channels, height, width }, Precision::Single, tolerance);
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
