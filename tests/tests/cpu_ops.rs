//! The operators of our own CPU engine that are no convolutions, and how they hang together.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use dormouse_tests::cpu_suite::{file, same_as_reference, weights};
use dormouse_tests::onnx::{Attr, Onnx};
use dormouse_tests::tolerance::{CPU_DIRECT, CPU_WINOGRAD};

const SIDES: [usize; 2] = [9, 12];

fn check(case: &str, onnx: Onnx, channels: usize, tolerance: f32) -> Vec<String> {
    same_as_reference(&format!("{case}, {channels} channels"), &onnx.bytes(), [channels, SIDES[0], SIDES[1]], tolerance)
}

#[test]
fn functions_of_each_number() {
    let slope = [("alpha", Attr::Float(0.1))];
    for channels in [1, 13, 20] {
        for op in ["Relu", "Sigmoid", "HardSwish"] {
            check(op, file(channels).node(op, &["x"], "y", &[]), channels, CPU_DIRECT);
        }
        check("LeakyRelu", file(channels).node("LeakyRelu", &["x"], "y", &slope), channels, CPU_DIRECT);
        check("Softmax", file(channels).node("Softmax", &["x"], "y", &[("axis", Attr::Int(1))]), channels, CPU_DIRECT);
        let clip = file(channels).floats("low", &[], &[-0.25]).floats("high", &[], &[0.5]);
        check("Clip", clip.node("Clip", &["x", "low", "high"], "y", &[]), channels, CPU_DIRECT);
        let silu = file(channels).node("Sigmoid", &["x"], "s", &[]).node("Mul", &["x", "s"], "y", &[]);
        check("SiLU", silu, channels, CPU_DIRECT);
    }
}

#[test]
fn pools() {
    // Kernel, stride, pads, whether the last window may reach out.
    let windows = [([2, 2], 2, 0, 0), ([3, 3], 2, 1, 0), ([3, 3], 2, 0, 1), ([3, 3], 2, 1, 1), ([3, 2], 1, 0, 0)];
    for (kernel, stride, pad, ceil) in windows {
        let attributes = |padded: i64| {
            let pads = Box::leak(Box::new([pad; 4]));
            let (kernel, strides) = (Box::leak(Box::new(kernel)), Box::leak(Box::new([stride; 2])));
            let mut list = vec![
                ("kernel_shape", Attr::Ints(kernel)),
                ("strides", Attr::Ints(strides)),
                ("pads", Attr::Ints(pads)),
                ("ceil_mode", Attr::Int(ceil)),
            ];
            list.extend((padded >= 0).then_some(("count_include_pad", Attr::Int(padded))));
            list
        };
        check("MaxPool", file(20).node("MaxPool", &["x"], "y", &attributes(-1)), 20, CPU_DIRECT);
        for padded in [0, 1] {
            check("AveragePool", file(20).node("AveragePool", &["x"], "y", &attributes(padded)), 20, CPU_DIRECT);
        }
    }
    for op in ["GlobalAveragePool", "GlobalMaxPool"] {
        check(op, file(20).node(op, &["x"], "y", &[]), 20, CPU_DIRECT);
    }
}

#[test]
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
                    check(&format!("Resize {mode} {coordinates} {rounding} {scales:?}"), onnx, 19, CPU_DIRECT);
                }
            }
        }
    }
}

#[test]
fn sums_products_and_shapes() {
    for channels in [16, 20] {
        let gate = file(channels)
            .node("GlobalAveragePool", &["x"], "g", &[])
            .node("Sigmoid", &["g"], "s", &[])
            .node("Mul", &["x", "s"], "m", &[])
            .node("Add", &["m", "x"], "y", &[]);
        check("gate", gate, channels, CPU_DIRECT);
        let scale = file(channels).floats("k", &[1, channels, 1, 1], &weights(channels, 1));
        check("scale", scale.node("Mul", &["x", "k"], "y", &[]), channels, CPU_DIRECT);
        for mode in ["reflect", "edge", "constant"] {
            let pad = file(channels).ints("p", &[0, 0, 1, 2, 0, 0, 3, 1]);
            check(mode, pad.node("Pad", &["x", "p"], "y", &[("mode", Attr::Text(mode))]), channels, CPU_DIRECT);
        }
        let fan_in = channels * SIDES[0] * SIDES[1];
        let gemm = file(channels)
            .floats("w", &[7, fan_in], &weights(7 * fan_in, fan_in))
            .node("Flatten", &["x"], "f", &[("axis", Attr::Int(1))])
            .node("Gemm", &["f", "w"], "y", &[("transB", Attr::Int(1))]);
        check("fully connected", gemm, channels, CPU_DIRECT);
    }
}

/// Joined maps of channels that do and do not fill blocks, read by every kind of operator.
#[test]
fn concatenations() {
    for channels in [16, 20] {
        let joined = || {
            file(channels).node("Relu", &["x"], "a", &[]).node("Sigmoid", &["x"], "b", &[]).node(
                "Concat",
                &["a", "b"],
                "c",
                &[("axis", Attr::Int(1))],
            )
        };
        let of = 2 * channels;
        for side in [1, 3] {
            let pads = [(side / 2) as i64; 4];
            let dense = joined().floats("w", &[24, of, side, side], &weights(24 * of * side * side, of * side * side));
            let dense = dense.node("Conv", &["c", "w"], "y", &[("pads", Attr::Ints(&pads))]);
            let methods = check("into a convolution", dense, channels, CPU_WINOGRAD);
            assert!(!methods.iter().any(|m| m == "join"), "a convolution reads joined maps in place: {methods:?}");
        }
        let depthwise = joined().floats("w", &[of, 1, 3, 3], &weights(9 * of, 9));
        let attributes = [("pads", Attr::Ints(&[1; 4][..])), ("group", Attr::Int(of as i64))];
        check("into a depthwise one", depthwise.node("Conv", &["c", "w"], "y", &attributes), channels, CPU_DIRECT);
        let pool = joined().node("MaxPool", &["c"], "y", &[("kernel_shape", Attr::Ints(&[2, 2]))]);
        check("into a pool", pool, channels, CPU_DIRECT);
        let image = file(channels).node("Relu", &["x"], "a", &[]);
        check("with the image", image.node("Concat", &["a", "x"], "y", &[("axis", Attr::Int(1))]), channels, CPU_DIRECT);
    }
}

/// NaN and infinities: a direct sum spoils only what sees them, Winograd's method the tile of 4x4 as well.
#[test]
fn what_is_not_finite_stays_near() {
    use dormouse::engine::Engine as _;
    use dormouse::engine::cpu::CpuNetwork;
    use dormouse::preprocess::InputShape;
    let onnx = file(1)
        .floats("w", &[1, 1, 3, 3], &weights(9, 9))
        .node("LeakyRelu", &["x"], "a", &[("alpha", Attr::Float(0.5))])
        .node("Conv", &["a", "w"], "y", &[("pads", Attr::Ints(&[1; 4]))]);
    let network = CpuNetwork::load_whole(onnx.bytes(), 1).unwrap();
    let mut engine = network.prepare_cpu(InputShape { channels: 1, height: 24, width: 24 }, 1).unwrap();
    for bad in [f32::NAN, f32::INFINITY] {
        let mut image = vec![0.5; 24 * 24];
        image[9 * 24 + 13] = bad;
        engine.run(&image, 1).unwrap();
        let map = engine.output(0, 0).unwrap();
        for (at, value) in map.channel(0).iter().enumerate() {
            let (y, x) = (at / 24, at % 24);
            // Row 9 is seen by the tile of rows 8 to 11 alone, column 13 by that of columns 12 to 15.
            let tile = (8..12).contains(&y) && (12..16).contains(&x);
            let seen = (8..=10).contains(&y) && (12..=14).contains(&x);
            assert!(value.is_finite() || tile, "{bad} at row 9, column 13 spoils row {y}, column {x}");
            assert!(!(value.is_finite() && seen), "{bad} at row 9, column 13 does not reach row {y}, column {x}");
        }
    }
}

/// No mode of the processor is changed: numbers below the smallest normal one are not taken for zero.
#[test]
fn subnormal_numbers_are_kept() {
    use dormouse::engine::Engine as _;
    use dormouse::engine::cpu::{CpuNetwork, Isa};
    use dormouse::preprocess::InputShape;
    let onnx = file(8)
        .floats("one", &[8, 1, 1, 1], &[1.0; 8])
        .floats("sum", &[1, 8, 1, 1], &[1.0; 8])
        .node("Conv", &["x", "one"], "a", &[("group", Attr::Int(8))])
        .node("Conv", &["a", "sum"], "y", &[])
        .bytes();
    // The smallest number that there is, and the largest of these divided by the number of channels.
    let [least, large] = [1, 0x007f_ffff / 8].map(f32::from_bits);
    for isa in Isa::all() {
        let network = CpuNetwork::load_whole(&onnx, 1).unwrap().with_isa(isa);
        let mut engine = network.prepare_cpu(InputShape { channels: 8, height: 1, width: 2 }, 1).unwrap();
        engine.run(&[least, large].repeat(8), 1).unwrap();
        let map = engine.output(0, 0).unwrap();
        assert_eq!(map.channel(0).iter().map(|v| v.to_bits()).collect::<Vec<_>>(), [8, 0x007f_fff8], "{isa}");
    }
}
