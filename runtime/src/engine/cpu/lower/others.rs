//! All operators that are no convolutions.

use super::lowering::Lowering;
use crate::engine::cpu::elementwise::{Elementwise, Operand, Work};
use crate::engine::cpu::general::{Order, Rearrange, Softmax};
use crate::engine::cpu::map::Stack;
use crate::engine::cpu::pool::{Pool, Take, Window};
use crate::engine::cpu::resize::{Reads, Resize};
use crate::error::Error;
use crate::graph::{self, Filter, Node, Op, Rounding};
use alloc::boxed::Box;
use alloc::vec::Vec;

impl<'g> Lowering<'g> {
    /// Lowers one node.
    pub fn lower_node(&mut self, node: &'g Node) -> Result<(), Error> {
        match &node.op {
            Op::Conv(conv) => self.conv(node, conv),
            Op::ConvTranspose(conv) => self.transposed(node, conv),
            Op::ScaleShift { scale, shift } => {
                let lanes = |id: &graph::ConstantId| self.per_lane(*id, self.shapes.of(node.output).channels);
                let work = Work::ScaleShift(lanes(scale), lanes(shift));
                self.elementwise(node, |_| Ok(work))
            }
            Op::Activate(activation) => self.elementwise(node, |_| Ok(Work::Activate(*activation))),
            Op::Add => self.elementwise(node, |second| second.map(Work::Add)),
            Op::Mul => self.elementwise(node, |second| second.map(Work::Mul)),
            Op::Concat => {
                self.join(node);
                Ok(())
            }
            Op::MaxPool(pool) => self.pool(node, pool.window, Take::Max),
            Op::AveragePool { pool, count_padding } => {
                let from = self.shapes.of(node.inputs[0]);
                let pads = pool.window.pads_px([from.height, from.width]);
                let sides = [from.height + pads[0] + pads[2], from.width + pads[1] + pads[3]];
                self.pool(node, pool.window, if *count_padding { Take::MeanPadded(sides) } else { Take::MeanInside })
            }
            Op::GlobalAveragePool => self.global_pool(node, Take::MeanInside),
            Op::GlobalMaxPool => self.global_pool(node, Take::Max),
            Op::Resize(resize) => self.resize(node, resize),
            Op::Softmax => {
                let input = self.map(node.inputs[0])?;
                let output = self.make(node.output);
                self.push(Box::new(Softmax::new(input, output)));
                Ok(())
            }
            Op::Reshape { channels_last, .. } => {
                self.rearrange(node, if *channels_last { Order::ReshapeChannelsLast } else { Order::Reshape })
            }
            Op::Pad { pads_px, with } => self.rearrange(node, Order::Pad([pads_px[0], pads_px[1]], *with)),
        }
    }

    /// One number per lane, from one per channel or one for all.
    fn per_lane(&self, id: graph::ConstantId, channels: usize) -> Vec<f32> {
        let numbers = &self.graph.constant(id).data;
        let mut lanes: Vec<f32> = (0..channels).map(|c| numbers[if numbers.len() == 1 { 0 } else { c }]).collect();
        lanes.resize(channels.next_multiple_of(self.isa.lanes()), 0.0);
        lanes
    }

    fn elementwise(
        &mut self,
        node: &Node,
        work: impl FnOnce(Result<Operand, Error>) -> Result<Work, Error>,
    ) -> Result<(), Error> {
        let blocks = self.shapes.of(node.output).channels.div_ceil(self.isa.lanes());
        let first = Operand::of(&self.map(node.inputs[0])?, blocks);
        let second = match node.inputs.get(1) {
            Some(value) => self.map(*value).map(|map| Operand::of(&map, blocks)),
            None => Err(self.fault("it needs a second input")),
        };
        let work = work(second)?;
        let output = self.make(node.output);
        self.push(Box::new(Elementwise::new(self.isa, first, output, work)));
        Ok(())
    }

    fn pool(&mut self, node: &Node, window: graph::Window, take: Take) -> Result<(), Error> {
        let input = self.map(node.inputs[0])?;
        let pads = window.pads_px([input.height, input.width]);
        let graph::Window { kernel, stride, dilation, .. } = window;
        let output = self.make(node.output);
        let window = Window { kernel, stride, dilation, pads: [pads[0], pads[1]] };
        self.push(Box::new(Pool::new(self.isa, input, output, window, take)));
        Ok(())
    }

    fn global_pool(&mut self, node: &Node, take: Take) -> Result<(), Error> {
        let input = self.map(node.inputs[0])?;
        let output = self.make(node.output);
        let window = Window { kernel: [input.height, input.width], stride: [1; 2], dilation: [1; 2], pads: [0; 2] };
        self.push(Box::new(Pool::new(self.isa, input, output, window, take)));
        Ok(())
    }

    fn resize(&mut self, node: &Node, resize: &graph::Resize) -> Result<(), Error> {
        let input = self.map(node.inputs[0])?;
        let output = self.make(node.output);
        let axis = |axis: usize, from: usize, to: usize| {
            (0..to).map(|at| reads(resize.filter, resize.source(axis, at, from, to), from)).collect()
        };
        let (rows, columns) = (axis(0, input.height, output.height), axis(1, input.width, output.width));
        self.push(Box::new(Resize::new(self.isa, input, output, rows, columns)));
        Ok(())
    }

    fn rearrange(&mut self, node: &Node, order: Order) -> Result<(), Error> {
        let input = Stack::of(&self.maps(node.inputs[0])?);
        let output = self.make(node.output);
        self.push(Box::new(Rearrange::new(&input, output, order)));
        Ok(())
    }
}

/// What a row (or column) at `at` of an input with `side` of them reads.
fn reads(filter: Filter, at: f32, side: usize) -> Reads {
    let last = side - 1;
    let whole = |at: f32| (at.max(0.0) as usize).min(last);
    match filter {
        Filter::Nearest(rounding) => {
            let nearest = match rounding {
                Rounding::PreferFloor => libm::ceilf(at - 0.5),
                Rounding::PreferCeil => libm::floorf(at + 0.5),
                Rounding::Floor => libm::floorf(at),
                Rounding::Ceil => libm::ceilf(at),
            };
            Reads { at: [whole(nearest); 2], second: 0.0 }
        }
        Filter::Linear => {
            let at = at.clamp(0.0, last as f32);
            let first = whole(at);
            Reads { at: [first, (first + 1).min(last)], second: at - first as f32 }
        }
    }
}
