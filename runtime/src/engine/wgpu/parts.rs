//! When each map lives, and which maps are made inside a joined one.

use super::fuse::Pooled;
use super::joins::{spaced, starts};
use super::places::BLOCK;
use crate::graph::{Graph, Op, Shapes, ValueId};
use alloc::vec;
use alloc::vec::Vec;

/// For each value the outermost joined map that it is part of, and its first channel there.
pub(super) type Parts = Vec<Option<(ValueId, usize)>>;

/// First and last node during which each value must keep its place: its maker (0 for inputs) and its last reader (one beyond the
/// last node for outputs); a joined map lives as soon as its first part. A pooled map is made with the map before it and shares its
/// buffer, so that both live together.
pub(super) fn lifetimes(graph: &Graph<'_>, parts: &Parts, pools: &[Option<Pooled>]) -> Vec<Option<[usize; 2]>> {
    let mut lives = vec![None; graph.values().len()];
    for port in graph.inputs() {
        lives[port.value.index()] = Some([0, 0]);
    }
    for (index, node) in graph.nodes().iter().enumerate() {
        lives[node.output.index()] = Some([index, index]);
    }
    let read = graph.nodes().iter().enumerate().flat_map(|(index, n)| n.inputs.iter().map(move |v| (*v, index)));
    let given_out = graph.outputs().iter().map(|o| (o.value, graph.nodes().len()));
    let ends: Vec<_> = read.chain(given_out).collect();
    for (value, last) in ends {
        if let Some(life) = &mut lives[value.index()] {
            life[1] = life[1].max(last);
        }
    }
    for (index, pooled) in pools.iter().enumerate() {
        if let (Some(pooled), Some(full)) = (pooled, lives[index])
            && let Some(life) = &mut lives[pooled.value.index()]
        {
            *life = [full[0], full[1].max(life[1])];
            lives[index] = Some(*life);
        }
    }
    for index in 0..lives.len() {
        if let (Some((whole, _)), Some(part)) = (parts[index], lives[index])
            && let Some(life) = &mut lives[whole.index()]
        {
            *life = [life[0].min(part[0]), life[1].max(part[1])];
        }
    }
    lives
}

/// The maps that are made in place in a joined one: made by a node, no outputs themselves, whole blocks at a whole block, or what
/// has a gap behind it. Not those
/// that a dispatch would have to write while it reads the same buffer: a part that is made from another part, and one that the
/// joined map has a second time.
pub(super) fn parts(graph: &Graph<'_>, shapes: &Shapes) -> Parts {
    let mut parents: Parts = vec![None; graph.values().len()];
    let outside: Vec<ValueId> = graph.inputs().iter().chain(graph.outputs()).map(|port| port.value).collect();
    let spaced = spaced(graph, shapes);
    for node in graph.nodes().iter().filter(|n| n.op == Op::Concat) {
        let spaced = spaced[node.output.index()];
        for (value, channel) in node.inputs.iter().zip(starts(shapes, node, spaced)) {
            let channels = shapes.of(*value).channels;
            let whole = channel.is_multiple_of(BLOCK) && (spaced || channels.is_multiple_of(BLOCK));
            if whole && !outside.contains(value) && parents[value.index()].is_none() {
                parents[value.index()] = Some((node.output, channel));
            }
        }
    }
    let mut parts: Parts = (0..parents.len()).map(|index| outermost(&parents, parents[index])).collect();
    for node in graph.nodes() {
        let (whole, first) = parts[node.output.index()].unwrap_or((node.output, 0));
        if node.op != Op::Concat {
            if node.inputs.iter().any(|v| parts[v.index()].is_some_and(|(other, _)| other == whole)) {
                parts[node.output.index()] = None;
            }
            continue;
        }
        for (value, start) in node.inputs.iter().zip(starts(shapes, node, spaced[node.output.index()])) {
            if parts[value.index()].is_some_and(|(other, at)| other == whole && at != first + start) {
                parts[value.index()] = None;
            }
        }
    }
    parts
}

fn outermost(parents: &Parts, parent: Option<(ValueId, usize)>) -> Option<(ValueId, usize)> {
    let (mut joined, mut channel) = parent?;
    // Every step leads to a later node, so that this ends.
    while let Some((outer, within)) = parents[joined.index()] {
        (joined, channel) = (outer, channel + within);
    }
    Some((joined, channel))
}
