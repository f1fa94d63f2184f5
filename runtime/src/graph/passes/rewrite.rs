//! What the passes share.

use crate::graph::{Constant, ConstantId, Graph, ValueId};
use alloc::vec::Vec;

impl Graph<'_> {
    /// The node that makes each value, one entry per value.
    pub(super) fn makers(&self) -> Vec<Option<usize>> {
        let mut makers = alloc::vec![None; self.values.len()];
        for (index, node) in self.nodes.iter().enumerate() {
            makers[node.output.index()] = Some(index);
        }
        makers
    }

    /// The node that makes a value, if it comes before node `reader` and nothing else reads the value.
    pub(super) fn only_for(&self, value: ValueId, reader: usize) -> Option<usize> {
        let maker = self.nodes[..reader].iter().rposition(|n| n.output == value)?;
        let readers = self.nodes.iter().flat_map(|n| &n.inputs).filter(|v| **v == value).count();
        let is_output = self.outputs.iter().any(|o| o.value == value);
        (readers == 1 && !is_output).then_some(maker)
    }

    /// Takes node `reader` away: its only input's maker `maker` makes its output instead.
    pub(super) fn merge(&mut self, maker: usize, reader: usize) {
        let node = self.nodes.remove(reader);
        self.nodes[maker].output = node.output;
    }

    pub(super) fn add_constant(&mut self, dims: Vec<usize>, data: Vec<f32>) -> ConstantId {
        self.constants.push(Constant { dims, data: data.into() });
        ConstantId(self.constants.len() as u32 - 1)
    }

    /// Numbers that are held in memory beside the file.
    pub(super) fn computed_numbers(&self) -> usize {
        self.constants.iter().map(|c| c.data.held()).sum()
    }

    /// One number per channel out of a constant of one number or one per channel.
    pub(super) fn per_channel(&self, id: ConstantId, channels: usize) -> Option<Vec<f32>> {
        let numbers = &self.constant(id).data;
        match numbers.len() {
            1 => Some(alloc::vec![numbers.at(0); channels]),
            len if len == channels => Some(numbers.to_vec()),
            _ => None,
        }
    }
}
