//! All nodes, one after the other.

use super::map::Map;
use super::pool::Pooling;
use super::{conv, pool, resize};
use crate::error::{Error, Text};
use crate::graph::{Activation, Graph, Node, Op, Shape, Shapes};
use alloc::vec::Vec;

impl Activation {
    /// The function at `x`, in f64.
    pub fn of(self, x: f64) -> f64 {
        let sigmoid = |x: f64| 1.0 / (1.0 + libm::exp(-x));
        match self {
            Self::None => x,
            // NaN stays NaN, as in ONNX Runtime; f64::max would drop it.
            Self::Relu => {
                if x < 0.0 {
                    0.0
                } else {
                    x
                }
            }
            Self::LeakyRelu { slope } => {
                if x < 0.0 {
                    f64::from(slope) * x
                } else {
                    x
                }
            }
            Self::Clip { low, high } => x.clamp(f64::from(low), f64::from(high)),
            Self::Sigmoid => sigmoid(x),
            Self::HardSwish => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
            Self::Silu => x * sigmoid(x),
        }
    }
}

impl Graph<'_> {
    /// Runs the network in plain loops and returns the outputs' numbers in the order batch, channels, height, width. For tests
    /// and small maps: it takes seconds where an engine takes milliseconds, and keeps every map in memory.
    ///
    /// # Errors
    /// [`Error::Engine`] if an input does not have as many numbers as its shape.
    pub fn run_reference(&self, shapes: &Shapes, inputs: &[&[f32]]) -> Result<Vec<Vec<f32>>, Error> {
        let mut maps: Vec<Option<Map>> = alloc::vec![None; self.values().len()];
        for (index, port) in self.inputs().iter().enumerate() {
            let shape = shapes.of(port.value);
            let data = inputs.get(index).filter(|data| data.len() == shape.numbers());
            let data = data.ok_or_else(|| refused("an input has another number of values than its shape"))?;
            maps[port.value.index()] = Some(Map { shape, data: data.to_vec() });
        }
        for node in self.nodes() {
            let map = self.run_node(node, &maps, shapes.of(node.output))?;
            maps[node.output.index()] = Some(map);
        }
        let output = |value: crate::graph::ValueId| maps[value.index()].as_ref().map(|m| m.data.clone());
        let outputs: Option<Vec<_>> = self.outputs().iter().map(|o| output(o.value)).collect();
        outputs.ok_or_else(|| refused("an output is not made by any node"))
    }

    fn run_node(&self, node: &Node, maps: &[Option<Map>], shape: Shape) -> Result<Map, Error> {
        let inputs: Option<Vec<&Map>> = node.inputs.iter().map(|v| maps[v.index()].as_ref()).collect();
        let inputs = inputs.filter(|i| !i.is_empty()).ok_or_else(|| refused("a node reads what is not made yet"))?;
        let x = inputs[0];
        let constant = |id| self.constant(id);
        Ok(match &node.op {
            Op::Conv(op) => conv::conv(op, constant(op.weight), op.bias.map(constant), x, shape),
            Op::ConvTranspose(op) => conv::transposed(op, constant(op.weight), op.bias.map(constant), x, shape),
            Op::ScaleShift { scale, shift } => {
                let pick = |id, c: usize| {
                    let data = &constant(id).data;
                    f64::from(data.at(if data.len() == 1 { 0 } else { c }))
                };
                Map::build(shape, |n, c, y, x_px| pick(*scale, c) * x.at(n, c, y, x_px) + pick(*shift, c))
            }
            Op::Activate(activation) => Map::build(shape, |n, c, y, x_px| activation.of(x.at(n, c, y, x_px))),
            Op::Add => Map::build(shape, |n, c, y, x_px| x.at(n, c, y, x_px) + inputs[1].at(n, c, y, x_px)),
            Op::Mul => Map::build(shape, |n, c, y, x_px| x.at(n, c, y, x_px) * inputs[1].at(n, c, y, x_px)),
            Op::Concat => concat(&inputs, shape),
            Op::MaxPool(op) => pool::pool(op, Pooling::Max, x, shape),
            Op::AveragePool { pool: op, count_padding } => {
                pool::pool(op, Pooling::Mean { count_padding: *count_padding }, x, shape)
            }
            Op::GlobalAveragePool => pool::global(Pooling::Mean { count_padding: false }, x, shape),
            Op::GlobalMaxPool => pool::global(Pooling::Max, x, shape),
            Op::Resize(op) => resize::resize(op, x, shape),
            Op::Softmax => pool::softmax(x),
            Op::Reshape { channels_last, .. } => Map { shape, data: reshaped(x, *channels_last) },
            Op::Pad { pads_px, with } => pool::pad(*pads_px, *with, x, shape),
        })
    }
}

fn concat(inputs: &[&Map], shape: Shape) -> Map {
    let mut data = Vec::with_capacity(shape.numbers());
    for n in 0..shape.batch {
        for map in inputs {
            let len = map.data.len() / shape.batch;
            data.extend_from_slice(&map.data[n * len..(n + 1) * len]);
        }
    }
    Map { shape, data }
}

fn reshaped(x: &Map, channels_last: bool) -> Vec<f32> {
    if !channels_last {
        return x.data.clone();
    }
    let Shape { batch, channels, height, width } = x.shape;
    let turned = Shape::new([batch, height, width, channels]);
    Map::build(turned, |n, row, column, channel| x.at(n, channel, row, column)).data
}

fn refused(detail: &str) -> Error {
    Error::Engine { engine: "reference", action: "run the network", detail: Text::new(detail) }
}
