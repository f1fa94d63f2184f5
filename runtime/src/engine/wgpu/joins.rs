//! How the parts of joined maps lie side by side.

use super::places::BLOCK;
use crate::graph::{Graph, Node, Op, Shapes, ValueId};
use alloc::vec;
use alloc::vec::Vec;

/// For each value, whether it is a joined map whose parts each begin with a block, so that all can be made in place: where only
/// dense convolutions read it, which skip the gaps through weights of zero.
pub(super) fn spaced(graph: &Graph<'_>, shapes: &Shapes) -> Vec<bool> {
    let mut spaced = vec![false; graph.values().len()];
    let given_out = |value: ValueId| graph.outputs().iter().any(|port| port.value == value);
    for node in graph.nodes().iter().filter(|n| n.op == Op::Concat && !given_out(n.output)) {
        let mut readers = graph.nodes().iter().filter(|n| n.inputs.contains(&node.output));
        let skips_gaps = |n: &Node| matches!(&n.op, Op::Conv(conv) if conv.groups == 1);
        let ragged = node.inputs.iter().any(|v| !shapes.of(*v).channels.is_multiple_of(BLOCK));
        spaced[node.output.index()] = ragged && readers.all(skips_gaps);
    }
    spaced
}

/// First lane of each part of a joined map.
pub(super) fn starts(shapes: &Shapes, node: &Node, spaced: bool) -> Vec<usize> {
    let mut next = 0usize;
    let mut place = |value: &ValueId| {
        let start = next;
        next += shapes.of(*value).channels;
        next = if spaced { next.next_multiple_of(BLOCK) } else { next };
        start
    };
    node.inputs.iter().map(&mut place).collect()
}

/// The lane of every channel of each map with gaps; `None` for others, whose channels lie side by side.
pub(super) fn lanes(graph: &Graph<'_>, shapes: &Shapes) -> Vec<Option<Vec<usize>>> {
    let spaced = spaced(graph, shapes);
    let mut lanes = vec![None; graph.values().len()];
    for node in graph.nodes().iter().filter(|n| spaced[n.output.index()]) {
        let starts = starts(shapes, node, true);
        let part = |(value, start): (&ValueId, usize)| start..start + shapes.of(*value).channels;
        lanes[node.output.index()] = Some(node.inputs.iter().zip(starts).flat_map(part).collect());
    }
    lanes
}
