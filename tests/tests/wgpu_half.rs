//! Engine wgpu with numbers of 16 bits in memory: what every kernel writes, whole networks, and poses.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail by panicking")]

use dormouse::bundle::BundleWriter;
use dormouse::engine::Engine as _;
use dormouse::engine::wgpu::WgpuNetwork;
use dormouse::preprocess::InputShape;
use dormouse::{Backend, Bundle, Error, Estimator, Options, Precision};
use dormouse_tests::golden::data_path;
use dormouse_tests::onnx::{Attr, Onnx};
use dormouse_tests::poses::distances_px;
use dormouse_tests::tolerance::{HALF_NETWORK, HALF_POSE_PX, HALF_TIES};
use dormouse_tests::untrained::{model_types, recipes};
use dormouse_tests::wgpu_suite::{GPU, file, near_tract, same_as_reference, weights};
use dormouse_trainer::dataset::SampleSource;
use dormouse_trainer::dataset::synth::{SynthConfig, SynthScenes};
use dormouse_trainer::dataset::video::open_path;
use std::collections::BTreeSet;

const SIDES: [usize; 2] = [9, 12];

/// A network that ends in the map `t`, and one more layer: outputs have 32 bits always, but `t` has 16.
fn inside(case: &str, onnx: Onnx, channels: usize) -> Vec<&'static str> {
    let onnx = onnx.node("MaxPool", &["t"], "y", &[("kernel_shape", Attr::Ints(&[1, 1]))]);
    same_as_reference(&format!("{case}, {channels} channels"), &onnx.bytes(), [channels, SIDES[0], SIDES[1]])
}

/// Operators without weights, and sums.
fn plain(channels: usize) -> Vec<(&'static str, Onnx)> {
    let x = || file(channels);
    let join = [("axis", Attr::Int(1))];
    let cells = (channels * SIDES[0] * SIDES[1]) as i64;
    let double = [("mode", Attr::Text("linear")), ("coordinate_transformation_mode", Attr::Text("half_pixel"))];
    vec![
        ("pointwise", x().node("Sigmoid", &["x"], "t", &[])),
        ("softmax", x().node("Softmax", &["x"], "t", &[("axis", Attr::Int(1))])),
        ("pool", x().node("MaxPool", &["x"], "t", &[("kernel_shape", Attr::Ints(&[2, 2])), ("strides", Attr::Ints(&[2, 2]))])),
        ("global_pool", x().node("GlobalAveragePool", &["x"], "t", &[])),
        ("resize", x().floats("s", &[4], &[1.0, 1.0, 2.0, 2.0]).node("Resize", &["x", "", "s"], "t", &double)),
        ("pad", x().ints("p", &[0, 0, 1, 2, 0, 0, 3, 1]).node("Pad", &["x", "p"], "t", &[])),
        ("reshape", x().ints("s", &[1, cells, 1, 1]).node("Reshape", &["x", "s"], "t", &[])),
        ("binary", x().node("Sigmoid", &["x"], "a", &[]).node("Add", &["a", "x"], "t", &[])),
        ("join", x().node("Sigmoid", &["x"], "a", &[]).node("Concat", &["a", "x", "a"], "t", &join)),
    ]
}

/// Convolutions of a map that has 16 bits itself.
fn convolutions(channels: usize) -> Vec<(&'static str, Onnx)> {
    let x = || file(channels).node("Relu", &["x"], "a", &[]);
    let conv = |name: &'static str, dims: [usize; 4], attributes: &[(&str, Attr<'_>)]| {
        let weights = weights(dims.iter().product(), dims[1] * dims[2] * dims[3]);
        (name, x().floats("w", &dims, &weights).node("Conv", &["a", "w"], "t", attributes))
    };
    let same = ("pads", Attr::Ints(&[1, 1, 1, 1]));
    let group = |groups: usize| [("pads", Attr::Ints(&[1, 1, 1, 1])), ("group", Attr::Int(groups as i64))];
    let flat = x()
        .node("GlobalAveragePool", &["a"], "g", &[])
        .floats("w", &[7, channels, 1, 1], &weights(7 * channels, channels))
        .node("Conv", &["g", "w"], "t", &[]);
    let up = [("strides", Attr::Ints(&[2, 2])), ("kernel_shape", Attr::Ints(&[3, 3]))];
    let transposed =
        x().floats("w", &[channels, 6, 3, 3], &weights(channels * 54, channels * 9)).node("ConvTranspose", &["a", "w"], "t", &up);
    vec![
        conv("conv3x3 or conv_split", [10, channels, 3, 3], &[same]),
        conv("conv_gemm", [10, channels, 1, 1], &[]),
        conv("depthwise", [channels, 1, 3, 3], &group(channels)),
        conv("conv_grouped", [channels, 2, 3, 3], &group(channels / 2)),
        ("dense", flat),
        ("transposed", transposed),
    ]
}

#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn what_every_kernel_writes() {
    let mut seen = BTreeSet::new();
    for channels in [4, 14, 68] {
        for (case, onnx) in plain(channels).into_iter().chain(convolutions(channels)) {
            seen.extend(inside(case, onnx, channels));
        }
    }
    // The image's planes, alone and with a pool behind the next layer.
    let window = [("kernel_shape", Attr::Ints(&[2, 2])), ("strides", Attr::Ints(&[2, 2]))];
    let same = || [("pads", Attr::Ints(&[1, 1, 1, 1]))];
    let planes = file(1).floats("v", &[9, 1, 3, 3], &weights(81, 9)).node("Conv", &["x", "v"], "a", &same());
    let pooled = planes
        .floats("w", &[11, 9, 3, 3], &weights(891, 81))
        .node("Conv", &["a", "w"], "b", &same())
        .node("MaxPool", &["b"], "p", &window)
        .floats("s", &[4], &[1.0, 1.0, 2.0, 2.0])
        .node("Resize", &["p", "", "s"], "u", &[("mode", Attr::Text("nearest"))])
        .node("Pad", &["u", "q"], "e", &[("mode", Attr::Text("edge"))])
        .ints("q", &[0, 0, 0, 0, 0, 0, 1, 0])
        .node("Add", &["b", "e"], "t", &[]);
    seen.extend(inside("planes", pooled, 1));
    let all = "binary conv3x3 conv_gemm conv_grouped conv_image conv_split dense depthwise global_pool join pack pad pointwise pool \
               reshape resize softmax unpack";
    assert_eq!(seen, all.split_whitespace().collect(), "every kernel that reads or writes maps");
}

/// An output that another layer reads, and one that is a part of a joined map: these have 32 bits, and so has what lies beside them.
#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn outputs_that_are_read_again() {
    let join = [("axis", Attr::Int(1))];
    for channels in [8, 5] {
        let onnx = file(channels)
            .output("a")
            .node("Relu", &["x"], "a", &[])
            .node("Sigmoid", &["x"], "b", &[])
            .node("Concat", &["a", "b"], "c", &join)
            .floats("w", &[6, 2 * channels, 3, 3], &weights(108 * channels, 18 * channels))
            .node("Conv", &["c", "w"], "y", &[("pads", Attr::Ints(&[1, 1, 1, 1]))]);
        same_as_reference(&format!("an output in a joined map, {channels}"), &onnx.bytes(), [channels, SIDES[0], SIDES[1]]);
        let window = [("kernel_shape", Attr::Ints(&[2, 2])), ("strides", Attr::Ints(&[2, 2]))];
        let onnx = file(channels)
            .output("p")
            .node("Relu", &["x"], "a", &[])
            .floats("w", &[6, channels, 3, 3], &weights(54 * channels, 9 * channels))
            .node("Conv", &["a", "w"], "b", &[("pads", Attr::Ints(&[1, 1, 1, 1]))])
            .node("MaxPool", &["b"], "p", &window)
            .node("Sigmoid", &["b"], "y", &[]);
        same_as_reference(&format!("a pooled output, {channels}"), &onnx.bytes(), [channels, SIDES[0], SIDES[1]]);
    }
}

/// Numbers beyond 65504 become the largest: not infinite, and not NaN a layer later.
#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn numbers_that_are_too_large_stay_finite() {
    let onnx = file(4)
        .floats("k", &[1, 4, 1, 1], &[1e6, -1e6, 1.0, 0.0])
        .node("Mul", &["x", "k"], "t", &[])
        .node("Relu", &["t"], "r", &[])
        .floats("w", &[4, 4, 1, 1], &[0.5; 16])
        .node("Conv", &["r", "w"], "y", &[])
        .bytes();
    let network = WgpuNetwork::load_whole(&GPU, &onnx).unwrap().with_precision(Precision::Half).unwrap();
    let mut engine = network.prepare_wgpu(InputShape { channels: 4, height: 1, width: 2 }, 1).unwrap();
    engine.run(&[1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0], 1).unwrap();
    let maps = engine.output(0, 0).unwrap();
    assert_eq!(maps.channel(0), [0.5 * (65504.0 + 1.0), 0.5 * 65504.0]);
}

#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn whole_networks() {
    let mut worst = 0.0f32;
    for network in recipes().into_iter().chain(model_types()) {
        let shape = InputShape { channels: network.net.config().in_channels, height: 48, width: 80 };
        worst = worst.max(near_tract(&network.name, &network.onnx, shape, Precision::Half, HALF_NETWORK));
    }
    // Were it the error of 32 bits, the numbers would not have been kept in 16.
    assert!(worst > 1e-4, "{worst}");
}

static DEMO: &[u8] = include_bytes!("../../model-zoo/demo/demo.dorm");

fn options(backend: Backend) -> Options {
    let half = Options { allow_software: true, precision: Precision::Half, ..Options::default() };
    Options { backend, frame_px: Some((160, 128)), ..half }
}

/// The same model in half precision on the GPU, and on the CPU.
fn half_and_cpu(bundle: &Bundle<'_>, frame_px: (u32, u32)) -> [Estimator; 2] {
    let frame_px = Some(frame_px);
    let half = Estimator::new(bundle, &Options { frame_px, ..options(Backend::Wgpu) }).unwrap();
    assert_eq!((half.backend(), half.precision(), half.fallback()), (Backend::Wgpu, Precision::Half, None));
    let single = Options { precision: Precision::Single, frame_px, ..options(Backend::Cpu) };
    [half, Estimator::new(bundle, &single).unwrap()]
}

/// Panics if more keypoints are far away than may be, or none is, as if all had 32 bits.
fn near_but_for_ties(mut away_px: Vec<f32>) {
    away_px.sort_by(f32::total_cmp);
    let rank = |share: f64| away_px[((away_px.len() - 1) as f64 * share) as usize];
    let far = away_px.iter().filter(|away_px| **away_px > HALF_POSE_PX).count();
    println!("{} keypoints, {far} farther than {HALF_POSE_PX} px apart", away_px.len());
    println!("px apart: median {}, 95 % {}, 99 % {}, most {}", rank(0.5), rank(0.95), rank(0.99), rank(1.0));
    assert!(rank(1.0 - HALF_TIES) <= HALF_POSE_PX, "{} px apart", rank(1.0 - HALF_TIES));
    assert!(rank(0.5) > 1e-5, "{} px apart in the median", rank(0.5));
}

/// The same animals as on the CPU, near enough.
#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn poses_of_drawn_scenes() {
    const SCENES: usize = 50;
    let config =
        SynthConfig { width_px: 160, height_px: 128, count: SCENES, seed: 81, bright_on_dark: 0.0, ..SynthConfig::default() };
    let scenes = SynthScenes::new(config).unwrap();
    let [mut half, mut cpu] = half_and_cpu(&Bundle::from_bytes(DEMO).unwrap(), (160, 128));
    let mut away_px = Vec::new();
    for index in 0..SCENES {
        let image = scenes.sample(index).unwrap().image;
        let frame = image.frame().unwrap();
        away_px.extend(distances_px(half.estimate(&frame).unwrap(), cpu.estimate(&frame).unwrap(), &format!("scene {index}")));
    }
    assert!(away_px.len() > 10 * SCENES, "{} keypoints", away_px.len());
    near_but_for_ties(away_px);
}

/// Frames of a real video with a model that was trained for it, named by `DORMOUSE_TEST_BUNDLE`: by hand, as no such model may be committed.
/// Says how many frames have other animals or parts than on the CPU.
#[test]
#[ignore = "needs DORMOUSE_TEST_BUNDLE, ../shared/data/flies, ffmpeg and a Vulkan driver"]
fn poses_of_real_frames() {
    const FRAMES: u64 = 100;
    let path = std::env::var_os("DORMOUSE_TEST_BUNDLE").expect("DORMOUSE_TEST_BUNDLE names a model that was trained for flies");
    let file = std::fs::read(path).unwrap();
    let mut video = open_path(data_path("flies/centered_pair_small.mp4")).unwrap();
    let size_px = (video.width_px() as u32, video.height_px() as u32);
    let [mut half, mut cpu] = half_and_cpu(&Bundle::from_bytes(&file).unwrap(), size_px);
    let (mut away_px, mut others) = (Vec::new(), 0);
    for index in 0..FRAMES {
        let image = video.frame(index).unwrap();
        let frame = image.frame().unwrap();
        let (ours, expected) = (half.estimate(&frame).unwrap(), cpu.estimate(&frame).unwrap());
        let parts =
            |poses: &dormouse::Poses| poses.iter().map(|i| i.keypoints.iter().map(|k| k.is_visible()).collect()).collect();
        let (found, wanted): (Vec<Vec<bool>>, Vec<Vec<bool>>) = (parts(ours), parts(expected));
        if found == wanted {
            away_px.extend(distances_px(ours, expected, &format!("frame {index}")));
        } else {
            others += 1;
        }
    }
    println!("{others} of {FRAMES} frames have other animals or parts");
    near_but_for_ties(away_px);
}

/// Half precision is refused without a self-test, where that fails, and on other engines; auto goes on with the next best.
#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn the_self_test_decides() {
    let demo = Bundle::from_bytes(DEMO).unwrap();
    let mut test = demo.self_test().unwrap().unwrap();
    let network = &demo.config().networks[0].name;
    let writer = || BundleWriter::new(demo.config()).unwrap().network(network, demo.network(network).unwrap().to_vec());
    let untested = writer().finish().unwrap();
    // Sixteen bits move keypoints by more than that.
    test.tolerance_px = 1e-5;
    let strict = writer().self_test(&test).unwrap().finish().unwrap();
    let fault = |result: Result<Estimator, Error>| result.err().unwrap().to_string();
    for (file, what) in [(&untested, "a self-test"), (&strict, "self-test failed")] {
        let bundle = Bundle::from_bytes(file).unwrap();
        let message = fault(Estimator::new(&bundle, &options(Backend::Wgpu)));
        assert!(message.contains(what), "{message}");
        // Whatever the options say of it.
        let untested = Options { self_test: false, ..options(Backend::Auto) };
        let auto = Estimator::new(&bundle, &untested).unwrap();
        assert_eq!((auto.backend(), auto.precision()), (Backend::Wgpu, Precision::Single));
        assert!(auto.fallback().unwrap().to_string().contains(what));
    }
    for backend in [Backend::Cpu, Backend::Tract] {
        let message = fault(Estimator::new(&demo, &options(backend)));
        assert!(message.contains("half is for engine wgpu alone"), "{message}");
    }
}
