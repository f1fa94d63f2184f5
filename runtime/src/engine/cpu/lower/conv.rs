//! Which method a convolution gets.

use super::lowering::Lowering;
use super::places::{Unplaced, UnplacedField};
use crate::engine::cpu::direct::{Direct, Layout, PadFrom, PadInto, Phase, Weights, conv_phase, transposed_phases};
use crate::engine::cpu::winograd::{Filter, Maps, Scale, Tile, Winograd};
use crate::error::Error;
use crate::graph::{Activation, Conv, ConvTranspose, Floats, Node, Op, Pool, Shape, ValueId};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

impl<'g> Lowering<'g> {
    /// A convolution.
    pub fn conv(&mut self, node: &Node, conv: &'g Conv) -> Result<(), Error> {
        let (from, to) = (self.shapes.of(node.inputs[0]), self.shapes.of(node.output));
        let window = &conv.window;
        let pads = window.pads_px([from.height, from.width]);
        let weights = self.weights(conv, from, to);
        self.count(2 * (to.numbers() * from.channels / conv.groups * window.kernel[0] * window.kernel[1]) as u64);
        let plain = conv.groups == 1 && window.kernel == [3; 2] && window.stride == [1; 2] && window.dilation == [1; 2];
        let tile = if plain && !self.is_image(node.inputs[0]) { best_tile(to) } else { None };
        if let Some(tile) = tile {
            return self.winograd(node, conv, tile, [pads[0], pads[1]]);
        }
        let phase = conv_phase(window.kernel, window.stride, window.dilation, [to.height, to.width]);
        if conv.groups > 1 && conv.groups == from.channels && from.channels == to.channels {
            return self.depthwise(node, conv, weights, [pads[0], pads[1]]);
        }
        self.sums(node, (vec![phase], pads), weights, conv.activation)
    }

    /// A 3x3 convolution by Winograd's method, with doubled maps and a pool taken in where they are.
    fn winograd(&mut self, node: &Node, conv: &'g Conv, tile: Tile, pads: [usize; 2]) -> Result<(), Error> {
        let flop = self.take_count();
        let input = if pads == [1; 2] {
            self.scaled_maps(node.inputs[0])?
        } else {
            self.maps(node.inputs[0])?.into_iter().map(|map| (map, Scale::Same)).collect()
        };
        let (output, pooled) = self.with_pool(node.output, false);
        let sides = self.sides(node.output);
        self.count(flop);
        let (isa, workers) = (self.isa, self.workers);
        let (weights, bias) = (self.numbers(conv.weight), conv.bias.map(|id| self.numbers(id)));
        let filter = Filter { weights, bias, activation: conv.activation, pads };
        self.push(move |at| {
            let input = input.iter().map(|(map, scale)| (at.map(*map), *scale)).collect();
            let stored = output.is_some();
            let output = output.map_or(sides, |map| at.map(map));
            let maps = Maps { input, output, stored, pooled: pooled.map(|map| at.map(map)) };
            Box::new(Winograd::new(isa, tile, &maps, filter, workers))
        });
        Ok(())
    }

    /// Makes the map of a value, and that of a 2x2 max pool of it if there is one; where only the pool reads the value, it need not
    /// be stored.
    fn with_pool(&mut self, value: ValueId, stored: bool) -> (Option<Unplaced>, Option<Unplaced>) {
        let pooled = self.pool_behind(value);
        let output = if pooled.is_some() && self.is_read_once(value) && !stored {
            self.keep_inside(value);
            None
        } else {
            Some(self.make(value))
        };
        (output, pooled.map(|value| self.make(value)))
    }

    /// What a 2x2 max pool makes of the value, if one reads it.
    pub fn pool_behind(&self, value: ValueId) -> Option<ValueId> {
        let from = self.shapes.of(value);
        let pools = |n: &&Node| {
            let Op::MaxPool(Pool { window, .. }) = n.op else { return false };
            let to = self.shapes.of(n.output);
            let halves = [to.height, to.width] == [from.height / 2, from.width / 2];
            let plain = window.kernel == [2; 2] && window.stride == [2; 2] && window.dilation == [1; 2];
            n.inputs == [value] && plain && halves && window.pads_px([from.height, from.width]) == [0; 4]
        };
        self.graph.nodes().iter().find(pools).map(|n| n.output)
    }

    /// A transposed convolution.
    pub fn transposed(&mut self, node: &Node, conv: &'g ConvTranspose) -> Result<(), Error> {
        let (from, to) = (self.shapes.of(node.inputs[0]), self.shapes.of(node.output));
        let window = &conv.window;
        let cut = conv.cut_px();
        let (weight, bias) = (self.numbers(conv.weight), conv.bias.map(|id| self.numbers(id)));
        let weights = Weights {
            numbers: weight,
            bias,
            kernel: window.kernel,
            channels_in: from.channels,
            channels_out: to.channels,
            groups: conv.groups,
            transposed: true,
        };
        self.count(2 * (from.numbers() * to.channels / conv.groups * window.kernel[0] * window.kernel[1]) as u64);
        let sides = ([from.height, from.width], [to.height, to.width]);
        let phases = transposed_phases(window.kernel, window.stride, window.dilation, [cut[0], cut[1]], sides);
        if self.is_image(node.inputs[0]) {
            return Err(self.fault("a transposed convolution of the image itself is not supported"));
        }
        self.sums(node, phases, weights, conv.activation)
    }

    fn numbers(&self, id: crate::graph::ConstantId) -> &'g Floats<'g> {
        &self.graph.constant(id).data
    }

    pub fn weights(&self, conv: &'g Conv, from: Shape, to: Shape) -> Weights<'g> {
        Weights {
            numbers: self.numbers(conv.weight),
            bias: conv.bias.map(|id| self.numbers(id)),
            kernel: conv.window.kernel,
            channels_in: from.channels,
            channels_out: to.channels,
            groups: conv.groups,
            transposed: false,
        }
    }

    /// Sums over taps, on a padded copy where padding is needed.
    fn sums(
        &mut self,
        node: &Node,
        (phases, pads): (Vec<Phase>, [usize; 4]),
        weights: Weights<'g>,
        activation: Activation,
    ) -> Result<(), Error> {
        let flop = self.take_count();
        let field = self.field(node.inputs[0], pads)?;
        let conv = matches!(node.op, Op::Conv(_));
        let planes = if conv { self.planes(node.output) } else { None };
        let (made, other) = if conv { self.with_sum(node.output) } else { (node.output, None) };
        let (output, pooled) = match planes {
            Some(planes) => (Some(planes), None),
            // What is added lies as the outputs do in their map.
            None if conv => self.with_pool(made, other.is_some()),
            None => (Some(self.make(made)), None),
        };
        let sides = self.sides(made);
        self.count(flop);
        let machine = (self.isa, self.workers);
        let copy = if let UnplacedField::Copy { buffer, .. } = &field { Some(*buffer) } else { None };
        self.push(move |at| {
            let layout = match pooled.map(|map| at.map(map)) {
                Some(to) => Layout::Pooled { to, stored: output.is_some() },
                None if planes.is_some() => Layout::Planes,
                None => Layout::Blocks,
            };
            let maps = (at.field(&field), output.map_or(sides, |map| at.map(map)), layout);
            let other = other.map(|other| at.map(other));
            Box::new(Direct::new(machine, maps, phases, &weights, (activation, other)))
        });
        if let Some(buffer) = copy {
            self.read_last(buffer);
        }
        Ok(())
    }

    /// What is to be made instead of a convolution's result: the sum of it and a map of the same size that is there already, if
    /// nothing else reads the result, and that map; or the result itself.
    pub fn with_sum(&self, value: ValueId) -> (ValueId, Option<Unplaced>) {
        self.sum_behind(value).map_or((value, None), |(sum, other)| (sum, Some(other)))
    }

    fn sum_behind(&self, value: ValueId) -> Option<(ValueId, Unplaced)> {
        if !self.is_read_once(value) {
            return None;
        }
        let sum = self.graph.nodes().iter().find(|n| n.inputs.contains(&value))?;
        let other = match sum.inputs[..] {
            [a, b] if a == value && b != a => b,
            [a, b] if b == value && a != b => a,
            _ => return None,
        };
        let same = self.shapes.of(other) == self.shapes.of(value);
        let map = self.made_map(other).filter(|_| same && sum.op == Op::Add)?;
        Some((sum.output, map))
    }

    /// What the taps read: the maps where they are, or a padded copy.
    fn field(&mut self, value: ValueId, pads: [usize; 4]) -> Result<UnplacedField, Error> {
        let Shape { channels, height, width, .. } = self.shapes.of(value);
        let sides = [height + pads[0] + pads[2], width + pads[1] + pads[3]];
        let maps = if self.is_image(value) { Vec::new() } else { self.maps(value)? };
        if pads == [0; 4] && !maps.is_empty() {
            return Ok(UnplacedField::Maps(maps));
        }
        let (planes, column) = if maps.is_empty() {
            (vec![1; channels], 1)
        } else {
            (maps.iter().flat_map(|map| map.block_channels()).collect(), self.isa.lanes())
        };
        let buffer = self.scratch("padded copy", planes.len() * sides[0] * sides[1] * column);
        let field = UnplacedField::Copy { buffer, planes, sides, column };
        let copy = field.clone();
        self.push(move |at| {
            let from = if maps.is_empty() { PadFrom::Image([height, width]) } else { PadFrom::Maps(at.stack(&maps)) };
            Box::new(PadInto::new(from, at.field(&copy), [pads[0], pads[1]]))
        });
        Ok(field)
    }
}

/// The tiles that cost least, if Winograd's method pays. The smaller ones have fewer weights to read, which is most of the work on
/// small maps.
///
/// Costs are products for one pair of channels, and the reading or making of a weight counted as `READ` of them, fitted to the
/// times of layers of 64 to 384 channels on maps of 4 to 32 rows (AVX-512, one core).
fn best_tile(output: Shape) -> Option<Tile> {
    let tiles = |tile: Tile| output.height.div_ceil(tile.outputs()) * output.width.div_ceil(tile.outputs());
    const READ: usize = 10;
    let cost = |tile: Tile| tile.points() * (tiles(tile) + READ);
    let best = if cost(Tile::Two) < cost(Tile::Four) { Tile::Two } else { Tile::Four };
    // A direct sum needs no transforms.
    let pays = best.points() * tiles(best) * 5 < 4 * 9 * output.height * output.width;
    pays.then_some(best)
}

#[cfg(test)]
mod tests {
    use super::Tile::{Four, Two};
    use super::*;

    #[test]
    fn tiles_by_size() {
        let best = |side: usize| best_tile(Shape::new([1, 64, side, side]));
        assert_eq!([1, 2, 6, 10, 13, 24].map(best), [None, Some(Two), Some(Two), Some(Two), Some(Four), Some(Four)]);
    }
}
