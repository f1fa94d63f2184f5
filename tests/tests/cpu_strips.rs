//! Convolutions of the CPU engine that are made strip by strip together with what reads them: 1x1 convolutions behind depthwise
//! ones, sums, and pools. The reference executor makes each of them alone.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use dormouse_tests::cpu_suite::{file, same_as_reference, weights};
use dormouse_tests::onnx::{Attr, Onnx, numbers};
use dormouse_tests::tolerance::CPU_DIRECT;

const HALVED: [(&str, Attr<'_>); 2] = [("kernel_shape", Attr::Ints(&[2; 2])), ("strides", Attr::Ints(&[2; 2]))];

/// `a`, a function of the image.
fn start(channels: usize) -> Onnx {
    file(channels).node("LeakyRelu", &["x"], "a", &[("alpha", Attr::Float(0.5))])
}

/// A depthwise convolution of `a` to `d`.
fn depthwise(channels: usize, kernel: usize, stride: i64) -> Onnx {
    let shape = [channels, 1, kernel, kernel];
    let attributes = [
        ("pads", Attr::Ints(&[(kernel / 2) as i64; 4][..])),
        ("strides", Attr::Ints(&[stride; 2][..])),
        ("group", Attr::Int(channels as i64)),
    ];
    let onnx = start(channels).floats("d.w", &shape, &weights(channels * kernel * kernel, kernel * kernel));
    onnx.floats("d.b", &[channels], &numbers(channels, 7)).node("Conv", &["a", "d.w", "d.b"], "d", &attributes)
}

/// A 1x1 convolution of `from` to `m`.
fn mix(onnx: Onnx, [from, to]: [usize; 2], input: &str) -> Onnx {
    let onnx = onnx.floats("m.w", &[to, from, 1, 1], &weights(from * to, from)).floats("m.b", &[to], &numbers(to, 5));
    onnx.node("Conv", &[input, "m.w", "m.b"], "m", &[])
}

/// `y`, which no convolution takes in.
fn finish(onnx: Onnx, input: &str) -> Onnx {
    onnx.node("Relu", &[input], "z", &[]).node("Sigmoid", &["z"], "y", &[])
}

fn run(case: &str, onnx: Onnx, channels: usize, [height, width]: [usize; 2], expected: &[&str]) {
    let case = format!("{case}, {channels} channels on {width}x{height}");
    let methods = same_as_reference(&case, &onnx.bytes(), [channels, height, width], CPU_DIRECT);
    for method in expected {
        assert!(methods.iter().any(|m| m == method), "{case}: no {method} in {methods:?}");
    }
}

#[test]
fn channels_are_mixed_strip_by_strip() {
    for [from, to] in [[8, 8], [20, 33], [40, 17]] {
        for (kernel, stride) in [(3, 1), (5, 1), (5, 2), (7, 1)] {
            for sides in [[1, 1], [2, 3], [7, 12], [13, 30], [40, 9]] {
                let mixed = mix(depthwise(from, kernel, stride), [from, to], "d");
                let case = format!("{kernel}x{kernel} s{stride} to {to}");
                run(&case, finish(mixed, "m"), from, sides, &["depthwise, 1x1"]);
            }
        }
    }
    // Functions of either, simple and not.
    for function in ["Relu", "Sigmoid"] {
        let between = mix(depthwise(20, 3, 1).node(function, &["d"], "f", &[]), [20, 24], "f");
        let behind = between.node(function, &["m"], "g", &[]).node("LeakyRelu", &["g"], "y", &[]);
        run(function, behind, 20, [9, 22], &["depthwise, 1x1"]);
    }
}

#[test]
fn mixed_channels_are_added_and_pooled() {
    for (channels, sides) in [(8, [6, 6]), (20, [13, 30]), (24, [40, 9]), (20, [1, 7]), (96, [12, 12])] {
        for function in ["Relu", "Sigmoid"] {
            for inputs in [["a", "f"], ["f", "a"]] {
                let sum = || {
                    let mixed = mix(depthwise(channels, 5, 1), [channels; 2], "d").node(function, &["m"], "f", &[]);
                    mixed.node("Add", &inputs, "s", &[])
                };
                let added = sum().node("Sigmoid", &["s"], "y", &[]);
                run("added", added, channels, sides, &["depthwise, 1x1, add"]);
                if sides[0] > 1 {
                    let pooled = sum().node("Sigmoid", &["s"], "y", &[]).output("p").node("MaxPool", &["s"], "p", &HALVED);
                    run("pooled", pooled, channels, sides, &["depthwise, 1x1, add, pool"]);
                    let only = sum().node("MaxPool", &["s"], "y", &HALVED);
                    run("only pooled", only, channels, sides, &["depthwise, 1x1, add, pool"]);
                }
            }
        }
    }
    let pooled = mix(depthwise(20, 3, 1), [20, 40], "d").node("MaxPool", &["m"], "y", &HALVED);
    run("pooled, not added", pooled, 20, [9, 16], &["depthwise, 1x1, pool"]);
}

/// What something else reads as well is made for itself.
#[test]
fn what_others_read_is_not_mixed() {
    let twice = mix(depthwise(20, 3, 1), [20, 20], "d").node("Mul", &["m", "d"], "y", &[]);
    run("depthwise read twice", twice, 20, [7, 12], &["depthwise", "direct"]);
    let given_out = finish(mix(depthwise(20, 3, 1).output("d"), [20, 20], "d"), "m");
    run("depthwise given out", given_out, 20, [7, 12], &["depthwise", "direct"]);
    let head = mix(depthwise(20, 3, 1).output("m"), [20, 13], "d").node("Sigmoid", &["a"], "y", &[]);
    run("a head", head, 20, [7, 12], &["depthwise", "direct, planes"]);
    let strided = depthwise(20, 3, 1).floats("m.w", &[12, 20, 1, 1], &weights(240, 20));
    let strided = finish(strided.node("Conv", &["d", "m.w"], "m", &[("strides", Attr::Ints(&[2; 2]))]), "m");
    run("strided", strided, 20, [7, 12], &["depthwise", "direct"]);
    // The other map comes later than both convolutions.
    let later = mix(depthwise(20, 3, 1), [20, 20], "d").node("Sigmoid", &["x"], "b", &[]).node("Add", &["m", "b"], "s", &[]);
    run("later", later.node("Sigmoid", &["s"], "y", &[]), 20, [7, 12], &["depthwise, 1x1", "add"]);
}

#[test]
fn pools_are_made_by_sums_over_taps() {
    for channels in [[1, 16], [3, 20], [4, 40]] {
        for sides in [[2, 2], [7, 5], [12, 40], [9, 300]] {
            let stem = || {
                let onnx =
                    file(channels[0]).floats("w", &[channels[1], channels[0], 3, 3], &weights(9 * channels[0] * channels[1], 9));
                let onnx = onnx.floats("b", &[channels[1]], &numbers(channels[1], 5));
                onnx.node("Conv", &["x", "w", "b"], "c", &[("pads", Attr::Ints(&[1; 4]))]).node("Relu", &["c"], "r", &[])
            };
            let only = stem().node("MaxPool", &["r"], "y", &HALVED);
            run("stem, pooled", only, channels[0], sides, &["direct, pool"]);
            let both = stem().output("p").node("MaxPool", &["r"], "p", &HALVED).node("Sigmoid", &["r"], "y", &[]);
            run("stem, both", both, channels[0], sides, &["direct, pool"]);
        }
    }
    for sides in [[2, 2], [9, 14], [16, 33]] {
        let mixed = || mix(start(20), [20, 20], "a");
        run("1x1, pooled", mixed().node("MaxPool", &["m"], "y", &HALVED), 20, sides, &["direct, pool"]);
        let sum = mixed().node("Add", &["a", "m"], "s", &[]).node("MaxPool", &["s"], "y", &HALVED);
        run("added, pooled", sum, 20, sides, &["direct, add, pool"]);
    }
}
