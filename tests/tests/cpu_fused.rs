//! What the CPU engine's convolutions take in from their neighbours (doubled maps, pools, planes of outputs) against the reference
//! executor, which knows none of it.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use dormouse_tests::cpu_suite::{file, same_as_reference, weights};
use dormouse_tests::onnx::{Attr, Onnx, numbers};
use dormouse_tests::tolerance::{CPU_DIRECT, CPU_WINOGRAD};

const PADS_1: [(&str, Attr<'_>); 1] = [("pads", Attr::Ints(&[1; 4]))];

fn conv(onnx: Onnx, [from, to]: [usize; 2], input: &str, output: &str) -> Onnx {
    let (w, b) = (format!("{output}.w"), format!("{output}.b"));
    onnx.floats(&w, &[to, from, 3, 3], &weights(9 * from * to, 9 * from)).floats(&b, &[to], &numbers(to, 5)).node(
        "Conv",
        &[input, &w, &b],
        output,
        &PADS_1,
    )
}

/// `small` doubled as `up`.
fn double(onnx: Onnx, [mode, coordinates, rounding]: [&str; 3]) -> Onnx {
    let attributes = [
        ("mode", Attr::Text(mode)),
        ("coordinate_transformation_mode", Attr::Text(coordinates)),
        ("nearest_mode", Attr::Text(rounding)),
    ];
    onnx.floats("x2", &[4], &[1.0, 1.0, 2.0, 2.0]).node("Resize", &["small", "", "x2"], "up", &attributes)
}

const NEAREST: [&str; 3] = ["nearest", "asymmetric", "floor"];
const LINEAR: [&str; 3] = ["linear", "half_pixel", "floor"];

/// `small`, and `skip` of twice its size and `channels` channels.
fn levels(from: usize, channels: usize) -> Onnx {
    let four = [("kernel_shape", Attr::Ints(&[2; 2][..])), ("strides", Attr::Ints(&[2; 2][..]))];
    let skip = file(from).floats("s.w", &[channels, from, 1, 1], &weights(channels * from, from));
    skip.node("LeakyRelu", &["x"], "a", &[("alpha", Attr::Float(0.5))]).node("Conv", &["a", "s.w"], "skip", &[]).node(
        "AveragePool",
        &["a"],
        "small",
        &four,
    )
}

#[test]
fn doubled_maps_are_read_in_place() {
    for (mode, method) in [(NEAREST, "winograd, nearest"), (LINEAR, "winograd, linear")] {
        for (from, skip, to) in [(1, 1, 1), (20, 5, 33), (40, 24, 16)] {
            // Rows and columns of the large map: tiles that end inside, on and beyond its edge, and maps of one cell.
            for sides in [[2, 4], [8, 8], [14, 22], [22, 34]] {
                for parts in [&["up"][..], &["skip", "up"], &["up", "skip"], &["skip", "up", "skip"]] {
                    let channels: usize = parts.iter().map(|p| if *p == "up" { from } else { skip }).sum();
                    let joined = double(levels(from, skip), mode).node("Concat", parts, "c", &[("axis", Attr::Int(1))]);
                    let case = format!("{method} {from}+{skip}->{to} {parts:?} on {}x{}", sides[1], sides[0]);
                    let onnx = conv(joined, [channels, to], "c", "y").bytes();
                    let methods = same_as_reference(&case, &onnx, [from, sides[0], sides[1]], CPU_WINOGRAD);
                    // Nearest and linear are the same on a row of one; too few outputs are summed directly.
                    let fused = sides[0] >= 4;
                    assert!(!fused || methods.iter().any(|m| m == method), "{case}: {methods:?}");
                    assert!(!fused || !methods.iter().any(|m| m.starts_with("resize")), "{case}: {methods:?}");
                }
            }
        }
    }
}

/// The same with so many channels that the weights are made chunk by chunk.
#[test]
fn doubled_maps_of_many_channels() {
    for (mode, method) in [(NEAREST, "winograd, nearest"), (LINEAR, "winograd, linear")] {
        for sides in [[4, 4], [14, 22], [34, 40]] {
            let joined = double(levels(96, 64), mode).node("Concat", &["skip", "up"], "c", &[("axis", Attr::Int(1))]);
            let onnx = conv(joined, [160, 96], "c", "y").bytes();
            let case = format!("{method}, many channels on {}x{}", sides[1], sides[0]);
            let methods = same_as_reference(&case, &onnx, [96, sides[0], sides[1]], CPU_WINOGRAD);
            assert!(methods.iter().any(|m| m == method), "{case}: {methods:?}");
        }
    }
}

/// Sums are made by what comes before them, if it is a sum over taps or a doubling that nothing else reads.
#[test]
fn sums_are_made_by_the_step_before() {
    let mixed = |onnx: Onnx| onnx.floats("k", &[20, 20, 1, 1], &weights(400, 20)).node("Conv", &["a", "k"], "m", &[]);
    let start = || mixed(file(20).node("LeakyRelu", &["x"], "a", &[("alpha", Attr::Float(0.5))]));
    for sides in [[1, 1], [6, 10], [13, 30]] {
        let shape = [20, sides[0], sides[1]];
        for inputs in [["a", "r"], ["r", "a"]] {
            // A ReLU belongs to the convolution, not to the sum.
            let onnx = start().node("Relu", &["m"], "r", &[]).node("Add", &inputs, "s", &[]).node("Sigmoid", &["s"], "y", &[]);
            let methods = same_as_reference(&format!("{inputs:?}"), &onnx.bytes(), shape, CPU_DIRECT);
            assert!(methods.iter().any(|m| m == "direct, add") && !methods.iter().any(|m| m == "add"), "{methods:?}");
        }
        let twice = start().node("Add", &["a", "m"], "s", &[]).node("Mul", &["s", "m"], "y", &[]);
        let itself = start().node("Add", &["m", "m"], "y", &[]);
        let one_channel = file(20).node("LeakyRelu", &["x"], "a", &[("alpha", Attr::Float(0.5))]);
        let one_channel = one_channel.floats("k", &[1, 20, 1, 1], &weights(20, 20)).node("Conv", &["a", "k"], "m", &[]);
        let one_channel = one_channel.node("Add", &["a", "m"], "y", &[]);
        for (case, onnx) in [("read twice", twice), ("with itself", itself), ("one channel", one_channel)] {
            let methods = same_as_reference(case, &onnx.bytes(), shape, CPU_DIRECT);
            assert!(methods.iter().any(|m| m == "add") && !methods.iter().any(|m| m == "direct, add"), "{case}: {methods:?}");
        }
        // The other map comes later than the convolution.
        let later = start().node("Sigmoid", &["x"], "b", &[]).node("Add", &["m", "b"], "s", &[]).node("Relu", &["s"], "y", &[]);
        same_as_reference("later", &later.bytes(), shape, CPU_DIRECT);
    }
    for mode in [NEAREST, LINEAR] {
        for inputs in [["skip", "up"], ["up", "skip"]] {
            let onnx = double(levels(20, 20), mode).node("Add", &inputs, "s", &[]).node("Relu", &["s"], "y", &[]);
            let methods = same_as_reference(&format!("{mode:?} {inputs:?}"), &onnx.bytes(), [20, 12, 16], CPU_DIRECT);
            assert!(methods.iter().any(|m| m.starts_with("resize") && m.ends_with("add")), "{methods:?}");
        }
        let twice = double(levels(20, 20), mode).node("Add", &["skip", "up"], "s", &[]).node("Mul", &["s", "up"], "y", &[]);
        same_as_reference("doubled, read twice", &twice.bytes(), [20, 12, 16], CPU_DIRECT);
    }
}

/// Readers that cannot double a map get one.
#[test]
fn doubled_maps_for_other_readers() {
    for mode in [NEAREST, LINEAR] {
        let both = conv(double(levels(20, 3), mode), [20, 9], "up", "c").node("Sigmoid", &["up"], "s", &[]);
        let both = both.floats("k", &[9, 20, 1, 1], &weights(180, 20)).node("Conv", &["s", "k"], "d", &[]);
        let both = both.node("Add", &["c", "d"], "y", &[]);
        same_as_reference(&format!("{mode:?} read twice"), &both.bytes(), [20, 12, 16], CPU_WINOGRAD);
        let other_pads = double(levels(20, 3), mode).floats("w", &[9, 20, 3, 3], &weights(1620, 180));
        let other_pads = other_pads.node("Conv", &["up", "w"], "y", &[("pads", Attr::Ints(&[0, 1, 2, 1]))]);
        let methods = same_as_reference(&format!("{mode:?}, other pads"), &other_pads.bytes(), [20, 12, 16], CPU_WINOGRAD);
        assert!(
            methods.iter().any(|m| m.starts_with("resize")) && methods.iter().any(|m| m.starts_with("winograd")),
            "{methods:?}"
        );
        let output = double(levels(20, 3), mode).output("up");
        same_as_reference(
            &format!("{mode:?}, an output"),
            &output.node("Relu", &["up"], "y", &[]).bytes(),
            [20, 6, 8],
            CPU_DIRECT,
        );
    }
    let corners = conv(double(levels(20, 3), ["linear", "align_corners", "floor"]), [20, 9], "up", "y");
    let methods = same_as_reference("corners aligned", &corners.bytes(), [20, 12, 16], CPU_WINOGRAD);
    assert!(methods.iter().any(|m| m == "resize linear"), "{methods:?}");
}

#[test]
fn pools_are_made_by_the_convolution_before() {
    let window = |pads: &'static [i64; 4]| {
        [("kernel_shape", Attr::Ints(&[2; 2][..])), ("strides", Attr::Ints(&[2; 2][..])), ("pads", Attr::Ints(&pads[..]))]
    };
    for channels in [[3, 5], [16, 16], [20, 40]] {
        for sides in [[4, 4], [8, 12], [9, 15], [22, 13], [40, 34]] {
            let x = file(channels[0]).node("LeakyRelu", &["x"], "a", &[("alpha", Attr::Float(0.5))]);
            let both = conv(x, channels, "a", "c").output("p").node("Relu", &["c"], "y", &[]);
            let case = format!("pool {channels:?} on {}x{}", sides[1], sides[0]);
            let plain = both.node("MaxPool", &["y"], "p", &window(&[0; 4])).bytes();
            let methods = same_as_reference(&case, &plain, [channels[0], sides[0], sides[1]], CPU_WINOGRAD);
            assert!(
                methods.iter().any(|m| m == "winograd, pool") && !methods.iter().any(|m| m == "max pool"),
                "{case}: {methods:?}"
            );
        }
    }
    for sides in [[8, 8], [22, 13]] {
        let only = conv(file(8).node("Relu", &["x"], "a", &[]), [8, 20], "a", "c").node("MaxPool", &["c"], "y", &window(&[0; 4]));
        let methods = same_as_reference("read by the pool alone", &only.bytes(), [8, sides[0], sides[1]], CPU_WINOGRAD);
        assert!(methods.iter().any(|m| m == "winograd, pool"), "{methods:?}");
    }
    let padded = conv(file(8).node("Relu", &["x"], "a", &[]), [8, 8], "a", "c").node("MaxPool", &["c"], "y", &window(&[1; 4]));
    let methods = same_as_reference("padded pool", &padded.bytes(), [8, 12, 12], CPU_WINOGRAD);
    assert!(methods.iter().any(|m| m == "max pool"), "{methods:?}");
}

#[test]
fn outputs_are_written_as_planes() {
    for channels in [1, 7, 16, 33, 67] {
        for sides in [[1, 1], [5, 7], [16, 30], [3, 500]] {
            let case = |what: &str| format!("{what}, {channels} channels on {}x{}", sides[1], sides[0]);
            let input = || file(20).node("LeakyRelu", &["x"], "a", &[("alpha", Attr::Float(0.5))]);
            let shape = [20, sides[0], sides[1]];
            let head = |onnx: Onnx, from: &str, to: &str, activation: bool| {
                let sum = if activation { format!("{to}.sum") } else { to.to_owned() };
                let (w, b) = (format!("{to}.w"), format!("{to}.b"));
                let onnx = onnx.floats(&w, &[channels, 20, 1, 1], &weights(channels * 20, 20)).floats(
                    &b,
                    &[channels],
                    &numbers(channels, 5),
                );
                let onnx = onnx.node("Conv", &[from, &w, &b], &sum, &[]);
                if activation { onnx.node("Sigmoid", &[&sum], to, &[]) } else { onnx }
            };
            let two = head(head(input().output("z"), "a", "y", false), "a", "z", true).bytes();
            let methods = same_as_reference(&case("two heads"), &two, shape, CPU_DIRECT);
            assert_eq!(methods.iter().filter(|m| *m == "direct, planes").count(), 2, "{methods:?}");
            assert!(!methods.iter().any(|m| m == "unblock"), "{methods:?}");
            // Read again: it must be there in blocks too.
            let read = head(input(), "a", "h", false).output("h").node("Sigmoid", &["h"], "y", &[]).bytes();
            same_as_reference(&case("read again"), &read, shape, CPU_DIRECT);
            let strided = input().floats("w", &[channels, 20, 3, 3], &weights(channels * 180, 180));
            let strided =
                strided.node("Conv", &["a", "w"], "y", &[("strides", Attr::Ints(&[2, 3])), ("pads", Attr::Ints(&[1; 4]))]);
            same_as_reference(&case("strided"), &strided.bytes(), shape, CPU_DIRECT);
        }
    }
}
