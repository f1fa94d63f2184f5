//! Convolutions of our own GPU engine against the reference executor: every kernel, odd channels and sizes.

use dormouse_tests::onnx::{Attr, numbers};
use dormouse_tests::wgpu_suite::{file, same_as_reference, weights};

/// A convolution, behind a leaky ReLU unless it is to read the image itself.
#[derive(Clone, Copy)]
struct Conv {
    channels: [usize; 2],
    kernel: [usize; 2],
    stride: i64,
    dilation: i64,
    pads: [i64; 4],
    groups: usize,
    image: bool,
}

const CONV: Conv = Conv { channels: [16, 16], kernel: [3, 3], stride: 1, dilation: 1, pads: [1; 4], groups: 1, image: false };

impl Conv {
    fn check(self, [height, width]: [usize; 2], kernel: &str) {
        let ([from, to], [rows, columns]) = (self.channels, self.kernel);
        let fan_in = from / self.groups * rows * columns;
        let (onnx, x) = if self.image {
            (file(from), "x")
        } else {
            (file(from).node("LeakyRelu", &["x"], "a", &[("alpha", Attr::Float(0.5))]), "a")
        };
        let attributes = [
            ("kernel_shape", Attr::Ints(&[rows as i64, columns as i64])),
            ("strides", Attr::Ints(&[self.stride; 2])),
            ("dilations", Attr::Ints(&[self.dilation; 2])),
            ("pads", Attr::Ints(&self.pads)),
            ("group", Attr::Int(self.groups as i64)),
        ];
        let onnx = onnx
            .floats("w", &[to, from / self.groups, rows, columns], &weights(to * fan_in, fan_in))
            .floats("b", &[to], &numbers(to, 5))
            .node("Conv", &[x, "w", "b"], "y", &attributes);
        let case = format!(
            "{kernel} {from}->{to} {rows}x{columns} s{} d{} g{} on {width}x{height}",
            self.stride, self.dilation, self.groups
        );
        let kernels = same_as_reference(&case, &onnx.bytes(), [from, height, width]);
        assert!(kernels.contains(&kernel), "{case}: {kernels:?}");
    }
}

#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn small_3x3() {
    for channels in [[1, 1], [3, 5], [8, 8], [16, 16], [17, 31], [32, 32]] {
        for sides in [[3, 4], [16, 16], [17, 33]] {
            Conv { channels, ..CONV }.check(sides, "conv3x3");
        }
    }
    Conv { pads: [0; 4], ..CONV }.check([9, 10], "conv3x3");
    Conv { pads: [2, 1, 0, 2], ..CONV }.check([9, 10], "conv3x3");
}

#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn matrix_products() {
    for channels in [[33, 32], [67, 31], [64, 67]] {
        Conv { channels, ..CONV }.check([69, 121], "conv_gemm");
    }
    for channels in [[20, 40], [16, 13], [5, 3], [67, 1]] {
        Conv { channels, kernel: [1, 1], pads: [0; 4], ..CONV }.check([7, 12], "conv_gemm");
    }
    Conv { channels: [17, 18], stride: 2, ..CONV }.check([169, 200], "conv_gemm");
    Conv { channels: [20, 17], kernel: [5, 5], stride: 3, dilation: 2, pads: [4; 4], ..CONV }.check([270, 280], "conv_gemm");
    Conv { kernel: [1, 5], pads: [0, 2, 0, 2], ..CONV }.check([9, 9], "conv_gemm");
}

/// Small maps and long sums: also rounds that four teams cannot share evenly.
#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn shared_sums() {
    for channels in [[33, 32], [67, 31], [32, 67], [64, 64], [130, 20]] {
        for sides in [[1, 1], [3, 4], [8, 8], [9, 21]] {
            Conv { channels, ..CONV }.check(sides, "conv_split");
        }
    }
    Conv { channels: [131, 5], kernel: [1, 1], pads: [0; 4], ..CONV }.check([7, 12], "conv_split");
    Conv { channels: [17, 18], stride: 2, ..CONV }.check([7, 12], "conv_split");
    Conv { channels: [20, 17], kernel: [5, 5], stride: 3, dilation: 2, pads: [4; 4], ..CONV }.check([11, 14], "conv_split");
    Conv { dilation: 2, pads: [2; 4], ..CONV }.check([9, 9], "conv_split");
}

#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn stems() {
    for from in [1, 3, 4] {
        let stem = Conv { channels: [from, 22], image: true, ..CONV };
        stem.check([17, 35], "conv_image");
        Conv { stride: 2, ..stem }.check([18, 23], "conv_image");
        Conv { kernel: [7, 7], stride: 2, pads: [3; 4], channels: [from, 9], ..stem }.check([40, 42], "conv_image");
        Conv { kernel: [7, 5], pads: [3, 2, 3, 2], ..stem }.check([20, 22], "conv_image");
    }
    // What the kernel for planes does not do goes through blocks.
    Conv { channels: [5, 8], image: true, ..CONV }.check([9, 9], "pack");
    Conv { channels: [3, 8], image: true, dilation: 2, pads: [2; 4], ..CONV }.check([9, 9], "pack");
}

#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn groups() {
    for channels in [8, 18, 67] {
        for (side, pad, stride) in [(3, 1, 1), (5, 2, 2), (3, 1, 2)] {
            let conv = Conv { channels: [channels; 2], kernel: [side; 2], stride, pads: [pad; 4], groups: channels, ..CONV };
            conv.check([13, 19], "depthwise");
        }
    }
    for (groups, channels) in [(2, [16, 16]), (4, [24, 40]), (3, [9, 6]), (16, [16, 32])] {
        Conv { channels, groups, ..CONV }.check([9, 11], "conv_grouped");
    }
}

#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn transposed() {
    // Channels, kernel, stride, pads, output padding, groups.
    type Case = ([usize; 2], usize, i64, [i64; 4], [i64; 2], usize);
    let cases: [Case; 8] = [
        ([16, 16], 2, 2, [0; 4], [0; 2], 1),
        ([20, 10], 3, 2, [0, 0, 1, 1], [0; 2], 1),
        ([20, 10], 3, 2, [1; 4], [1; 2], 1),
        ([6, 40], 4, 2, [1; 4], [0; 2], 1),
        ([7, 5], 3, 1, [1; 4], [0; 2], 1),
        ([5, 6], 2, 3, [0; 4], [0; 2], 1),
        ([12, 6], 3, 2, [1; 4], [1; 2], 3),
        ([10, 10], 3, 2, [1; 4], [1; 2], 10),
    ];
    for (channels, kernel, stride, pads, output_padding, groups) in cases {
        let [from, to] = channels;
        let fan_in = from / groups * kernel * kernel;
        let attributes = [
            ("kernel_shape", Attr::Ints(&[kernel as i64; 2][..])),
            ("strides", Attr::Ints(&[stride; 2])),
            ("pads", Attr::Ints(&pads)),
            ("output_padding", Attr::Ints(&output_padding)),
            ("group", Attr::Int(groups as i64)),
        ];
        let onnx = file(from)
            .floats("w", &[from, to / groups, kernel, kernel], &weights(from * to / groups * kernel * kernel, fan_in))
            .floats("b", &[to], &numbers(to, 5))
            .node("ConvTranspose", &["x", "w", "b"], "y", &attributes);
        let case = format!("transposed {channels:?} {kernel} s{stride} g{groups}");
        same_as_reference(&case, &onnx.bytes(), [from, 6, 7]);
    }
}

#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn activations_behind_convolutions() {
    for op in ["Relu", "Sigmoid", "HardSwish"] {
        for (channels, side) in [(6, 3), (40, 1)] {
            let (fan_in, pads) = (channels * side * side, [(side / 2) as i64; 4]);
            let onnx = file(channels)
                .floats("w", &[9, channels, side, side], &weights(9 * fan_in, fan_in))
                .node("Conv", &["x", "w"], "c", &[("pads", Attr::Ints(&pads))])
                .node(op, &["c"], "y", &[]);
            let kernels = same_as_reference(op, &onnx.bytes(), [channels, 10, 11]);
            assert!(!kernels.contains(&"pointwise"), "{op} is part of the convolution: {kernels:?}");
        }
    }
}

#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn fully_connected() {
    for [from, to] in [[5, 3], [64, 10], [300, 70]] {
        let onnx = file(from)
            .node("GlobalMaxPool", &["x"], "g", &[])
            .floats("w", &[to, from, 1, 1], &weights(to * from, from))
            .floats("b", &[to], &numbers(to, 5))
            .node("Conv", &["g", "w", "b"], "y", &[]);
        let kernels = same_as_reference(&format!("dense {from}->{to}"), &onnx.bytes(), [from, 9, 11]);
        assert!(kernels.contains(&"dense"), "{kernels:?}");
    }
}
