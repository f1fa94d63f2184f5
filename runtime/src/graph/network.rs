//! A network as a list of checked operators.

use super::{Floats, Op};
use alloc::string::String;
use alloc::vec::Vec;

/// Names a map of the graph: its index in [`Graph::values`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(pub(super) u32);

impl ValueId {
    /// Place in [`Graph::values`] and in every list with one entry per value.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Names a constant of the graph: its index in [`Graph::constants`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConstantId(pub(super) u32);

impl ConstantId {
    /// Place in [`Graph::constants`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Numbers that are part of the network, with their sides.
#[derive(Debug, Clone, PartialEq)]
pub struct Constant<'a> {
    /// Sides, outermost first.
    pub dims: Vec<usize>,
    /// Row-major, as many as the product of the sides.
    pub data: Floats<'a>,
}

/// A map that is made and used while the network runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// Name in the file.
    pub name: String,
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Name in the file, or the name of its first output where it has none.
    pub name: String,
    /// What it does.
    pub op: Op,
    /// What it reads.
    pub inputs: Vec<ValueId>,
    /// What it makes; every value is made once.
    pub output: ValueId,
}

/// An input or output of the graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Name in the file.
    pub name: String,
    /// The map.
    pub value: ValueId,
    /// What the file says about it.
    pub form: PortForm,
}

/// How the file wants an input or gives an output; our engines work on batch, channels, height, width in f32 all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortForm {
    /// Sides stand in the order batch, height, width, channels.
    pub channels_last: bool,
    /// Numbers are bytes 0 to 255, which the network scales itself.
    pub bytes: bool,
    /// Channels, if the file names them.
    pub channels: Option<usize>,
}

/// A network: nodes in an order in which each one comes after what it reads.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph<'a> {
    pub(super) name: String,
    pub(super) inputs: Vec<Port>,
    pub(super) outputs: Vec<Port>,
    pub(super) values: Vec<Value>,
    pub(super) constants: Vec<Constant<'a>>,
    pub(super) nodes: Vec<Node>,
}

impl<'a> Graph<'a> {
    /// Name in the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What a caller gives.
    pub fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    /// What a caller gets.
    pub fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    /// All maps: made by nodes or given as inputs; passes leave some unused.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// Weights and other numbers; passes leave some unused.
    pub fn constants(&self) -> &[Constant<'a>] {
        &self.constants
    }

    /// The steps, in order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// One constant of this graph.
    ///
    /// # Panics
    /// If the constant belongs to another graph that has more of them.
    pub fn constant(&self, id: ConstantId) -> &Constant<'a> {
        &self.constants[id.index()]
    }

    /// The same graph with its weights copied out of the file.
    pub fn into_owned(self) -> Graph<'static> {
        let own = |c: Constant<'a>| Constant { dims: c.dims, data: c.data.into_owned() };
        Graph {
            name: self.name,
            inputs: self.inputs,
            outputs: self.outputs,
            values: self.values,
            constants: self.constants.into_iter().map(own).collect(),
            nodes: self.nodes,
        }
    }

    /// How many nodes and outputs read each value, one entry per value.
    pub fn uses(&self) -> Vec<usize> {
        let mut uses = alloc::vec![0; self.values.len()];
        let read = self.nodes.iter().flat_map(|n| n.inputs.iter().copied());
        for value in read.chain(self.outputs.iter().map(|o| o.value)) {
            uses[value.index()] += 1;
        }
        uses
    }
}
