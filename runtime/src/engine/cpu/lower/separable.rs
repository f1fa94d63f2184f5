//! Depthwise convolutions and the 1x1 convolutions behind them.

use super::lowering::Lowering;
use crate::engine::cpu::direct::{Mix, Separable, Taps, Weights};
use crate::engine::cpu::plan::Planned;
use crate::error::Error;
use crate::graph::{Conv, Node, Op};
use alloc::boxed::Box;
use alloc::format;

impl<'g> Lowering<'g> {
    /// A convolution in which every channel has a kernel of its own, together with the 1x1 convolution that alone reads it.
    pub fn depthwise(&mut self, node: &Node, conv: &'g Conv, weights: Weights<'g>, pads: [usize; 2]) -> Result<(), Error> {
        let flop = self.take_count();
        // One map, so that output blocks meet the input blocks of the same index.
        let input = self.map(node.inputs[0])?;
        let (isa, workers, activation) = (self.isa, self.workers, conv.activation);
        let taps = Taps { kernel: conv.window.kernel, stride: conv.window.stride, dilation: conv.window.dilation, pads };
        let Some((mix_node, mix)) = self.mix_behind(node) else {
            let output = self.make(node.output);
            self.count(flop);
            self.push(move |at| {
                let maps = (at.map(input), at.map(output));
                Box::new(Separable::new((isa, workers), maps, taps, (&weights, activation), None))
            });
            return Ok(());
        };
        let (from, to) = (self.shapes.of(node.output), self.shapes.of(mix_node.output));
        self.node = Planned::of(&format!("{} + {}", node.name, mix_node.name), mix_node.op.name(), to);
        let (made, other) = self.with_sum(mix_node.output);
        let output = self.make(made);
        let pooled = self.pool_behind(made).map(|value| self.make(value));
        if made != mix_node.output {
            self.keep_inside(mix_node.output);
        }
        self.count(flop + 2 * (to.numbers() * from.channels) as u64);
        let mix_weights = self.weights(mix, from, to);
        self.push(move |at| {
            let (other, pooled) = (other.map(|map| at.map(map)), pooled.map(|map| at.map(map)));
            let mix = Mix { weights: mix_weights, activation: mix.activation, other, pooled };
            let maps = (at.map(input), at.map(output));
            Box::new(Separable::new((isa, workers), maps, taps, (&weights, activation), Some(mix)))
        });
        Ok(())
    }

    /// The 1x1 convolution that alone reads a node's result, unless it makes an output of the network.
    fn mix_behind(&self, node: &Node) -> Option<(&'g Node, &'g Conv)> {
        let reader = self.graph.nodes().iter().find(|n| n.inputs.contains(&node.output))?;
        let Op::Conv(conv) = &reader.op else { return None };
        let from = self.shapes.of(node.output);
        let plain = conv.groups == 1 && conv.window.kernel == [1; 2] && conv.window.stride == [1; 2];
        let whole = conv.window.pads_px([from.height, from.width]) == [0; 4];
        let fits = self.is_read_once(node.output) && plain && whole && !self.is_only_output(reader.output);
        fits.then_some((reader, conv))
    }
}
