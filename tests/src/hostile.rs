//! Sound network files and ways to spoil them.

use crate::onnx::{Attr, Onnx, numbers};
use dormouse::bundle::Bundle;

static DEMO: &[u8] = include_bytes!("../../model-zoo/demo/demo.dorm");

/// Small networks that together use every operator of our engines, and the demo's real one.
pub fn corpus() -> Vec<(&'static str, Vec<u8>)> {
    let demo = Bundle::from_bytes(DEMO).unwrap();
    let name = demo.config().networks[0].name.clone();
    vec![
        ("convolutions", convolutions()),
        ("functions", functions()),
        ("pools", pools()),
        ("vectors", vectors()),
        ("channels last", channels_last()),
        ("demo", demo.network(&name).unwrap().to_vec()),
    ]
}

fn file() -> Onnx {
    Onnx::new(17).input("x", &[-1, 3, -1, -1]).output("y")
}

fn weights(onnx: Onnx, name: &str, dims: &[usize]) -> Onnx {
    onnx.floats(name, dims, &numbers(dims.iter().product(), 3))
}

fn convolutions() -> Vec<u8> {
    let onnx = weights(weights(weights(file(), "a", &[8, 3, 3, 3]), "b", &[8, 4, 3, 3]), "c", &[8, 1, 5, 5]);
    let onnx = weights(weights(weights(onnx, "d", &[8, 4, 2, 2]), "e", &[5, 7, 1, 1]), "f", &[5]);
    let pads = |all: &'static [i64]| ("pads", Attr::Ints(all));
    onnx.node("Conv", &["x", "a"], "p", &[pads(&[1; 4])])
        .node("Conv", &["p", "b"], "q", &[pads(&[2; 4]), ("group", Attr::Int(2)), ("dilations", Attr::Ints(&[2, 2]))])
        .node("Conv", &["q", "c"], "r", &[pads(&[2; 4]), ("group", Attr::Int(8)), ("strides", Attr::Ints(&[2, 2]))])
        .node("ConvTranspose", &["r", "d"], "s", &[("strides", Attr::Ints(&[2, 2]))])
        .floats("two", &[4], &[1.0, 1.0, 2.0, 2.0])
        .node("Resize", &["x", "", "two"], "t", &[("mode", Attr::Text("linear"))])
        .node("MaxPool", &["t"], "u", &[("kernel_shape", Attr::Ints(&[2, 2])), ("strides", Attr::Ints(&[2, 2]))])
        .node("Pad", &["u", "around"], "v", &[("mode", Attr::Text("edge"))])
        .ints("around", &[0, 0, 0, 0, 0, 0, 1, 1])
        .node("MaxPool", &["v"], "w", &[("kernel_shape", Attr::Ints(&[2, 2]))])
        .node("Concat", &["s", "w"], "j", &[("axis", Attr::Int(1))])
        .node("Conv", &["j", "e", "f"], "y", &[])
        .bytes()
}

fn functions() -> Vec<u8> {
    let positive: Vec<f32> = numbers(3, 3).iter().map(|v| v.abs() + 0.1).collect();
    let onnx = file().floats("g", &[3], &numbers(3, 1)).floats("v", &[3], &positive).floats("low", &[], &[-0.5]);
    onnx.floats("high", &[], &[0.5])
        .floats("k", &[3, 1, 1], &numbers(3, 4))
        .node("BatchNormalization", &["x", "g", "g", "g", "v"], "a", &[("epsilon", Attr::Float(1e-3))])
        .node("LeakyRelu", &["a"], "b", &[("alpha", Attr::Float(0.1))])
        .node("Sigmoid", &["b"], "c", &[])
        .node("Mul", &["b", "c"], "d", &[])
        .node("HardSwish", &["d"], "e", &[])
        .node("Clip", &["e", "low", "high"], "f", &[])
        .node("Sub", &["f", "k"], "h", &[])
        .node("Div", &["h", "k"], "i", &[])
        .node("Add", &["i", "x"], "j", &[])
        .node("Relu", &["j"], "l", &[])
        .node("Softmax", &["l"], "y", &[("axis", Attr::Int(1))])
        .bytes()
}

fn pools() -> Vec<u8> {
    let window = || [("kernel_shape", Attr::Ints(&[3, 3])), ("strides", Attr::Ints(&[2, 1])), ("pads", Attr::Ints(&[1; 4]))];
    let [a, b, c] = window();
    file()
        .node("MaxPool", &["x"], "a", &window())
        .node("AveragePool", &["a"], "b", &[a, b, c, ("ceil_mode", Attr::Int(1)), ("count_include_pad", Attr::Int(1))])
        .ints("size", &[1, 3, 6, 5])
        .node("Resize", &["b", "", "", "size"], "c", &[("coordinate_transformation_mode", Attr::Text("align_corners"))])
        .node("GlobalAveragePool", &["c"], "d", &[])
        .node("ReduceMax", &["c"], "e", &[("axes", Attr::Ints(&[2, 3]))])
        .node("Add", &["d", "e"], "f", &[])
        .node("Mul", &["c", "f"], "y", &[])
        .bytes()
}

fn vectors() -> Vec<u8> {
    let onnx = weights(weights(weights(file(), "w", &[4, 3]), "b", &[4]), "m", &[4, 2]);
    onnx.node("GlobalMaxPool", &["x"], "g", &[])
        .node("Flatten", &["g"], "f", &[])
        .node("Gemm", &["f", "w", "b"], "l", &[("transB", Attr::Int(1)), ("alpha", Attr::Float(0.5))])
        .node("MatMul", &["l", "m"], "n", &[])
        .ints("s", &[0, 2, 1, 1])
        .node("Reshape", &["n", "s"], "y", &[])
        .bytes()
}

fn channels_last() -> Vec<u8> {
    let onnx = Onnx::new(13).input("x", &[-1, -1, -1, 3]).output("y");
    let onnx = weights(onnx, "w", &[4, 3, 3, 3]).floats("b", &[4], &numbers(4, 2));
    onnx.node("Transpose", &["x"], "t", &[("perm", Attr::Ints(&[0, 3, 1, 2]))])
        .node("Conv", &["t", "w"], "c", &[("auto_pad", Attr::Text("SAME_UPPER"))])
        .node("Transpose", &["c"], "l", &[("perm", Attr::Ints(&[0, 2, 3, 1]))])
        .node("Add", &["l", "b"], "s", &[])
        .node("Concat", &["s", "x"], "y", &[("axis", Attr::Int(3))])
        .bytes()
}

/// Changes files at random, the same way every time for the same seed.
#[derive(Debug)]
pub struct Mutator {
    state: u64,
}

impl Mutator {
    /// A series of changes.
    pub fn new(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 }
    }

    /// Xorshift64* (Vigna 2016): a number below `below`, which is positive.
    fn pick(&mut self, below: usize) -> usize {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        (self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % below
    }

    /// `file` with one to four changes: bytes replaced, flipped, counted up, cut out, doubled, or taken from another file.
    ///
    /// Most changes hit the structure: in a file of some hundred kilobytes of weights, a place picked evenly would nearly always
    /// be a weight. Half of the places are within the first and last 4 KiB, where the nodes stand.
    pub fn change(&mut self, file: &[u8], others: &[Vec<u8>]) -> Vec<u8> {
        let mut out = file.to_vec();
        for _ in 0..=self.pick(4) {
            if out.is_empty() {
                break;
            }
            let at = self.place(out.len());
            let len = (1 + self.pick(16)).min(out.len() - at);
            match self.pick(7) {
                0 => out[at] ^= 1 << self.pick(8),
                1 => out[at] = [0, 1, 0x7f, 0x80, 0xff][self.pick(5)],
                2 => out[at] = out[at].wrapping_add(1 + self.pick(3) as u8),
                3 => drop(out.drain(at..at + len)),
                4 => {
                    let again = out[at..at + len].to_vec();
                    out.splice(at..at, again);
                }
                5 => {
                    let other = &others[self.pick(others.len())];
                    let from = self.place(other.len());
                    let taken = &other[from..(from + len).min(other.len())];
                    let end = (at + taken.len()).min(out.len());
                    out[at..end].copy_from_slice(&taken[..end - at]);
                }
                _ => out.truncate(at),
            }
        }
        out
    }

    fn place(&mut self, len: usize) -> usize {
        let edge = len.min(4096);
        match self.pick(4) {
            0 => self.pick(edge),
            1 => len - 1 - self.pick(edge),
            _ => self.pick(len),
        }
    }
}
