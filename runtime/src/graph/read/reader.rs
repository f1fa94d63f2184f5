//! Nodes of the file to nodes of a [`Graph`], one after the other.

use super::axes::Axes;
use super::literal::{FLOAT, Literal, UINT8};
use super::node::At;
use super::proto::{self, GraphProto, NodeProto, PortProto};
use super::wire::fault;
use super::{arithmetic, conv, fold, pool, reshape, resize};
use crate::error::{Error, Text};
use crate::graph::limits::{MAX_COMPUTED, MAX_PORTS};
use crate::graph::{Constant, ConstantId, Graph, Node, Op, Port, PortForm, Value, ValueId};
use alloc::borrow::ToOwned as _;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

/// What a name in the file stands for.
#[derive(Debug, Clone)]
pub(super) enum Known<'a> {
    /// Numbers known beforehand.
    Literal(Literal<'a>),
    /// A map, and how the file's nodes see it.
    Map(View),
}

/// A map as the file's nodes see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct View {
    pub value: ValueId,
    pub axes: Axes,
}

/// What was read so far.
pub(super) struct Reader<'a> {
    graph: Graph<'a>,
    known: BTreeMap<&'a str, Known<'a>>,
    /// Constants that stand in the graph as they stand in the file, by name.
    taken: BTreeMap<&'a str, ConstantId>,
    /// Numbers that may still be computed or copied while reading, against files that use one weight a thousand times.
    budget: usize,
}

impl<'a> Graph<'a> {
    /// Reads an ONNX file. Transpositions, casts and computations on constants are gone afterwards; nothing else is changed.
    ///
    /// # Errors
    /// [`Error::NetworkFile`] if the bytes are not a sound ONNX file, [`Error::UnknownOperator`] and [`Error::NetworkNode`] for
    /// what our own engines do not do.
    pub fn from_onnx(file: &'a [u8]) -> Result<Self, Error> {
        let model = proto::model(file)?;
        let graph = Graph {
            name: model.graph.name.to_owned(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            values: Vec::new(),
            constants: Vec::new(),
            nodes: Vec::new(),
        };
        let mut reader = Reader { graph, known: BTreeMap::new(), taken: BTreeMap::new(), budget: MAX_COMPUTED };
        reader.read(model.graph, model.opset)?;
        Ok(reader.graph)
    }
}

impl<'a> Reader<'a> {
    fn read(&mut self, file: GraphProto<'a>, opset: i64) -> Result<(), Error> {
        if file.inputs.len().saturating_sub(file.constants.len()) > MAX_PORTS || file.outputs.len() > MAX_PORTS {
            return Err(fault("graph", "more than 64 inputs or outputs"));
        }
        for (name, literal) in file.constants {
            self.define(name, Known::Literal(literal))?;
        }
        for port in &file.inputs {
            // Old files list their weights among the inputs.
            if !self.known.contains_key(port.name) {
                self.input(port, &file.nodes)?;
            }
        }
        for node in &file.nodes {
            self.node(At { node, opset })?;
        }
        for port in &file.outputs {
            self.output(port)?;
        }
        let counts = [self.graph.inputs.len(), self.graph.outputs.len()];
        if counts.contains(&0) { Err(fault("graph", "it needs an input and an output")) } else { Ok(()) }
    }

    fn define(&mut self, name: &'a str, known: Known<'a>) -> Result<(), Error> {
        if name.is_empty() {
            return Err(fault("graph", "a value has no name"));
        }
        match self.known.insert(name, known) {
            None => Ok(()),
            Some(_) => Err(fault(name, "the name is given twice")),
        }
    }

    fn input(&mut self, port: &PortProto<'a>, nodes: &[NodeProto<'a>]) -> Result<(), Error> {
        if !matches!(port.element, FLOAT | UINT8) {
            return Err(fault(port.name, "an input must be of f32 or u8"));
        }
        let sides = port.sides.as_deref();
        let axes = match sides.map(<[_]>::len) {
            Some(2) => Axes::Vector,
            Some(4) | None if is_channels_last(port, nodes) => Axes::CHANNELS_LAST,
            Some(4) | None => Axes::CHANNELS_FIRST,
            _ => return Err(fault(port.name, "an input must have 4 sides (batch, channels, height, width) or 2")),
        };
        let at = axes.order().iter().position(|s| *s == super::axes::CHANNELS);
        let channels = at.and_then(|at| sides?.get(at).copied()?).and_then(|c| usize::try_from(c).ok()).filter(|c| *c > 0);
        let form = PortForm { channels_last: axes == Axes::CHANNELS_LAST, bytes: port.element == UINT8, channels };
        let value = self.value(port.name);
        self.graph.inputs.push(Port { name: port.name.to_owned(), value, form });
        self.define(port.name, Known::Map(View { value, axes }))
    }

    fn output(&mut self, port: &PortProto<'a>) -> Result<(), Error> {
        let view = match self.known.get(port.name) {
            Some(Known::Map(view)) => *view,
            Some(Known::Literal(_)) => return Err(fault(port.name, "an output is a constant")),
            None => return Err(fault(port.name, "no node makes this output")),
        };
        if self.graph.outputs.iter().any(|o| o.name == port.name) {
            return Err(fault(port.name, "an output is named twice"));
        }
        let channels_last = match view.axes {
            Axes::Vector | Axes::CHANNELS_FIRST => false,
            Axes::CHANNELS_LAST => true,
            Axes::Map(_) => return Err(fault(port.name, "an output must be in the order of NCHW or NHWC")),
        };
        let form = PortForm { channels_last, bytes: false, channels: None };
        self.graph.outputs.push(Port { name: port.name.to_owned(), value: view.value, form });
        Ok(())
    }

    fn node(&mut self, at: At<'_, 'a>) -> Result<(), Error> {
        let node = at.node;
        let constants = node.inputs.iter().filter(|name| !name.is_empty()).map(|name| self.literal(name));
        if proto::is_onnx(node.domain)
            && let Some(inputs) = constants.collect::<Option<Vec<_>>>()
            && let Some(literal) = fold::evaluate(at, &inputs)?
        {
            self.spend(literal.dims.iter().product(), at)?;
            return self.define(node.outputs.first().copied().unwrap_or(""), Known::Literal(literal));
        }
        if !proto::is_onnx(node.domain) {
            return Err(self.unknown(node));
        }
        match node.op {
            "Conv" => conv::conv(self, at),
            "ConvTranspose" => conv::transposed(self, at),
            "Gemm" => conv::gemm(self, at),
            "MatMul" => conv::matmul(self, at),
            "BatchNormalization" => arithmetic::batch_norm(self, at),
            "Add" | "Sub" | "Mul" | "Div" => arithmetic::binary(self, at),
            "Relu" | "LeakyRelu" | "Clip" | "Sigmoid" | "HardSwish" => {
                let activation = arithmetic::activation(self, at)?;
                self.same(at, Op::Activate(activation))
            }
            "Softmax" => arithmetic::softmax(self, at),
            "Concat" => arithmetic::concat(self, at),
            "MaxPool" => pool::max(self, at),
            "AveragePool" => pool::average(self, at),
            "GlobalAveragePool" | "GlobalMaxPool" => pool::global(self, at),
            "ReduceMean" | "ReduceMax" => pool::reduce(self, at),
            "Resize" | "Upsample" => resize::resize(self, at),
            "Flatten" => reshape::flatten(self, at),
            "Reshape" => reshape::reshape(self, at),
            "Squeeze" => reshape::squeeze(self, at),
            "Unsqueeze" => reshape::unsqueeze(self, at),
            "Transpose" => reshape::transpose(self, at),
            "Pad" => reshape::pad(self, at),
            "Cast" => {
                at.ensure(at.int("to", 0) == FLOAT, "maps can only be cast to f32")?;
                self.rename(at)
            }
            "Identity" | "Dropout" => self.rename(at),
            _ => Err(self.unknown(node)),
        }
    }

    fn unknown(&self, node: &NodeProto<'a>) -> Error {
        let mut op = String::new();
        if !proto::is_onnx(node.domain) {
            op.push_str(node.domain);
            op.push('.');
        }
        op.push_str(node.op);
        Error::UnknownOperator { graph: Text::new(&self.graph.name), node: Text::new(node.label()), op: Text::new(&op) }
    }

    fn value(&mut self, name: &str) -> ValueId {
        self.graph.values.push(Value { name: name.to_owned() });
        ValueId(self.graph.values.len() as u32 - 1)
    }

    fn literal(&self, name: &str) -> Option<&Literal<'a>> {
        if let Some(Known::Literal(literal)) = self.known.get(name) { Some(literal) } else { None }
    }

    /// Input `index` as a map.
    pub fn map(&self, at: At<'_, 'a>, index: usize) -> Result<View, Error> {
        let name = at.node.inputs.get(index).copied().unwrap_or("");
        match self.known.get(name) {
            Some(Known::Map(view)) => Ok(*view),
            Some(Known::Literal(_)) => Err(at.fault("an input is a constant where a map is expected")),
            None => Err(at.fault("an input is missing, or made by a later node")),
        }
    }

    /// Input `index` as a map whose sides the file sees as batch, channels, height, width (or batch, channels).
    pub fn channels_first(&self, at: At<'_, 'a>, index: usize) -> Result<View, Error> {
        let view = self.map(at, index)?;
        at.ensure(view.axes == Axes::CHANNELS_FIRST, "it must work on batch, channels, height, width")?;
        Ok(view)
    }

    /// Input `index` as a constant; `None` if it is left out.
    pub fn constant(&self, at: At<'_, 'a>, index: usize) -> Result<Option<&Literal<'a>>, Error> {
        match at.node.inputs.get(index).copied().unwrap_or("") {
            "" => Ok(None),
            name => match self.known.get(name) {
                Some(Known::Literal(literal)) => Ok(Some(literal)),
                Some(Known::Map(_)) => Err(at.fault("an input must be a constant, but is computed from the image")),
                None => Err(at.fault("an input is missing, or made by a later node")),
            },
        }
    }

    /// Input `index` as a constant of the graph with `rank` sides; `None` if it is left out.
    pub fn weights(&mut self, at: At<'_, 'a>, index: usize, rank: usize) -> Result<Option<ConstantId>, Error> {
        let name = at.node.inputs.get(index).copied().unwrap_or("");
        if let Some(id) = self.taken.get(name) {
            at.ensure(self.graph.constant(*id).dims.len() == rank, "its weights have the wrong number of sides")?;
            return Ok(Some(*id));
        }
        let Some(literal) = self.constant(at, index)? else { return Ok(None) };
        let floats = literal.floats().ok_or_else(|| at.fault("its weights must be stored as f32"))?;
        at.ensure(literal.dims.len() == rank, "its weights have the wrong number of sides")?;
        at.ensure(!floats.is_empty(), "its weights are empty")?;
        if let Some(index) = floats.first_not_finite() {
            return Err(Error::NotFinite { node: Text::new(at.node.label()), index, value: floats.at(index) });
        }
        let constant = Constant { dims: literal.dims.clone(), data: floats.clone() };
        self.spend(constant.data.held(), at)?;
        let id = self.push_constant(constant);
        self.taken.insert(name, id);
        Ok(Some(id))
    }

    /// Adds numbers that were computed while reading.
    pub fn computed(&mut self, at: At<'_, 'a>, dims: Vec<usize>, data: Vec<f32>) -> Result<ConstantId, Error> {
        self.spend(data.len(), at)?;
        Ok(self.push_constant(Constant { dims, data: data.into() }))
    }

    fn push_constant(&mut self, constant: Constant<'a>) -> ConstantId {
        self.graph.constants.push(constant);
        ConstantId(self.graph.constants.len() as u32 - 1)
    }

    /// A constant that is in the graph already.
    pub fn numbers(&self, id: ConstantId) -> &Constant<'a> {
        self.graph.constant(id)
    }

    /// Takes numbers off the budget of what may be computed.
    pub fn spend(&mut self, numbers: usize, at: At<'_, 'a>) -> Result<(), Error> {
        match self.budget.checked_sub(numbers) {
            Some(rest) => {
                self.budget = rest;
                Ok(())
            }
            None => Err(at.fault("the file asks for too many computed constants")),
        }
    }

    /// Adds a node for the first output of `at`; returns the map that it makes.
    pub fn push(&mut self, at: At<'_, 'a>, op: Op, inputs: &[ValueId], axes: Axes) -> Result<(), Error> {
        let name = at.node.outputs.first().copied().unwrap_or("");
        let output = self.value(name);
        let label = at.node.label().to_owned();
        self.graph.nodes.push(Node { name: label, op, inputs: inputs.to_vec(), output });
        self.define(name, Known::Map(View { value: output, axes }))
    }

    /// Adds a node that does the same to every number of its first input.
    pub fn same(&mut self, at: At<'_, 'a>, op: Op) -> Result<(), Error> {
        let view = self.map(at, 0)?;
        self.push(at, op, &[view.value], view.axes)
    }

    /// The first output is another view of a map.
    pub fn alias(&mut self, at: At<'_, 'a>, view: View) -> Result<(), Error> {
        self.define(at.node.outputs.first().copied().unwrap_or(""), Known::Map(view))
    }

    fn rename(&mut self, at: At<'_, 'a>) -> Result<(), Error> {
        let view = self.map(at, 0)?;
        self.alias(at, view)
    }
}

/// Whether an input holds its channels last: the file says so by a last side of 1, 3 or 4 where the second is none of these, or
/// by nothing but transpositions to channels first behind it.
fn is_channels_last(port: &PortProto<'_>, nodes: &[NodeProto<'_>]) -> bool {
    let like_channels = |side: Option<&Option<i64>>| matches!(side, Some(Some(1 | 3 | 4)));
    if let Some(sides) = &port.sides
        && like_channels(sides.get(3)) != like_channels(sides.get(1))
    {
        return like_channels(sides.get(3));
    }
    let mut readers = nodes.iter().filter(|n| n.inputs.contains(&port.name)).peekable();
    let turns = |n: &NodeProto<'_>| n.op == "Transpose" && At { node: n, opset: 0 }.ints("perm") == Some(&[0, 3, 1, 2]);
    readers.peek().is_some() && readers.all(turns)
}
