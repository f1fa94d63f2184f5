//! Convolutions of our own CPU engine against the reference executor: every method, all instructions of this machine, one and more threads.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use dormouse_tests::cpu_suite::{file, same_as_reference, weights};
use dormouse_tests::onnx::{Attr, numbers};
use dormouse_tests::tolerance::{CPU_DIRECT, CPU_WINOGRAD};

const PADS_1: [i64; 4] = [1; 4];

/// A convolution, behind a leaky ReLU unless it is to read the image itself.
struct Conv {
    channels: [usize; 2],
    kernel: [usize; 2],
    stride: i64,
    dilation: i64,
    pads: [i64; 4],
    groups: usize,
    image: bool,
}

const CONV: Conv = Conv { channels: [16, 16], kernel: [3, 3], stride: 1, dilation: 1, pads: PADS_1, groups: 1, image: false };

impl Conv {
    fn check(&self, [height, width]: [usize; 2], method: &str, tolerance: f32) {
        let ([from, to], [rows, columns]) = (self.channels, self.kernel);
        let fan_in = from / self.groups * rows * columns;
        let (onnx, x) = match self.image {
            true => (file(from), "x"),
            false => (file(from).node("LeakyRelu", &["x"], "a", &[("alpha", Attr::Float(0.5))]), "a"),
        };
        let onnx = onnx
            .floats("w", &[to, from / self.groups, rows, columns], &weights(to * fan_in, fan_in))
            .floats("b", &[to], &numbers(to, 5))
            .node(
                "Conv",
                &[x, "w", "b"],
                "y",
                &[
                    ("kernel_shape", Attr::Ints(&[rows as i64, columns as i64])),
                    ("strides", Attr::Ints(&[self.stride; 2])),
                    ("dilations", Attr::Ints(&[self.dilation; 2])),
                    ("pads", Attr::Ints(&self.pads)),
                    ("group", Attr::Int(self.groups as i64)),
                ],
            );
        let case = format!(
            "{method} {from}->{to} {rows}x{columns} s{} d{} g{} on {width}x{height}",
            self.stride, self.dilation, self.groups
        );
        let methods = same_as_reference(&case, &onnx.bytes(), [from, height, width], tolerance);
        assert!(methods.iter().any(|m| m.starts_with(method)), "{case}: {methods:?}");
    }
}

#[test]
fn winograd() {
    for channels in [[1, 1], [3, 5], [8, 8], [16, 16], [17, 33], [67, 31], [32, 67], [128, 128]] {
        for sides in [[3, 4], [5, 8], [13, 21]] {
            Conv { channels, ..CONV }.check(sides, "winograd", CPU_WINOGRAD);
        }
    }
    Conv { pads: [0; 4], ..CONV }.check([9, 10], "winograd 2x2", CPU_WINOGRAD);
    Conv { pads: [2, 1, 0, 2], ..CONV }.check([9, 10], "winograd 2x2", CPU_WINOGRAD);
    for pads in [[0; 4], [2, 1, 0, 2]] {
        Conv { pads, ..CONV }.check([19, 22], "winograd 4x4", CPU_WINOGRAD);
    }
    // Weights that are made chunk by chunk: of small tiles, of one chunk, and of two.
    for (sides, method) in [([5, 8], "winograd 2x2"), ([13, 13], "winograd 4x4"), ([30, 40], "winograd 4x4")] {
        Conv { channels: [144, 150], ..CONV }.check(sides, method, CPU_WINOGRAD);
    }
    // More tiles than one chunk holds.
    Conv { channels: [5, 20], ..CONV }.check([60, 50], "winograd 4x4", CPU_WINOGRAD);
}

#[test]
fn direct_sums() {
    for sides in [[1, 1], [2, 1], [7, 12]] {
        Conv { channels: [20, 40], kernel: [1, 1], pads: [0; 4], ..CONV }.check(sides, "direct", CPU_DIRECT);
        Conv { channels: [17, 18], stride: 2, ..CONV }.check(sides, "direct", CPU_DIRECT);
    }
    for image_channels in [1, 3] {
        let stem = Conv { channels: [image_channels, 24], image: true, ..CONV };
        stem.check([17, 230], "direct", CPU_DIRECT);
        Conv { kernel: [7, 7], stride: 2, pads: [3; 4], ..stem }.check([20, 22], "direct", CPU_DIRECT);
    }
    Conv { channels: [20, 17], kernel: [5, 5], stride: 3, dilation: 2, pads: [4; 4], ..CONV }.check(
        [11, 14],
        "direct",
        CPU_DIRECT,
    );
    Conv { kernel: [1, 5], pads: [0, 2, 0, 2], ..CONV }.check([9, 9], "direct", CPU_DIRECT);
    for (groups, channels) in [(2, [16, 16]), (4, [24, 40]), (3, [9, 6]), (16, [16, 32])] {
        Conv { channels, groups, ..CONV }.check([9, 11], "direct", CPU_DIRECT);
    }
}

#[test]
fn depthwise() {
    for channels in [8, 20, 48] {
        for (side, pad) in [(3, 1), (5, 2)] {
            for stride in [1, 2] {
                let conv = Conv { channels: [channels; 2], kernel: [side; 2], stride, pads: [pad; 4], groups: channels, ..CONV };
                for sides in [[13, 19], [1, 1], [2, 3], [5, 30]] {
                    conv.check(sides, "depthwise", CPU_DIRECT);
                }
                Conv { pads: [pad, 0, 0, pad], ..conv }.check([7, 12], "depthwise", CPU_DIRECT);
                Conv { pads: [2 * pad; 4], dilation: 2, ..conv }.check([9, 22], "depthwise", CPU_DIRECT);
            }
        }
    }
    Conv { channels: [20; 2], kernel: [3, 7], pads: [1, 3, 1, 3], groups: 20, ..CONV }.check([6, 25], "depthwise", CPU_DIRECT);
}

#[test]
fn transposed() {
    // Channels, kernel, stride, pads, output padding, groups.
    type Case = ([usize; 2], usize, i64, [i64; 4], [i64; 2], usize);
    let cases: [Case; 6] = [
        ([16, 16], 2, 2, [0; 4], [0; 2], 1),
        ([20, 10], 3, 2, [0, 0, 1, 1], [0; 2], 1),
        ([20, 10], 3, 2, [1; 4], [1; 2], 1),
        ([8, 8], 4, 2, [1; 4], [0; 2], 1),
        ([8, 12], 3, 3, [0; 4], [0; 2], 4),
        ([16, 4], 2, 3, [0; 4], [0; 2], 1),
    ];
    for ([from, to], side, stride, pads, more, groups) in cases {
        let len = from * to / groups * side * side;
        let onnx = file(from)
            .floats("w", &[from, to / groups, side, side], &weights(len, from * side))
            .node("LeakyRelu", &["x"], "a", &[("alpha", Attr::Float(0.5))])
            .node(
                "ConvTranspose",
                &["a", "w"],
                "y",
                &[
                    ("kernel_shape", Attr::Ints(&[side as i64; 2])),
                    ("strides", Attr::Ints(&[stride; 2])),
                    ("pads", Attr::Ints(&pads)),
                    ("output_padding", Attr::Ints(&more)),
                    ("group", Attr::Int(groups as i64)),
                ],
            )
            .bytes();
        for sides in [[1, 1], [7, 9]] {
            let case = format!("transposed {from}->{to} {side} s{stride}");
            same_as_reference(&case, &onnx, [from, sides[0], sides[1]], CPU_DIRECT);
        }
    }
}
