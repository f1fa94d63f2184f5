//! Whole untrained networks on engine wgpu: the recipes' and one of each model type with each backbone, against tract.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use dormouse::engine::Engine as _;
use dormouse::engine::wgpu::WgpuNetwork;
use dormouse::preprocess::InputShape;
use dormouse_tests::run_tract::run_tract;
use dormouse_tests::tolerance::{EXPORTED_NETWORK, WHOLE_NETWORK};
use dormouse_tests::untrained::{Untrained, image, model_types, recipes};
use dormouse_tests::wgpu_suite::GPU;

/// Runs a network for one image; every output may differ by the tolerance times its largest number.
fn same_as_tract(network: &Untrained, [height, width]: [usize; 2], tolerance: f32) {
    let dims = [1, network.net.config().in_channels, height, width];
    let image = image(dims);
    let what = format!("{}, {width}x{height}", network.name);
    let shape = InputShape { channels: dims[1], height, width };
    let mut engine = WgpuNetwork::load_whole(&GPU, &network.onnx).unwrap().prepare_wgpu(shape, 1).unwrap();
    engine.run(&image, 1).unwrap();
    let expected = run_tract(&network.onnx, &[(&dims, &image)]);
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
