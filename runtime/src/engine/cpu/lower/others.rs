//! All operators that are no convolutions.

use super::lowering::Lowering;
use super::places::{Places, Unplaced};
use crate::engine::cpu::elementwise::{Elementwise, Operand, Work};
use crate::engine::cpu::general::{Order, Rearrange, Softmax};
use crate::engine::cpu::pool::{Pool, Take, Window};
use crate::engine::cpu::resize::{Reads, Resize};
use crate::engine::cpu::winograd::Scale;
use crate::error::Error;
use crate::graph::{self, Filter, Node, Op, Rounding, Shape, ValueId};
use alloc::boxed::Box;
use alloc::vec::Vec;

impl<'g> Lowering<'g> {
    /// Lowers one node.
    pub fn lower_node(&mut self, node: &'g Node) -> Result<(), Error> {
        match &node.op {
            // The depthwise convolution before it may have mixed its own results.
            Op::Conv(_) if self.is_made(node.output) => Ok(()),
            Op::Conv(conv) => self.conv(node, conv),
            Op::ConvTranspose(conv) => self.transposed(node, conv),
            Op::ScaleShift { scale, shift } => {
                let lanes = |id: &graph::ConstantId| self.per_lane(*id, self.shapes.of(node.output).channels);
                let work = Work::ScaleShift(lanes(scale), lanes(shift));
                self.function(node, work)
            }
            Op::Activate(activation) => self.function(node, Work::Activate(*activation)),
            // The convolution before it may have added to its own result.
            Op::Add if self.is_made(node.output) => Ok(()),
            Op::Add => self.add(node),
            Op::Mul => self.pair(node, Work::Mul),
            Op::Concat => {
                self.join(node);
                Ok(())
            }
            // The convolution before it may have pooled its own result.
            Op::MaxPool(_) if self.is_made(node.output) => Ok(()),
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
                self.push(move |at| Box::new(Softmax::new(at.map(input), at.map(output))));
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
        let mut lanes: Vec<f32> = (0..channels).map(|c| numbers.at(if numbers.len() == 1 { 0 } else { c })).collect();
        lanes.resize(channels.next_multiple_of(self.isa.lanes()), 0.0);
        lanes
    }

    fn function(&mut self, node: &Node, work: Work) -> Result<(), Error> {
        let (machine, blocks) = ((self.isa, self.workers), self.blocks(node));
        let input = self.map(node.inputs[0])?;
        let output = self.make(node.output);
        self.push(move |at| Box::new(Elementwise::new(machine, operand(at, input, blocks), at.map(output), work)));
        Ok(())
    }

    /// A sum; a map that is to be doubled for it alone is added as it is made.
    fn add(&mut self, node: &Node) -> Result<(), Error> {
        let [first, second] = node.inputs[..] else { return Err(self.fault("it needs two inputs")) };
        for (doubled, other) in [(first, second), (second, first)] {
            let same = doubled != other && self.shapes.of(doubled) == self.shapes.of(other) && self.is_read_once(doubled);
            if let (Some(resize), Some(other), true) = (self.doubled_by(doubled), self.made_map(other), same) {
                return self.make_resized(resize, (node.output, Some(other))).map(|_| ());
            }
        }
        self.pair(node, Work::Add)
    }

    fn pair(&mut self, node: &Node, work: impl FnOnce(Operand) -> Work + 'static) -> Result<(), Error> {
        let (machine, blocks) = ((self.isa, self.workers), self.blocks(node));
        let [first, second] = node.inputs[..] else { return Err(self.fault("it needs two inputs")) };
        let (first, second) = (self.map(first)?, self.map(second)?);
        let output = self.make(node.output);
        self.push(move |at| {
            let work = work(operand(at, second, blocks));
            Box::new(Elementwise::new(machine, operand(at, first, blocks), at.map(output), work))
        });
        Ok(())
    }

    /// Blocks of what the node makes.
    fn blocks(&self, node: &Node) -> usize {
        self.shapes.of(node.output).channels.div_ceil(self.isa.lanes())
    }

    fn pool(&mut self, node: &Node, window: graph::Window, take: Take) -> Result<(), Error> {
        let input = self.map(node.inputs[0])?;
        let pads = window.pads_px(input.sides());
        let graph::Window { kernel, stride, dilation, .. } = window;
        let output = self.make(node.output);
        let window = Window { kernel, stride, dilation, pads: [pads[0], pads[1]] };
        self.push_pool(input, output, window, take);
        Ok(())
    }

    fn global_pool(&mut self, node: &Node, take: Take) -> Result<(), Error> {
        let input = self.map(node.inputs[0])?;
        let output = self.make(node.output);
        let window = Window { kernel: input.sides(), stride: [1; 2], dilation: [1; 2], pads: [0; 2] };
        self.push_pool(input, output, window, take);
        Ok(())
    }

    fn push_pool(&mut self, input: Unplaced, output: Unplaced, window: Window, take: Take) {
        let machine = (self.isa, self.workers);
        self.push(move |at| Box::new(Pool::new(machine, [at.map(input), at.map(output)], window, take)));
    }

    fn resize(&mut self, node: &'g Node, resize: &graph::Resize) -> Result<(), Error> {
        let (from, to) = (self.shapes.of(node.inputs[0]), self.shapes.of(node.output));
        let [rows, columns] = tables(resize, from, to);
        match doubles(&rows, from.height).filter(|scale| doubles(&columns, from.width) == Some(*scale)) {
            Some(scale) => self.double(node, scale),
            None => {
                self.make_resized(node, (node.output, None))?;
            }
        }
        Ok(())
    }

    /// The step of a resize, which makes `value`: the node's own, or its sum with another map. The node's input is read, not
    /// released.
    pub fn make_resized(&mut self, node: &Node, (value, other): (ValueId, Option<Unplaced>)) -> Result<Unplaced, Error> {
        let Op::Resize(resize) = &node.op else { return Err(self.fault("it is no resize")) };
        let tables = tables(resize, self.shapes.of(node.inputs[0]), self.shapes.of(node.output));
        let input = self.map(node.inputs[0])?;
        let output = self.make(value);
        let machine = (self.isa, self.workers);
        self.push(move |at| {
            let other = other.map(|other| at.map(other));
            Box::new(Resize::new(machine, [at.map(input), at.map(output)], other, tables))
        });
        Ok(output)
    }

    fn rearrange(&mut self, node: &Node, order: Order) -> Result<(), Error> {
        let input = self.maps(node.inputs[0])?;
        let output = self.make(node.output);
        self.push(move |at| Box::new(Rearrange::new(&at.stack(&input), at.map(output), order)));
        Ok(())
    }
}

/// A map seen by an output with `blocks` blocks.
fn operand(at: Places<'_>, map: Unplaced, blocks: usize) -> Operand {
    Operand::of(&at.map(map), blocks)
}

/// What each row and each column of the result reads.
fn tables(resize: &graph::Resize, from: Shape, to: Shape) -> [Vec<Reads>; 2] {
    let axis = |axis: usize, from: usize, to: usize| {
        (0..to).map(|at| reads(resize.filter, resize.source(axis, at, from, to), from)).collect()
    };
    [axis(0, from.height, to.height), axis(1, from.width, to.width)]
}

/// How a map with `side` rows is doubled, if that is what the table says.
fn doubles(table: &[Reads], side: usize) -> Option<Scale> {
    let nearest = |(at, r): (usize, &Reads)| r.second == 0.0 && r.at[0] == at / 2;
    // Even rows have a quarter of the row before, odd ones a quarter of the one behind; at the edges both are the same row.
    let linear = |(at, r): (usize, &Reads)| match (at.is_multiple_of(2), at / 2) {
        (true, 0) => r.at[0] == 0 && r.second == 0.0,
        (true, near) => r.at == [near - 1, near] && r.second == 0.75,
        (false, near) => r.at == [near, (near + 1).min(side - 1)] && (r.second == 0.25 || near + 1 == side),
    };
    let all = |rule: &dyn Fn((usize, &Reads)) -> bool| table.len() == 2 * side && table.iter().enumerate().all(rule);
    // A map of one row is both.
    if all(&nearest) { Some(Scale::Nearest) } else { all(&linear).then_some(Scale::Linear) }
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
