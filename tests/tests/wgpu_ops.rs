//! The operators of our own GPU engine that are no convolutions, and how buffers are shared.

use dormouse_tests::onnx::{Attr, Onnx};
use dormouse_tests::wgpu_suite::{file, same_as_reference, weights};

const SIDES: [usize; 2] = [9, 12];

fn check(case: &str, onnx: Onnx, channels: usize) -> Vec<&'static str> {
    same_as_reference(&format!("{case}, {channels} channels"), &onnx.bytes(), [channels, SIDES[0], SIDES[1]])
}

#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn functions_of_each_number() {
    let slope = [("alpha", Attr::Float(0.1))];
    for channels in [1, 13, 20] {
        for op in ["Relu", "Sigmoid", "HardSwish"] {
            check(op, file(channels).node(op, &["x"], "y", &[]), channels);
        }
        check("LeakyRelu", file(channels).node("LeakyRelu", &["x"], "y", &slope), channels);
        check("Softmax", file(channels).node("Softmax", &["x"], "y", &[("axis", Attr::Int(1))]), channels);
        let clip = file(channels).floats("low", &[], &[-0.25]).floats("high", &[], &[0.5]);
        check("Clip", clip.node("Clip", &["x", "low", "high"], "y", &[]), channels);
        let silu = file(channels).node("Sigmoid", &["x"], "s", &[]).node("Mul", &["x", "s"], "y", &[]);
        check("SiLU", silu, channels);
    }
}

#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn pools() {
    // Kernel, stride, pads, whether the last window may reach out.
    let windows = [([2, 2], 2, 0, 0), ([3, 3], 2, 1, 0), ([3, 3], 2, 0, 1), ([3, 3], 2, 1, 1), ([3, 2], 1, 0, 0)];
    for (kernel, stride, pad, ceil) in windows {
        let (strides, pads) = ([stride; 2], [pad; 4]);
        let attributes = || {
            vec![
                ("kernel_shape", Attr::Ints(&kernel[..])),
                ("strides", Attr::Ints(&strides)),
                ("pads", Attr::Ints(&pads)),
                ("ceil_mode", Attr::Int(ceil)),
            ]
        };
        check("MaxPool", file(19).node("MaxPool", &["x"], "y", &attributes()), 19);
        for padded in [0, 1] {
            let mut attributes = attributes();
            attributes.push(("count_include_pad", Attr::Int(padded)));
            check("AveragePool", file(19).node("AveragePool", &["x"], "y", &attributes), 19);
        }
    }
    for op in ["GlobalAveragePool", "GlobalMaxPool"] {
        check(op, file(19).node(op, &["x"], "y", &[]), 19);
    }
}

#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn resizes() {
    for mode in ["nearest", "linear"] {
        for coordinates in ["asymmetric", "half_pixel", "align_corners", "pytorch_half_pixel"] {
            for rounding in ["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"] {
                for scales in [[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 1.7, 0.6]] {
                    let attributes = [
                        ("mode", Attr::Text(mode)),
                        ("coordinate_transformation_mode", Attr::Text(coordinates)),
                        ("nearest_mode", Attr::Text(rounding)),
                    ];
                    let onnx = file(19).floats("s", &[4], &scales).node("Resize", &["x", "", "s"], "y", &attributes);
                    check(&format!("Resize {mode} {coordinates} {rounding} {scales:?}"), onnx, 19);
                }
            }
        }
    }
}

#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn sums_products_and_shapes() {
    for channels in [16, 19] {
        let gate = file(channels)
            .node("GlobalAveragePool", &["x"], "g", &[])
            .node("Sigmoid", &["g"], "s", &[])
            .node("Mul", &["x", "s"], "m", &[])
            .node("Add", &["m", "x"], "y", &[]);
        check("gate", gate, channels);
        let single = file(channels)
            .floats("w", &[1, channels, 1, 1], &weights(channels, channels))
            .node("Conv", &["x", "w"], "c", &[])
            .node("Mul", &["c", "x"], "y", &[]);
        check("one channel for all", single, channels);
        let scale = file(channels).floats("k", &[1, channels, 1, 1], &weights(channels, 1));
        check("scale", scale.node("Mul", &["x", "k"], "y", &[]), channels);
        for mode in ["reflect", "edge", "constant"] {
            let pad = file(channels).ints("p", &[0, 0, 1, 2, 0, 0, 3, 1]);
            check(mode, pad.node("Pad", &["x", "p"], "y", &[("mode", Attr::Text(mode))]), channels);
        }
        let cells = (channels * SIDES[0] * SIDES[1]) as i64;
        let flat = file(channels).ints("s", &[1, cells, 1, 1]).node("Reshape", &["x", "s"], "y", &[]);
        check("reshape", flat, channels);
    }
}

/// Parts that are made in the joined map, parts that are copied, and parts that would be read where they are written.
#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn joined_maps() {
    let join = [("axis", Attr::Int(1))];
    for channels in [8, 5] {
        let skip = file(channels)
            .node("Relu", &["x"], "a", &[])
            .node("MaxPool", &["a"], "p", &[("kernel_shape", Attr::Ints(&[3, 3])), ("pads", Attr::Ints(&[1; 4]))])
            .node("Sigmoid", &["p"], "b", &[])
            .node("Concat", &["a", "b"], "y", &join);
        let kernels = check("skip", skip, channels);
        assert_eq!(kernels.contains(&"join"), channels == 5, "only parts of blocks are copied: {kernels:?}");
        let used = file(channels)
            .node("Relu", &["x"], "a", &[])
            .node("MaxPool", &["a"], "p", &[("kernel_shape", Attr::Ints(&[3, 3])), ("pads", Attr::Ints(&[1; 4]))])
            .node("Sigmoid", &["p"], "b", &[])
            .node("Concat", &["a", "b"], "c", &join)
            .node("Concat", &["c", "x", "a"], "d", &join)
            .floats("w", &[7, 4 * channels, 1, 1], &weights(28 * channels, 4 * channels))
            .node("Conv", &["d", "w"], "y", &[]);
        check("joined twice", used, channels);
        // b is made from a: they cannot lie in one buffer.
        let dense = file(channels)
            .node("Relu", &["x"], "a", &[])
            .node("Sigmoid", &["a"], "b", &[])
            .node("Concat", &["a", "b", "a"], "c", &join)
            .node("Relu", &["c"], "y", &[]);
        check("a part of a part", dense, channels);
    }
    let unet = file(8)
        .node("Relu", &["x"], "a", &[])
        .node("MaxPool", &["a"], "p", &[("kernel_shape", Attr::Ints(&[3, 3])), ("pads", Attr::Ints(&[1; 4]))])
        .node("Sigmoid", &["p"], "b", &[])
        .node("Concat", &["a", "b"], "c", &join)
        .node("LeakyRelu", &["c"], "y", &[("alpha", Attr::Float(0.1))]);
    let kernels = check("made in place", unet, 8);
    assert!(!kernels.contains(&"join"), "whole blocks are made in place: {kernels:?}");
}
