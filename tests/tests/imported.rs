//! SLEAP's own trained Keras models, imported: TensorFlow's outputs and poses.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use dormouse::engine::Engine as _;
use dormouse::engine::cpu::CpuNetwork;
use dormouse::preprocess::InputShape;
use dormouse_tests::golden::data_path;
use dormouse_tests::keras::dummy_activations;
use dormouse_tests::npy::read_f32;
use dormouse_tests::run_tract::run_tract;
use dormouse_tests::tolerance::IMPORTED_NETWORK;
use dormouse_trainer::import::keras::{KerasModel, KerasNetwork};

const MODELS: [&str; 4] = [
    "minimal_instance.UNet.bottomup",
    "minimal_instance.UNet.centered_instance",
    "minimal_instance.UNet.centroid",
    "minimal_robot.UNet.single_instance",
];

/// The network of a reference model, with all of its outputs.
fn network(model: &str) -> KerasNetwork {
    let path = data_path("models").join(model).join("best_model.h5");
    KerasModel::open(&path, |_| true).unwrap().to_onnx(&[]).unwrap()
}

/// Outputs of our CPU engine for one image.
fn run_cpu(network: &KerasNetwork, [height, width]: [usize; 2], image: &[f32]) -> Vec<Vec<f32>> {
    let shape = InputShape { channels: network.channels, height, width };
    let mut engine = CpuNetwork::load_whole(&network.onnx[..], 1).unwrap().prepare_cpu(shape, 1).unwrap();
    engine.run(image, 1).unwrap();
    let output = |index| {
        let maps = engine.output(index, 0).unwrap();
        (0..maps.channels()).flat_map(|c| maps.channel(c).to_vec()).collect()
    };
    (0..network.outputs.len()).map(output).collect()
}

/// The largest difference, which must be within the tolerance times the largest number.
fn assert_same(what: &str, expected: &[f32], got: &[f32]) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.0f32, |m, x| m.max(x.abs()));
    // Written so that NaN counts as worst.
    let worst = got.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0f32, |w, d| if d <= w { w } else { d });
    println!("{what}: {worst:.1e} of {largest:.3}");
    assert!(largest > 1e-4 && worst <= IMPORTED_NETWORK * largest, "{what}: off by {worst} of {largest}");
}

#[test]
#[ignore = "needs ../shared/data"]
fn zeros_give_what_tensorflow_gave() {
    for model in MODELS {
        let network = network(model);
        let [Some(height), Some(width)] = network.sides_px else { panic!("{:?}", network.sides_px) };
        let zeros = vec![0.0; network.channels * height * width];
        let ours = run_cpu(&network, [height, width], &zeros);
        let tract = run_tract(&network.onnx, &[(&[1, network.channels, height, width], &zeros)]);
        let expected = dummy_activations(&data_path("models").join(model).join("dummy_activations.h5"));
        assert_eq!(expected.len(), network.outputs.len(), "{model}");
        for (index, output) in network.outputs.iter().enumerate() {
            let (_, maps) = expected.iter().find(|(name, _)| *name == output.name).unwrap();
            let stride = output.stride_px.unwrap();
            assert_eq!(maps.dims, [1, height / stride, width / stride, output.channels], "{model} {}", output.name);
            assert_same(&format!("{model} {}, cpu", output.name), &maps.to_nchw(), &ours[index]);
            assert_same(&format!("{model} {}, tract", output.name), &maps.to_nchw(), &tract[index].1);
        }
    }
}

#[test]
#[ignore = "needs ../shared/data"]
fn recorded_images_give_the_recorded_maps() {
    let cases = [
        (
            "minimal_instance.UNet.bottomup",
            "bottomup",
            vec![("MultiInstanceConfmapsHead_0", "confmaps"), ("PartAffinityFieldsHead_0", "pafs")],
        ),
        ("minimal_robot.UNet.single_instance", "single", vec![("SingleInstanceConfmapsHead_0", "confmaps")]),
    ];
    for (model, name, heads) in cases {
        let tensor = |what: &str| read_f32(&data_path("golden/tensors").join(format!("{name}.f0.{what}.npy"))).unwrap();
        let network = network(model);
        let input = tensor("input");
        let [1, channels, height, width] = input.shape[..] else { panic!("{:?}", input.shape) };
        assert_eq!(channels, network.channels);
        let ours = run_cpu(&network, [height, width], &input.data);
        for (head, what) in heads {
            let index = network.outputs.iter().position(|o| o.name == head).unwrap();
            assert_same(&format!("{name} {what}"), &tensor(what).data, &ours[index]);
        }
    }
}
