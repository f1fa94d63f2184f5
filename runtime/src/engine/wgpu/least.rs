//! The fewest bytes that a network can move layer by layer: what the plan is measured against.

use crate::engine::Precision;
use crate::graph::{ConstantId, Graph, Node, Op, Shapes, ValueId};
use alloc::vec;
use alloc::vec::Vec;

/// Bytes of one image when every layer reads each of its inputs and its weights once and writes its output once, and nothing else
/// moves. Layers are all nodes but joins, resizes and max-pools, which some layer beside them can do on its way: a joined or
/// enlarged map is read where its parts lie, at their own size; a pooled map is written by the layer that makes the map before it,
/// which is written itself only if a layer reads it or it is an output. Outputs are written once. Channels are counted without
/// filling up blocks.
///
/// This is the least for plans that run one layer after another: each number that one layer makes and another reads passes through
/// memory. Plans that compute several layers tile by tile move less and compute the rims of the tiles more than once.
///
/// Numbers have the bytes of the precision, but 4 in the image, in the maps `wide`, and in constants that are no weights.
pub(super) fn least_bytes(graph: &Graph<'_>, shapes: &Shapes, precision: Precision, wide: &[ValueId]) -> u64 {
    let mut makers: Vec<Option<&Node>> = vec![None; graph.values().len()];
    for node in graph.nodes() {
        makers[node.output.index()] = Some(node);
    }
    let mut stored = vec![false; graph.values().len()];
    let image = |v: ValueId| graph.inputs().iter().any(|port| port.value == v);
    let number_bytes = |v: ValueId| if image(v) || wide.contains(&v) { size_of::<f32>() } else { precision.number_bytes() };
    let map_bytes = |v: &ValueId| shapes.of(*v).numbers() * number_bytes(*v);
    let mut bytes = 0;
    for node in graph.nodes().iter().filter(|n| !matches!(n.op, Op::Concat | Op::Resize(_) | Op::MaxPool(_))) {
        let mut read = Vec::new();
        for value in &node.inputs {
            sources(&makers, shapes, *value, &mut read);
        }
        read.sort_unstable();
        read.dedup();
        bytes += read.iter().map(map_bytes).sum::<usize>();
        let len = |id: &ConstantId| graph.constant(*id).data.len();
        bytes += weight(node).iter().map(len).sum::<usize>() * precision.number_bytes();
        bytes += others(node).iter().map(len).sum::<usize>() * size_of::<f32>();
        for value in read {
            stored[value.index()] = true;
        }
    }
    for port in graph.outputs() {
        stored[port.value.index()] = true;
    }
    let written = graph.nodes().iter().map(|n| n.output).filter(|v| stored[v.index()]);
    bytes += written.map(|v| map_bytes(&v)).sum::<usize>();
    bytes as u64
}

/// The maps that must lie in memory for a value to be read: its parts, and what it is enlarged from.
fn sources(makers: &[Option<&Node>], shapes: &Shapes, value: ValueId, found: &mut Vec<ValueId>) {
    let larger = |node: &Node| node.inputs.iter().all(|v| shapes.of(*v).numbers() <= shapes.of(value).numbers());
    match makers[value.index()] {
        Some(node) if node.op == Op::Concat || matches!(node.op, Op::Resize(_)) && larger(node) => {
            for input in &node.inputs {
                sources(makers, shapes, *input, found);
            }
        }
        _ => found.push(value),
    }
}

/// The weights of a node.
fn weight(node: &Node) -> Option<ConstantId> {
    match &node.op {
        Op::Conv(conv) => Some(conv.weight),
        Op::ConvTranspose(conv) => Some(conv.weight),
        _ => None,
    }
}

/// Its other constants.
fn others(node: &Node) -> Vec<ConstantId> {
    match &node.op {
        Op::Conv(conv) => conv.bias.into_iter().collect(),
        Op::ConvTranspose(conv) => conv.bias.into_iter().collect(),
        Op::ScaleShift { scale, shift } => vec![*scale, *shift],
        _ => Vec::new(),
    }
}
