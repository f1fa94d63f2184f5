//! The graph of our own engines against tract: every operator that is claimed, and whole networks.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use dormouse::Error;
use dormouse::engine::cpu::CpuNetwork;
use dormouse::graph::{Graph, Shape};
use dormouse::preprocess::InputShape;
use dormouse_tests::heap::{CountingHeap, heap_use};
use dormouse_tests::onnx::{Attr, Onnx, numbers};
use dormouse_tests::run_tract::run_tract;
use dormouse_tests::tolerance::SMALL_NETWORK;

#[global_allocator]
static HEAP: CountingHeap = CountingHeap;

/// Input sides of a case: two images, channels, and sides that are neither equal nor even.
const BATCH: usize = 2;
const HEIGHT: usize = 9;
const WIDTH: usize = 12;

/// Runs a file with one input `x` in the reference executor and in tract, and compares numbers and sides of all outputs.
fn same_as_tract(case: &str, onnx: &[u8], sides: [usize; 4]) {
    let graph = Graph::from_onnx(onnx).unwrap_or_else(|e| panic!("{case}: {e}"));
    let data = numbers(sides.iter().product(), 1);
    let form = graph.inputs()[0].form;
    let file_sides = if form.channels_last { [sides[0], sides[2], sides[3], sides[1]] } else { sides };
    let file_data = if form.channels_last { channels_last(&data, sides) } else { data.clone() };
    let expected = run_tract(onnx, &[(&file_sides, &file_data)]);
    let shapes = graph.shapes(&[Shape::new(sides)]).unwrap_or_else(|e| panic!("{case}: {e}"));
    let got = graph.run_reference(&shapes, &[&data]).unwrap();
    assert_eq!(got.len(), expected.len(), "{case}");
    let optimized = graph.clone().optimized();
    let again = optimized.run_reference(&optimized.shapes(&[Shape::new(sides)]).unwrap(), &[&data]).unwrap();
    for (before, after) in got.iter().zip(&again) {
        let worst = before.iter().zip(after).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(before.len() == after.len() && worst <= SMALL_NETWORK, "{case}, optimized: {worst}");
    }
    for ((port, got), (expected_sides, expected)) in graph.outputs().iter().zip(&got).zip(&expected) {
        let shape = shapes.of(port.value).sides();
        let got = if port.form.channels_last { channels_last(got, shape) } else { got.clone() };
        let [n, c, h, w] = shape;
        let file_shape = if port.form.channels_last { vec![n, h, w, c] } else { vec![n, c, h, w] };
        let rank = expected_sides.len();
        assert_eq!(file_shape[..rank], expected_sides[..], "{case}");
        let worst = got.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(got.len() == expected.len() && worst <= SMALL_NETWORK, "{case}: {worst}");
    }
}

fn channels_last(data: &[f32], [n, c, h, w]: [usize; 4]) -> Vec<f32> {
    let at = |i: usize, ch: usize, y: usize, x: usize| data[((i * c + ch) * h + y) * w + x];
    let mut out = Vec::with_capacity(data.len());
    for i in 0..n {
        for y in 0..h {
            for x in 0..w {
                out.extend((0..c).map(|ch| at(i, ch, y, x)));
            }
        }
    }
    out
}

/// A file with input `x` of `channels` channels and output `y`.
fn file(channels: i64) -> Onnx {
    Onnx::new(17).input("x", &[-1, channels, -1, -1]).output("y")
}

/// One node on `x` of 6 channels, with weights of the given sides.
fn one_node(op: &str, weights: &[&[usize]], attributes: &[(&str, Attr<'_>)]) {
    let mut onnx = file(6);
    let names: Vec<String> = (0..weights.len()).map(|i| format!("w{i}")).collect();
    for (index, dims) in weights.iter().enumerate() {
        onnx = onnx.floats(&names[index], dims, &numbers(dims.iter().product(), index as u32 + 7));
    }
    let inputs: Vec<&str> = std::iter::once("x").chain(names.iter().map(String::as_str)).collect();
    let onnx = onnx.node(op, &inputs, "y", attributes);
    same_as_tract(op, &onnx.bytes(), [BATCH, 6, HEIGHT, WIDTH]);
}

#[test]
fn convolutions() {
    use Attr::{Int, Ints, Text};
    one_node("Conv", &[&[4, 6, 3, 3], &[4]], &[("pads", Ints(&[1, 1, 1, 1]))]);
    one_node("Conv", &[&[4, 6, 3, 5]], &[("strides", Ints(&[2, 3])), ("pads", Ints(&[0, 2, 1, 1]))]);
    one_node("Conv", &[&[4, 3, 3, 3], &[4]], &[("group", Int(2)), ("dilations", Ints(&[2, 3]))]);
    one_node("Conv", &[&[6, 1, 5, 5], &[6]], &[("group", Int(6)), ("pads", Ints(&[2, 2, 2, 2]))]);
    one_node("Conv", &[&[12, 1, 3, 3]], &[("group", Int(6))]);
    for padding in ["SAME_UPPER", "SAME_LOWER", "VALID"] {
        one_node("Conv", &[&[4, 6, 3, 4]], &[("auto_pad", Text(padding)), ("strides", Ints(&[2, 2]))]);
    }
    one_node("Conv", &[&[4, 6, 1, 1], &[4]], &[]);
}

#[test]
fn transposed_convolutions() {
    use Attr::{Int, Ints};
    one_node("ConvTranspose", &[&[6, 4, 2, 2], &[4]], &[("strides", Ints(&[2, 2]))]);
    one_node("ConvTranspose", &[&[6, 4, 3, 3], &[4]], &[("strides", Ints(&[2, 2])), ("pads", Ints(&[0, 0, 1, 1]))]);
    let attributes = [("strides", Ints(&[2, 2])), ("pads", Ints(&[1, 1, 1, 1])), ("output_padding", Ints(&[1, 1]))];
    one_node("ConvTranspose", &[&[6, 4, 3, 3]], &attributes);
    one_node("ConvTranspose", &[&[6, 2, 4, 3]], &[("strides", Ints(&[2, 3])), ("group", Int(3))]);
    one_node("ConvTranspose", &[&[6, 4, 3, 3]], &[("dilations", Ints(&[2, 2]))]);
}

#[test]
fn pooling() {
    use Attr::{Int, Ints, Text};
    let square = [("kernel_shape", Ints(&[2, 2])), ("strides", Ints(&[2, 2]))];
    one_node("MaxPool", &[], &square);
    one_node("AveragePool", &[], &square);
    let [kernel, strides] = square;
    one_node("MaxPool", &[], &[kernel, strides, ("ceil_mode", Int(1))]);
    let wide = || [("kernel_shape", Ints(&[3, 3])), ("strides", Ints(&[2, 1])), ("pads", Ints(&[1, 1, 1, 1]))];
    one_node("MaxPool", &[], &wide());
    one_node("AveragePool", &[], &wide());
    let [kernel, strides, pads] = wide();
    one_node("AveragePool", &[], &[kernel, strides, pads, ("count_include_pad", Int(1))]);
    one_node("MaxPool", &[], &[("kernel_shape", Ints(&[2, 2])), ("auto_pad", Text("SAME_UPPER"))]);
    one_node("GlobalAveragePool", &[], &[]);
    one_node("GlobalMaxPool", &[], &[]);
    one_node("ReduceMean", &[], &[("axes", Ints(&[2, 3]))]);
    one_node("ReduceMean", &[], &[("axes", Ints(&[-1, -2])), ("keepdims", Int(0))]);
}

#[test]
fn functions_of_each_number() {
    for op in ["Relu", "Sigmoid", "HardSwish", "Identity"] {
        one_node(op, &[], &[]);
    }
    one_node("LeakyRelu", &[], &[("alpha", Attr::Float(0.2))]);
    one_node("Softmax", &[], &[("axis", Attr::Int(1))]);
    one_node("Clip", &[&[], &[]], &[]);
    let onnx = file(6).node("Sigmoid", &["x"], "s", &[]).node("Mul", &["x", "s"], "y", &[]);
    same_as_tract("SiLU", &onnx.bytes(), [BATCH, 6, HEIGHT, WIDTH]);
}

#[test]
fn sums_and_products() {
    for op in ["Add", "Sub", "Mul", "Div"] {
        one_node(op, &[&[6, 1, 1]], &[]);
        one_node(op, &[&[]], &[]);
        one_node(op, &[&[1, 1, 1, 1]], &[]);
    }
    let onnx = file(6).floats("w", &[], &[3.0]).node("Sub", &["w", "x"], "y", &[]);
    same_as_tract("3 - x", &onnx.bytes(), [BATCH, 6, HEIGHT, WIDTH]);
    let onnx = file(6).node("GlobalAveragePool", &["x"], "g", &[]).node("Mul", &["x", "g"], "y", &[]);
    same_as_tract("squeeze and excite", &onnx.bytes(), [BATCH, 6, HEIGHT, WIDTH]);
    let onnx = file(6).node("Relu", &["x"], "r", &[]).node("Add", &["x", "r"], "s", &[]);
    let onnx = onnx.node("Concat", &["x", "s", "r"], "y", &[("axis", Attr::Int(1))]);
    same_as_tract("sum and concat", &onnx.bytes(), [BATCH, 6, HEIGHT, WIDTH]);
    let positive: Vec<f32> = numbers(6, 3).iter().map(|v| v.abs() + 0.1).collect();
    let onnx = file(6).floats("a", &[6], &numbers(6, 1)).floats("b", &[6], &numbers(6, 2)).floats("v", &[6], &positive);
    let onnx = onnx.node("BatchNormalization", &["x", "a", "b", "a", "v"], "y", &[("epsilon", Attr::Float(1e-3))]);
    same_as_tract("BatchNormalization", &onnx.bytes(), [BATCH, 6, HEIGHT, WIDTH]);
}

#[test]
fn resizing() {
    let coordinates = ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"];
    for mode in coordinates {
        // By ONNX's text `align_corners` uses the result's whole rows, as ONNX Runtime does; tract uses 4.5 of them for half of 9.
        let smaller = if mode == "align_corners" { [1.0, 0.75] } else { [0.5, 0.75] };
        for scales in [[2.0, 2.0], [3.0, 1.5], smaller] {
            let attributes = [("mode", Attr::Text("linear")), ("coordinate_transformation_mode", Attr::Text(mode))];
            let onnx = file(6).floats("s", &[4], &[1.0, 1.0, scales[0], scales[1]]);
            let onnx = onnx.node("Resize", &["x", "", "s"], "y", &attributes);
            same_as_tract(&format!("linear {mode} {scales:?}"), &onnx.bytes(), [BATCH, 6, HEIGHT, WIDTH]);
        }
        let attributes = [("mode", Attr::Text("linear")), ("coordinate_transformation_mode", Attr::Text(mode))];
        let onnx = file(6).ints("s", &[BATCH as i64, 6, 13, 5]).node("Resize", &["x", "", "", "s"], "y", &attributes);
        same_as_tract(&format!("linear {mode} sizes"), &onnx.bytes(), [BATCH, 6, HEIGHT, WIDTH]);
    }
    for (mode, rounding) in [
        ("asymmetric", "floor"),
        ("half_pixel", "round_prefer_floor"),
        ("half_pixel", "round_prefer_ceil"),
        ("half_pixel", "ceil"),
        ("align_corners", "floor"),
    ] {
        // Whole rows again for `align_corners`: see above.
        let others = if mode == "align_corners" { [[3.0, 1.5], [1.0, 0.75]] } else { [[1.5, 3.0], [0.5, 0.75]] };
        for scales in [[2.0, 2.0], others[0], others[1]] {
            let attributes = [
                ("mode", Attr::Text("nearest")),
                ("coordinate_transformation_mode", Attr::Text(mode)),
                ("nearest_mode", Attr::Text(rounding)),
            ];
            let onnx = file(6).floats("s", &[4], &[1.0, 1.0, scales[0], scales[1]]);
            let onnx = onnx.node("Resize", &["x", "", "s"], "y", &attributes);
            same_as_tract(&format!("nearest {mode} {rounding} {scales:?}"), &onnx.bytes(), [BATCH, 6, HEIGHT, WIDTH]);
        }
    }
}

#[test]
fn vectors() {
    let all = 6 * HEIGHT * WIDTH;
    let onnx = file(6).node("Flatten", &["x"], "f", &[]).floats("w", &[all, 5], &numbers(all * 5, 2));
    let scaled: [(&str, Attr<'_>); 2] = [("alpha", Attr::Float(0.05)), ("beta", Attr::Float(2.0))];
    let onnx = onnx.floats("b", &[5], &numbers(5, 3)).node("Gemm", &["f", "w", "b"], "y", &scaled);
    same_as_tract("Flatten, Gemm", &onnx.bytes(), [BATCH, 6, HEIGHT, WIDTH]);
    let onnx = file(6).node("GlobalMaxPool", &["x"], "g", &[]).ints("s", &[-1, 6]).node("Reshape", &["g", "s"], "f", &[]);
    let onnx = onnx.floats("w", &[5, 6], &numbers(30, 2)).node("Gemm", &["f", "w"], "l", &[("transB", Attr::Int(1))]);
    let onnx = onnx.node("Softmax", &["l"], "y", &[]);
    same_as_tract("Reshape, Gemm, Softmax", &onnx.bytes(), [BATCH, 6, HEIGHT, WIDTH]);
    let onnx = file(6).node("GlobalMaxPool", &["x"], "g", &[]).ints("a", &[2, 3]).node("Squeeze", &["g", "a"], "f", &[]);
    let onnx = onnx.floats("w", &[6, 6], &numbers(36, 2)).node("MatMul", &["f", "w"], "l", &[]);
    let onnx = onnx.node("Unsqueeze", &["l", "a"], "u", &[]).node("Mul", &["x", "u"], "y", &[]);
    same_as_tract("Squeeze, MatMul, Unsqueeze", &onnx.bytes(), [BATCH, 6, HEIGHT, WIDTH]);
    let onnx = file(6).ints("s", &[0, 3, 18, -1]).node("Reshape", &["x", "s"], "y", &[]);
    same_as_tract("Reshape to maps", &onnx.bytes(), [BATCH, 6, HEIGHT, WIDTH]);
}

#[test]
fn padding() {
    for mode in ["constant", "reflect", "edge"] {
        let onnx = file(6).ints("p", &[0, 0, 2, 1, 0, 0, 3, 4]).node("Pad", &["x", "p"], "y", &[("mode", Attr::Text(mode))]);
        same_as_tract(mode, &onnx.bytes(), [BATCH, 6, HEIGHT, WIDTH]);
    }
}

/// As converters from Keras write it: channels last outside, and transpositions around the operators that want them first.
#[test]
fn channels_last_networks() {
    let keras = || Onnx::new(17).input("x", &[-1, -1, -1, 3]).output("y").node("Transpose", &["x"], "t", &[perm(&[0, 3, 1, 2])]);
    let onnx = keras().floats("w", &[4, 3, 3, 3], &numbers(108, 1)).floats("b", &[4], &numbers(4, 2));
    let onnx = onnx.node("Conv", &["t", "w"], "c", &[("auto_pad", Attr::Text("SAME_UPPER"))]);
    let onnx = onnx.node("Transpose", &["c"], "cl", &[perm(&[0, 2, 3, 1])]).node("Add", &["cl", "b"], "s", &[]);
    let onnx = onnx.node("Concat", &["s", "x"], "j", &[("axis", Attr::Int(3))]).node("Relu", &["j"], "y", &[]);
    same_as_tract("channels last", &onnx.bytes(), [BATCH, 3, HEIGHT, WIDTH]);
    let onnx = keras().node("Relu", &["t"], "r", &[]).node("Transpose", &["r"], "l", &[perm(&[0, 2, 3, 1])]);
    let all = 3 * HEIGHT * WIDTH;
    let onnx = onnx.node("Flatten", &["l"], "f", &[]).floats("w", &[all, 4], &numbers(all * 4, 2));
    let onnx = onnx.node("MatMul", &["f", "w"], "y", &[]);
    same_as_tract("channels last, flattened", &onnx.bytes(), [BATCH, 3, HEIGHT, WIDTH]);
}

/// What the passes leave of a network: names of the operators.
fn left(onnx: &[u8]) -> Vec<&'static str> {
    Graph::from_onnx(onnx).unwrap().optimized().nodes().iter().map(|n| n.op.name()).collect()
}

#[test]
fn passes_join_what_belongs_together() {
    let positive: Vec<f32> = numbers(4, 3).iter().map(|v| v.abs() + 0.1).collect();
    let norm = |onnx: Onnx, from: &str, to: &str| {
        let onnx = onnx.floats("a", &[4], &numbers(4, 1)).floats("b", &[4], &numbers(4, 2)).floats("v", &[4], &positive);
        onnx.node("BatchNormalization", &[from, "a", "b", "a", "v"], to, &[])
    };
    let pads = || ("pads", Attr::Ints(&[1, 1, 1, 1]));
    let conv = || {
        file(6).floats("w", &[4, 3, 3, 3], &numbers(108, 5)).node("Conv", &["x", "w"], "c", &[pads(), ("group", Attr::Int(2))])
    };
    let behind = norm(conv(), "c", "n").node("Relu", &["n"], "y", &[]).bytes();
    same_as_tract("normalised behind", &behind, [BATCH, 6, HEIGHT, WIDTH]);
    assert_eq!(left(&behind), ["Conv"]);

    let turned = || {
        file(6).floats("w", &[6, 2, 3, 2], &numbers(72, 5)).node("ConvTranspose", &["x", "w"], "c", &[("group", Attr::Int(2))])
    };
    let behind = norm(turned(), "c", "n").node("LeakyRelu", &["n"], "y", &[]).bytes();
    same_as_tract("normalised behind a transposed one", &behind, [BATCH, 6, HEIGHT, WIDTH]);
    assert_eq!(left(&behind), ["ConvTranspose"]);

    // Before a convolution: only where no padding stands in between.
    let before = |pads: &[i64]| {
        let onnx = norm(file(4), "x", "n").floats("w", &[6, 2, 3, 3], &numbers(108, 5));
        onnx.node("Conv", &["n", "w"], "y", &[("pads", Attr::Ints(pads)), ("group", Attr::Int(2))]).bytes()
    };
    same_as_tract("normalised before", &before(&[0; 4]), [BATCH, 4, HEIGHT, WIDTH]);
    same_as_tract("normalised before padding", &before(&[1; 4]), [BATCH, 4, HEIGHT, WIDTH]);
    assert_eq!((left(&before(&[0; 4])), left(&before(&[1; 4]))), (vec!["Conv"], vec!["ScaleShift", "Conv"]));

    // The convolution's own result is needed too: nothing may be joined.
    let twice = conv().node("Relu", &["c"], "r", &[]).node("Add", &["r", "c"], "y", &[]).bytes();
    same_as_tract("read twice", &twice, [BATCH, 6, HEIGHT, WIDTH]);
    assert_eq!(left(&twice), ["Conv", "Relu", "Add"]);
    let gate = conv().node("Sigmoid", &["c"], "s", &[]).node("Mul", &["s", "c"], "y", &[]).node("Relu", &["c"], "dead", &[]);
    let gate = gate.bytes();
    same_as_tract("gate", &gate, [BATCH, 6, HEIGHT, WIDTH]);
    assert_eq!(left(&gate), ["Conv", "Silu"]);
}

/// A file of one convolution, a normalisation, a resize and a join.
fn small_file() -> Vec<u8> {
    let onnx = file(3).floats("w", &[2, 3, 3, 3], &numbers(54, 1)).floats("b", &[2], &numbers(2, 2));
    let onnx = onnx.floats("s", &[4], &[1.0, 1.0, 2.0, 2.0]);
    let onnx = onnx.node("Conv", &["x", "w", "b"], "c", &[("pads", Attr::Ints(&[1, 1, 1, 1])), ("strides", Attr::Ints(&[2, 2]))]);
    let onnx = onnx.node("BatchNormalization", &["c", "b", "b", "b", "b"], "n", &[("epsilon", Attr::Float(9.0))]);
    let onnx = onnx.node("Resize", &["n", "", "s"], "r", &[("mode", Attr::Text("linear"))]);
    onnx.node("Concat", &["x", "r"], "j", &[("axis", Attr::Int(1))]).node("Relu", &["j"], "y", &[]).bytes()
}

/// Every byte of a sound file changed in several ways, and every truncation: an error or a graph, never a panic, and never much
/// memory for a file of a kilobyte.
#[test]
fn damaged_files_are_errors() {
    let whole = small_file();
    assert!(Graph::from_onnx(&whole).is_ok());
    let (mut refused, mut prepared) = (0, 0);
    let mut check = |bytes: &[u8]| {
        let (worked, heap) = heap_use(|| {
            let graph = Graph::from_onnx(bytes)?;
            graph.shapes(&vec![Shape::new([1, 3, 16, 16]); graph.inputs().len()])?;
            let _ = graph.optimized();
            Ok::<_, Error>(())
        });
        assert!(heap.largest <= 1 << 20, "{heap:?}");
        refused += usize::from(worked.is_err());
        if let (Ok(()), Ok(network)) = (worked, CpuNetwork::load_whole(bytes, 1)) {
            // Its memory depends on the sizes in the file; what matters is that it is planned or refused.
            prepared += usize::from(network.prepare_cpu(InputShape { channels: 3, height: 16, width: 16 }, 1).is_ok());
        }
    };
    for at in 0..whole.len() {
        check(&whole[..at]);
        for change in [0x01, 0x02, 0x08, 0x10, 0x40, 0x80, 0x7f, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] ^= change;
            check(&bytes);
        }
    }
    assert!(refused > whole.len() && prepared > whole.len(), "{refused} refused, {prepared} prepared");
}

#[test]
fn errors_name_what_is_wrong() {
    let error = |onnx: Onnx| Graph::from_onnx(&onnx.bytes()).unwrap_err().to_string();
    assert_eq!(
        error(file(3).node("Einsum", &["x"], "y", &[])),
        "network \"test\": node \"y/Einsum\" is a Einsum, which this engine does not know"
    );
    assert!(error(file(3)).contains("no node makes this output"));
    // A loop: each of the two reads what the other makes.
    assert!(error(file(3).node("Add", &["x", "y"], "a", &[]).node("Relu", &["a"], "y", &[])).contains("made by a later node"));
    assert!(error(file(3).node("Relu", &["x"], "y", &[]).node("Relu", &["x"], "y", &[])).contains("given twice"));
    assert!(error(file(3).floats("w", &[2, 3, 3, 3], &numbers(53, 1))).contains("do not fit the number of its values"));
    let conv = |strides: &[i64]| {
        file(3).floats("w", &[2, 3, 3, 3], &numbers(54, 1)).node("Conv", &["x", "w"], "y", &[("strides", Attr::Ints(strides))])
    };
    assert!(error(conv(&[0, 1])).contains("positive and at most 4096"));
    assert!(error(conv(&[1, 1 << 40])).contains("positive and at most 4096"));
    let bytes = conv(&[1, 1]).bytes();
    let graph = Graph::from_onnx(&bytes).unwrap();
    let shapes = |sides| graph.shapes(&[Shape::new(sides)]).map(|_| ()).unwrap_err().to_string();
    assert!(shapes([1, 4, 8, 8]).contains("another number of channels"));
    assert!(shapes([1, 3, 2, 8]).contains("the window does not fit"));
    assert!(shapes([1, 3, 1 << 20, 1 << 20]).contains("at most 2^28 numbers"));
}

fn perm(order: &[i64]) -> (&'static str, Attr<'_>) {
    ("perm", Attr::Ints(order))
}
