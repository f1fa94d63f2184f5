//! Keras layers as ONNX: each against its definition, on our CPU engine and on tract, for maps of odd and even sides.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use dormouse::engine::Engine as _;
use dormouse::engine::cpu::CpuNetwork;
use dormouse::preprocess::InputShape;
use dormouse_tests::keras::{KerasBuilder, Nhwc, Weights};
use dormouse_tests::keras_layers::{Window, concat, conv, conv_transpose, depthwise, each, global_max, pool, upsample, zero_pad};
use dormouse_tests::keras_mixture::{STRIDE_PX, mixture};
use dormouse_tests::onnx::numbers;
use dormouse_tests::run_tract::run_tract;
use dormouse_tests::tolerance::SMALL_NETWORK;
use dormouse_trainer::import::keras::{KerasModel, KerasNetwork};
use serde_json::{Value, json};

/// Height and width of the inputs.
const SIZES: [[usize; 2]; 4] = [[8, 8], [9, 7], [5, 12], [6, 11]];
const CHANNELS: usize = 3;

fn import(model: &KerasBuilder) -> KerasNetwork {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("best_model.h5");
    model.write(&path);
    KerasModel::open(&path, |_| true).unwrap().to_onnx(&[]).unwrap()
}

fn image([height, width]: [usize; 2]) -> Nhwc {
    Nhwc { dims: [1, height, width, CHANNELS], data: numbers(height * width * CHANNELS, 5) }
}

/// Runs a model of one output on both engines at all sizes and compares it with `expected`.
fn check(model: &KerasBuilder, expected: impl Fn(&Nhwc) -> Nhwc) {
    let network = import(model);
    for [height, width] in SIZES {
        let x = image([height, width]);
        let expected = expected(&x);
        let input = x.to_nchw();
        let (dims, tract) = run_tract(&network.onnx, &[(&[1, CHANNELS, height, width], &input)]).remove(0);
        let shape = InputShape { channels: CHANNELS, height, width };
        let mut engine = CpuNetwork::load_whole(&network.onnx[..], 1).unwrap().prepare_cpu(shape, 1).unwrap();
        engine.run(&input, 1).unwrap();
        let maps = engine.output(0, 0).unwrap();
        let ours: Vec<f32> = (0..maps.channels()).flat_map(|c| maps.channel(c).to_vec()).collect();
        let got = Nhwc::from_nchw(dims.try_into().unwrap(), &tract);
        let [_, rows, columns, channels] = expected.dims;
        assert_eq!(got.dims, expected.dims, "{width}x{height}");
        assert_eq!((maps.channels(), maps.height(), maps.width()), (channels, rows, columns), "{width}x{height}");
        let largest = expected.data.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        assert!(largest > 1e-3, "an output of zeros compares nothing");
        for (name, numbers) in [("cpu", &ours), ("tract", &tract)] {
            let expected = expected.to_nchw();
            let worse = |w: f32, d: f32| if d <= w { w } else { d };
            let worst = numbers.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0f32, worse);
            assert!(worst <= SMALL_NETWORK * largest.max(1.0), "{name} {width}x{height}: off by {worst} of {largest}");
        }
    }
}

fn weights(name: &'static str, dims: &[usize], seed: u32) -> Weights {
    (name, dims.to_vec(), numbers(dims.iter().product(), seed))
}

/// Kernels, steps, dilations.
const WINDOWS: [([usize; 2], [usize; 2], [usize; 2]); 8] = [
    ([1, 1], [1, 1], [1, 1]),
    ([3, 3], [1, 1], [1, 1]),
    ([3, 3], [2, 2], [1, 1]),
    ([4, 2], [1, 1], [1, 1]),
    ([5, 3], [3, 3], [1, 1]),
    ([2, 2], [2, 2], [1, 1]),
    ([3, 3], [1, 1], [2, 2]),
    ([1, 1], [2, 2], [1, 1]),
];

fn windows(dilated: bool) -> impl Iterator<Item = (Window, Value)> {
    let both = WINDOWS.into_iter().flat_map(|w| [true, false].map(|same| (w, same)));
    both.filter(move |((.., dilation), _)| dilated || *dilation == [1, 1]).map(|((kernel, stride, dilation), same)| {
        let padding = if same { "same" } else { "valid" };
        let config = json!({ "kernel_size": kernel, "pool_size": kernel, "strides": stride, "dilation_rate": dilation,
            "padding": padding, "data_format": "channels_last", "filters": 4, "use_bias": true });
        (Window { kernel, stride, dilation, same }, config)
    })
}

#[test]
fn convolutions() {
    for (window, mut config) in windows(true) {
        let [rows, columns] = window.kernel;
        let (kernel, bias) = (weights("kernel", &[rows, columns, CHANNELS, 4], 1), weights("bias", &[4], 2));
        config["activation"] = "relu".into();
        let model = KerasBuilder::new(CHANNELS);
        let model = model.layer("Conv2D", "c", config, &["input"], vec![kernel.clone(), bias.clone()]).output("c");
        check(&model, |x| each(&conv(x, &kernel.2, &bias.2, window), |_, v| v.max(0.0)));
    }
}

#[test]
fn convolutions_of_each_channel() {
    for (window, mut config) in windows(true) {
        let [rows, columns] = window.kernel;
        let (depth, bias) = (weights("depthwise_kernel", &[rows, columns, CHANNELS, 2], 1), weights("bias", &[6], 2));
        config["depth_multiplier"] = 2.into();
        let model = KerasBuilder::new(CHANNELS);
        let model =
            model.layer("DepthwiseConv2D", "d", config.clone(), &["input"], vec![depth.clone(), bias.clone()]).output("d");
        check(&model, |x| depthwise(x, &depth.2, &bias.2, window));
        let (point, bias) = (weights("pointwise_kernel", &[1, 1, 6, 4], 3), weights("bias", &[4], 4));
        let all = vec![depth.clone(), point.clone(), bias.clone()];
        let model = KerasBuilder::new(CHANNELS).layer("SeparableConv2D", "s", config, &["input"], all).output("s");
        let one = Window { kernel: [1, 1], stride: [1, 1], dilation: [1, 1], same: true };
        check(&model, |x| conv(&depthwise(x, &depth.2, &[0.0; 6], window), &point.2, &bias.2, one));
    }
}

/// Every so many cells, so that an enlarged map has cells of a pixel again.
fn subsampled(stride: [usize; 2]) -> (KerasBuilder, Window) {
    let config = json!({ "pool_size": [1, 1], "strides": stride, "padding": "same" });
    let window = Window { kernel: [1, 1], stride, dilation: [1, 1], same: true };
    (KerasBuilder::new(CHANNELS).layer("MaxPooling2D", "first", config, &["input"], vec![]), window)
}

#[test]
fn transposed_convolutions() {
    for (window, config) in windows(false) {
        let [rows, columns] = window.kernel;
        let (kernel, bias) = (weights("kernel", &[rows, columns, 4, CHANNELS], 1), weights("bias", &[4], 2));
        let (model, first) = subsampled(window.stride);
        let model = model.layer("Conv2DTranspose", "t", config, &["first"], vec![kernel.clone(), bias.clone()]).output("t");
        check(&model, |x| conv_transpose(&pool(x, first, true), &kernel.2, &bias.2, window));
    }
}

#[test]
fn pools() {
    for (window, config) in windows(false) {
        for (class, largest) in [("MaxPooling2D", true), ("AveragePooling2D", false)] {
            let model = KerasBuilder::new(CHANNELS).layer(class, "p", config.clone(), &["input"], vec![]).output("p");
            check(&model, |x| pool(x, window, largest));
        }
    }
}

#[test]
fn enlarging() {
    for factors in [[2, 2], [3, 3], [4, 2]] {
        for (name, bilinear) in [("nearest", false), ("bilinear", true)] {
            let config = json!({ "size": factors, "interpolation": name, "data_format": "channels_last" });
            let (model, first) = subsampled(factors);
            let model = model.layer("UpSampling2D", "u", config, &["first"], vec![]).output("u");
            check(&model, |x| upsample(&pool(x, first, true), factors, bilinear));
        }
    }
}

#[test]
fn functions_of_numbers() {
    let sigmoid = |v: f64| 1.0 / (1.0 + (-v).exp());
    let cases: [(&str, Value, fn(f64) -> f64); 6] = [
        ("Activation", json!({ "activation": "relu" }), |v| v.max(0.0)),
        ("Activation", json!({ "activation": "sigmoid" }), |v| 1.0 / (1.0 + (-v).exp())),
        ("Activation", json!({ "activation": "swish" }), |v| v / (1.0 + (-v).exp())),
        ("ReLU", json!({ "max_value": 0.5, "negative_slope": 0.0, "threshold": 0.0 }), |v| v.clamp(0.0, 0.5)),
        ("ReLU", json!({ "max_value": null, "negative_slope": 0.25, "threshold": 0.0 }), |v| if v < 0.0 { 0.25 * v } else { v }),
        ("LeakyReLU", json!({ "alpha": 0.125 }), |v| if v < 0.0 { 0.125 * v } else { v }),
    ];
    for (class, config, function) in cases {
        let model = KerasBuilder::new(CHANNELS).layer(class, "a", config, &["input"], vec![]).output("a");
        check(&model, |x| each(x, |_, v| function(v)));
    }
    let norm = [("gamma", 1), ("beta", 2), ("moving_mean", 3)].map(|(name, seed)| weights(name, &[CHANNELS], seed));
    let variance = vec![0.5, 1.5, 0.01];
    let mut all = norm.to_vec();
    all.push(("moving_variance", vec![CHANNELS], variance.clone()));
    let config = json!({ "axis": [3], "epsilon": 0.01, "center": true, "scale": true });
    let model = KerasBuilder::new(CHANNELS).layer("BatchNormalization", "b", config, &["input"], all.clone());
    let model = model.layer("Dropout", "d", json!({ "rate": 0.5 }), &["b"], vec![]).layer(
        "Activation",
        "s",
        json!({ "activation": "sigmoid" }),
        &["d"],
        vec![],
    );
    let number = |which: usize, c: usize| f64::from(norm[which].2[c]);
    let normal = |c: usize, v: f64| number(0, c) * (v - number(2, c)) / (f64::from(variance[c]) + 0.01).sqrt() + number(1, c);
    check(&model.output("s"), |x| each(x, |c, v| sigmoid(normal(c, v))));
    // Without gain and offset.
    let config = json!({ "axis": -1, "epsilon": 0.01, "center": false, "scale": false });
    let model = KerasBuilder::new(CHANNELS).layer("BatchNormalization", "b", config, &["input"], all.split_off(2));
    check(&model.output("b"), |x| each(x, |c, v| (v - number(2, c)) / (f64::from(variance[c]) + 0.01).sqrt()));
}

/// Branches that join, padding by a layer, and a vector of classes.
#[test]
fn networks_of_several_branches() {
    let one = Window { kernel: [1, 1], stride: [1, 1], dilation: [1, 1], same: true };
    let (kernel, bias) = (weights("kernel", &[1, 1, CHANNELS, CHANNELS], 1), weights("bias", &[CHANNELS], 2));
    let plain = json!({ "filters": CHANNELS, "kernel_size": [1, 1], "padding": "same" });
    let branches = KerasBuilder::new(CHANNELS)
        .layer("Conv2D", "a", plain, &["input"], vec![kernel.clone(), bias.clone()])
        .layer("ZeroPadding2D", "z", json!({ "padding": [[1, 0], [2, 1]] }), &["a"], vec![])
        .layer("MaxPooling2D", "m", json!({ "pool_size": 2, "strides": 1, "padding": "valid" }), &["z"], vec![])
        .layer("ZeroPadding2D", "zz", json!({ "padding": [[0, 0], [0, 2]] }), &["input"], vec![])
        .layer("Concatenate", "c", json!({ "axis": -1 }), &["m", "zz"], vec![]);
    let own = |x: &Nhwc| {
        let padded = zero_pad(&conv(x, &kernel.2, &bias.2, one), [1, 2, 0, 1]);
        pool(&padded, Window { kernel: [2, 2], stride: [1, 1], dilation: [1, 1], same: false }, true)
    };
    let joined = |x: &Nhwc| concat(&own(x), &zero_pad(x, [0, 0, 0, 2]));
    check(&branches.clone().output("c"), joined);
    let sums = branches.clone().layer("Add", "s", json!({}), &["m", "zz", "m"], vec![]).output("s");
    check(&sums, |x| {
        let (a, b) = (own(x), zero_pad(x, [0, 0, 0, 2]));
        Nhwc { dims: a.dims, data: a.data.iter().zip(&b.data).map(|(a, b)| a + b + a).collect() }
    });
    let (first, second) = (weights("kernel", &[2 * CHANNELS, 5], 3), weights("kernel", &[5, 4], 4));
    let (b1, b2) = (weights("bias", &[5], 5), weights("bias", &[4], 6));
    let classes = branches
        .layer("GlobalMaxPooling2D", "g", json!({}), &["c"], vec![])
        .layer("Flatten", "f", json!({}), &["g"], vec![])
        .layer("Dense", "d", json!({ "units": 5, "activation": "relu" }), &["f"], vec![first.clone(), b1.clone()])
        .layer("Dense", "v", json!({ "units": 4, "activation": "softmax" }), &["d"], vec![second.clone(), b2.clone()])
        .output("v");
    check(&classes, |x| {
        let hidden = each(&conv(&global_max(&joined(x)), &first.2, &b1.2, one), |_, v| v.max(0.0));
        let raw = conv(&hidden, &second.2, &b2.2, one);
        let total: f64 = raw.data.iter().map(|v| f64::from(*v).exp()).sum();
        each(&raw, |_, v| v.exp() / total)
    });
    assert_eq!(import(&classes).outputs[0].stride_px, None);
}

/// A pretrained encoder as SLEAP puts it in: Python code before an inner model of several results, with squeeze and excitation.
#[test]
fn models_within_models() {
    let one = Window { kernel: [1, 1], stride: [1, 1], dilation: [1, 1], same: true };
    let conv_of = |filters: usize, function: &str| json!({ "filters": filters, "kernel_size": [1, 1], "padding": "same", "activation": function });
    let (k1, b1) = (weights("kernel", &[1, 1, CHANNELS, 4], 1), weights("bias", &[4], 2));
    let (k2, b2) = (weights("kernel", &[1, 1, 4, 4], 3), weights("bias", &[4], 4));
    let inner = KerasBuilder::new(CHANNELS)
        .layer("Conv2D", "stem/conv", conv_of(4, "linear"), &["input"], vec![k1.clone(), b1.clone()])
        .layer("GlobalMaxPooling2D", "squeeze", json!({}), &["stem/conv"], vec![])
        .layer("Reshape", "reshape", json!({ "target_shape": [1, 1, 4] }), &["squeeze"], vec![])
        .layer("Conv2D", "conv", conv_of(4, "sigmoid"), &["reshape"], vec![k2.clone(), b2.clone()])
        .layer("Multiply", "excite", json!({}), &["stem/conv", "conv"], vec![])
        .layer("FixedDropout", "drop", json!({ "rate": 0.2 }), &["excite"], vec![])
        .output("stem/conv")
        .output("drop");
    let (k0, b0) = (weights("kernel", &[1, 1, CHANNELS, 1], 5), weights("bias", &[1], 6));
    let python = json!({ "function_type": "lambda", "module": "sleap.nn.architectures.resnet" });
    let model = KerasBuilder::new(CHANNELS)
        .layer("Conv2D", "conv", conv_of(1, "sigmoid"), &["input"], vec![k0.clone(), b0.clone()])
        .layer("Lambda", "tile_channels", python.clone(), &["conv"], vec![])
        .layer("Lambda", "imagenet_preproc_v1", python, &["tile_channels"], vec![])
        .model("encoder", &inner, &["imagenet_preproc_v1"])
        .layer("Concatenate", "both", json!({ "axis": -1 }), &["encoder#1", "encoder#0"], vec![])
        .output("both");
    check(&model, |x| {
        let sigmoid = |x: &Nhwc| each(x, |_, v| 1.0 / (1.0 + (-v).exp()));
        let gray = sigmoid(&conv(x, &k0.2, &b0.2, one));
        let tiled = concat(&concat(&gray, &gray), &gray);
        let mean = [103.939, 116.779, 123.68];
        let stem = conv(&each(&tiled, |c, v| 255.0 * v - mean[c]), &k1.2, &b1.2, one);
        let gate = sigmoid(&conv(&global_max(&stem), &k2.2, &b2.2, one));
        let excited = each(&stem, |c, v| v * f64::from(gate.at([0, 0, 0, c])));
        concat(&excited, &stem)
    });
    let names: Vec<_> = import(&model).outputs.into_iter().map(|output| output.name).collect();
    assert_eq!(names, ["both"]);
}

/// Red, green and blue become blue, green and red.
#[test]
fn colours_change_places() {
    let python = json!({ "module": "sleap.nn.architectures.resnet" });
    let model = KerasBuilder::new(CHANNELS).layer("Lambda", "imagenet_preproc_v1", python, &["input"], vec![]);
    check(&model.output("imagenet_preproc_v1"), |x| {
        let mean = [103.939, 116.779, 123.68];
        let turned = Nhwc { dims: x.dims, data: x.data.chunks(3).flat_map(|p| [p[2], p[1], p[0]]).collect() };
        each(&turned, |c, v| 255.0 * v - mean[c])
    });
}

/// The same network is compared on engine wgpu in `wgpu_networks.rs`.
#[test]
fn a_network_of_all_kinds_of_layers() {
    let network = import(&mixture(CHANNELS));
    let strides: Vec<_> = network.outputs.iter().map(|output| output.stride_px).collect();
    assert_eq!((strides, network.max_stride_px), (vec![Some(2), Some(4), None], STRIDE_PX));
    for [height, width] in [[40, 56], [64, 48]] {
        let input = image([height, width]).to_nchw();
        let tract = run_tract(&network.onnx, &[(&[1, CHANNELS, height, width], &input)]);
        let shape = InputShape { channels: CHANNELS, height, width };
        let mut engine = CpuNetwork::load_whole(&network.onnx[..], 2).unwrap().prepare_cpu(shape, 1).unwrap();
        engine.run(&input, 1).unwrap();
        for (index, (_, expected)) in tract.iter().enumerate() {
            let maps = engine.output(index, 0).unwrap();
            let ours: Vec<f32> = (0..maps.channels()).flat_map(|c| maps.channel(c).to_vec()).collect();
            assert_eq!(ours.len(), expected.len());
            let largest = expected.iter().fold(0.0f32, |m, v| m.max(v.abs()));
            let worse = |w: f32, d: f32| if d <= w { w } else { d };
            let worst = ours.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0f32, worse);
            assert!(largest > 1e-2 && worst <= SMALL_NETWORK * largest, "output {index}: off by {worst} of {largest}");
        }
    }
}
