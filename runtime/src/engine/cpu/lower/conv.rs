//! Which method a convolution gets.

use super::lowering::Lowering;
use crate::engine::cpu::direct::{Depthwise, Direct, Field, PadFrom, PadInto, Phase, Weights, conv_phase, transposed_phases};
use crate::engine::cpu::map::Stack;
use crate::engine::cpu::winograd::Winograd;
use crate::error::Error;
use crate::graph::{Activation, Conv, ConvTranspose, Node, Shape, ValueId};
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
        if plain && !self.is_image(node.inputs[0]) && winograd_pays(to) {
            let input = Stack::of(&self.maps(node.inputs[0])?);
            let output = self.make(node.output);
            let packed = (weights.numbers, weights.bias);
            let pads = [pads[0], pads[1]];
            let step = Winograd::new(self.isa, (input, output), pads, packed, conv.activation, self.workers);
            self.push(Box::new(step));
            return Ok(());
        }
        let phase = conv_phase(window.kernel, window.stride, window.dilation, [to.height, to.width]);
        let depthwise = conv.groups > 1 && conv.groups == from.channels && from.channels == to.channels;
        if depthwise {
            // One map, so that output blocks meet the input blocks of the same index.
            self.map(node.inputs[0])?;
        }
        self.sums(node, (vec![phase], pads), &weights, (conv.activation, depthwise))
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
        self.sums(node, phases, &weights, (conv.activation, false))
    }

    fn numbers(&self, id: crate::graph::ConstantId) -> &'g [f32] {
        &self.graph.constant(id).data
    }

    fn weights(&self, conv: &'g Conv, from: Shape, to: Shape) -> Weights<'g> {
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
        weights: &Weights<'_>,
        (activation, depthwise): (Activation, bool),
    ) -> Result<(), Error> {
        let flop = self.take_count();
        let (field, scratch) = self.field(node.inputs[0], pads)?;
        let output = self.make(node.output);
        self.count(flop);
        let mut phases = phases;
        match (depthwise, phases.pop()) {
            (true, Some(phase)) => {
                self.push(Box::new(Depthwise::new(self.isa, (field, output), phase, weights, activation)));
            }
            (_, last) => {
                phases.extend(last);
                self.push(Box::new(Direct::new(self.isa, (field, output), phases, weights, activation)));
            }
        }
        if let Some((offset, len)) = scratch {
            self.drop_scratch(offset, len);
        }
        Ok(())
    }

    /// What the taps read: the maps where they are, or a padded copy with its place and length.
    fn field(&mut self, value: ValueId, pads: [usize; 4]) -> Result<(Field, Option<(usize, usize)>), Error> {
        let Shape { channels, height, width, .. } = self.shapes.of(value);
        let sides = [height + pads[0] + pads[2], width + pads[1] + pads[3]];
        let (from, planes, column) = if self.is_image(value) {
            (PadFrom::Image([height, width]), vec![1; channels], 1)
        } else {
            let stack = Stack::of(&self.maps(value)?);
            if pads == [0; 4] {
                return Ok((Field::of(&stack), None));
            }
            let planes = stack.blocks.iter().map(|b| b.channels).collect();
            (PadFrom::Maps(stack), planes, self.isa.lanes())
        };
        let len = planes.len() * sides[0] * sides[1] * column;
        let offset = self.scratch(len);
        let field = Field::at(offset, planes.into_iter(), sides, column);
        self.push(Box::new(PadInto::new(from, field.clone(), [pads[0], pads[1]])));
        Ok((field, Some((offset, len))))
    }
}

/// Whether tiles of 4x4 outputs are filled well enough: 36 products per tile against 9 per output.
fn winograd_pays(output: Shape) -> bool {
    let tiles = output.height.div_ceil(4) * output.width.div_ceil(4);
    36 * tiles < 9 * output.height * output.width
}
