//! The messages of an ONNX file that matter here. Field numbers: `onnx.proto3` of the ONNX project.

use super::literal::Literal;
use super::wire::{Fields, fault};
use crate::error::Error;
use crate::graph::limits::{MAX_EDGES, MAX_NODES};
use alloc::vec::Vec;

/// Oldest operator set that is read: batch normalisation and the others have their present meaning from there.
const OLDEST_OPSET: i64 = 7;
/// Newest operator set whose operators were compared with the ones here.
const NEWEST_OPSET: i64 = 25;

/// A file: its graph and the operator set that gives the nodes their meaning.
pub(super) struct ModelProto<'a> {
    pub graph: GraphProto<'a>,
    pub opset: i64,
}

pub(super) struct GraphProto<'a> {
    pub name: &'a str,
    pub nodes: Vec<NodeProto<'a>>,
    pub constants: Vec<(&'a str, Literal<'a>)>,
    pub inputs: Vec<PortProto<'a>>,
    pub outputs: Vec<PortProto<'a>>,
}

pub(super) struct NodeProto<'a> {
    name: &'a str,
    pub op: &'a str,
    pub domain: &'a str,
    pub inputs: Vec<&'a str>,
    pub outputs: Vec<&'a str>,
    pub attributes: Vec<AttributeProto<'a>>,
}

impl<'a> NodeProto<'a> {
    /// Its name, or its first output's where it has none.
    pub fn label(&self) -> &'a str {
        if self.name.is_empty() { self.outputs.first().copied().unwrap_or("") } else { self.name }
    }
}

#[derive(Default)]
pub(super) struct AttributeProto<'a> {
    pub name: &'a str,
    pub int: i64,
    pub float: f32,
    pub bytes: &'a [u8],
    pub ints: Vec<i64>,
    pub floats: Vec<f32>,
    pub tensor: Option<Literal<'a>>,
}

/// An input or output: name, element type and sides (`None` where open).
pub(super) struct PortProto<'a> {
    pub name: &'a str,
    pub element: i64,
    pub sides: Option<Vec<Option<i64>>>,
}

/// Reads a whole file.
pub(super) fn model(file: &[u8]) -> Result<ModelProto<'_>, Error> {
    const PLACE: &str = "model";
    let (mut graph_bytes, mut opset) = (None, None);
    let mut fields = Fields::new(file, PLACE);
    while let Some((number, wire)) = fields.next()? {
        match number {
            7 => graph_bytes = Some(wire.bytes(PLACE)?),
            8 => {
                let (domain, version) = operator_set(wire.bytes(PLACE)?)?;
                if is_onnx(domain) {
                    opset = Some(version);
                }
            }
            _ => {}
        }
    }
    let opset = opset.ok_or_else(|| fault(PLACE, "no operator set is named: not an ONNX file"))?;
    if !(OLDEST_OPSET..=NEWEST_OPSET).contains(&opset) {
        return Err(fault(PLACE, "the operator set must be 7 to 25"));
    }
    let graph = graph(graph_bytes.ok_or_else(|| fault(PLACE, "there is no graph"))?)?;
    Ok(ModelProto { graph, opset })
}

/// Whether a domain means ONNX's own operators.
pub(super) fn is_onnx(domain: &str) -> bool {
    domain.is_empty() || domain == "ai.onnx"
}

fn operator_set(message: &[u8]) -> Result<(&str, i64), Error> {
    const PLACE: &str = "operator set";
    let (mut domain, mut version) = ("", 0);
    let mut fields = Fields::new(message, PLACE);
    while let Some((number, wire)) = fields.next()? {
        match number {
            1 => domain = wire.text(PLACE)?,
            2 => version = wire.int(PLACE)?,
            _ => {}
        }
    }
    Ok((domain, version))
}

fn graph(message: &[u8]) -> Result<GraphProto<'_>, Error> {
    const PLACE: &str = "graph";
    let mut edges = 0;
    let mut graph = GraphProto { name: "", nodes: Vec::new(), constants: Vec::new(), inputs: Vec::new(), outputs: Vec::new() };
    let mut fields = Fields::new(message, PLACE);
    while let Some((number, wire)) = fields.next()? {
        match number {
            1 => {
                let node = node(wire.bytes(PLACE)?)?;
                edges += node.inputs.len();
                graph.nodes.push(node);
            }
            2 => graph.name = wire.text(PLACE)?,
            5 => graph.constants.push(Literal::read(wire.bytes(PLACE)?)?),
            11 => graph.inputs.push(port(wire.bytes(PLACE)?)?),
            12 => graph.outputs.push(port(wire.bytes(PLACE)?)?),
            15 => return Err(fault(PLACE, "sparse weights are not supported")),
            _ => {}
        }
        let most = graph.nodes.len().max(graph.constants.len()).max(graph.inputs.len()).max(graph.outputs.len());
        if edges > MAX_EDGES {
            return Err(fault(PLACE, "its nodes have more than 65536 inputs"));
        }
        if most > MAX_NODES {
            return Err(fault(PLACE, "more than 16384 nodes, weights, inputs or outputs"));
        }
    }
    Ok(graph)
}

fn node(message: &[u8]) -> Result<NodeProto<'_>, Error> {
    const PLACE: &str = "node";
    let mut node = NodeProto { name: "", op: "", domain: "", inputs: Vec::new(), outputs: Vec::new(), attributes: Vec::new() };
    let mut fields = Fields::new(message, PLACE);
    while let Some((number, wire)) = fields.next()? {
        match number {
            1 => node.inputs.push(wire.text(PLACE)?),
            2 => node.outputs.push(wire.text(PLACE)?),
            3 => node.name = wire.text(PLACE)?,
            4 => node.op = wire.text(PLACE)?,
            5 => node.attributes.push(attribute(wire.bytes(PLACE)?)?),
            7 => node.domain = wire.text(PLACE)?,
            _ => {}
        }
        if node.inputs.len().max(node.outputs.len()).max(node.attributes.len()) > MAX_NODES {
            return Err(fault(PLACE, "more than 16384 inputs, outputs or attributes"));
        }
    }
    Ok(node)
}

fn attribute(message: &[u8]) -> Result<AttributeProto<'_>, Error> {
    const PLACE: &str = "attribute";
    let mut attribute = AttributeProto::default();
    let mut fields = Fields::new(message, PLACE);
    while let Some((number, wire)) = fields.next()? {
        match number {
            1 => attribute.name = wire.text(PLACE)?,
            2 => attribute.float = wire.float(PLACE)?,
            3 => attribute.int = wire.int(PLACE)?,
            4 => attribute.bytes = wire.bytes(PLACE)?,
            5 => attribute.tensor = Some(Literal::read(wire.bytes(PLACE)?)?.1),
            7 => wire.push_floats(&mut attribute.floats, PLACE)?,
            8 => wire.push_ints(&mut attribute.ints, PLACE)?,
            // A graph inside a node (If, Loop) belongs to operators that are refused by name; it is not opened.
            _ => {}
        }
    }
    Ok(attribute)
}

/// `ValueInfoProto { name: 1, type: 2 { tensor_type: 1 { elem_type: 1, shape: 2 { dim: 1 { dim_value: 1 } } } } }`
fn port(message: &[u8]) -> Result<PortProto<'_>, Error> {
    const PLACE: &str = "graph input or output";
    let mut port = PortProto { name: "", element: 0, sides: None };
    let mut kind = None;
    let mut fields = Fields::new(message, PLACE);
    while let Some((number, wire)) = fields.next()? {
        match number {
            1 => port.name = wire.text(PLACE)?,
            2 => kind = Some(wire.bytes(PLACE)?),
            _ => {}
        }
    }
    let Some(tensor) = kind.map(|kind| message_field(kind, 1, PLACE)).transpose()?.flatten() else { return Ok(port) };
    let mut fields = Fields::new(tensor, PLACE);
    while let Some((number, wire)) = fields.next()? {
        match number {
            1 => port.element = wire.int(PLACE)?,
            2 => port.sides = Some(sides(wire.bytes(PLACE)?)?),
            _ => {}
        }
    }
    Ok(port)
}

fn sides(shape: &[u8]) -> Result<Vec<Option<i64>>, Error> {
    const PLACE: &str = "shape";
    let mut sides = Vec::new();
    let mut fields = Fields::new(shape, PLACE);
    while let Some((number, wire)) = fields.next()? {
        if number == 1 {
            let mut side = None;
            let mut dim = Fields::new(wire.bytes(PLACE)?, PLACE);
            while let Some((number, wire)) = dim.next()? {
                if number == 1 {
                    side = Some(wire.int(PLACE)?);
                }
            }
            sides.push(side);
        }
    }
    Ok(sides)
}

/// The last field of that number inside a message.
fn message_field<'a>(message: &'a [u8], wanted: u64, place: &'static str) -> Result<Option<&'a [u8]>, Error> {
    let mut found = None;
    let mut fields = Fields::new(message, place);
    while let Some((number, wire)) = fields.next()? {
        if number == wanted {
            found = Some(wire.bytes(place)?);
        }
    }
    Ok(found)
}
