//! What no output needs.

use crate::graph::{Floats, Graph, Op};
use alloc::vec;
use alloc::vec::Vec;

/// Takes away nodes that no output depends on, and the numbers of constants that no node names.
pub(super) fn remove_dead(graph: &mut Graph<'_>) {
    let makers = graph.makers();
    let mut needed = vec![false; graph.nodes.len()];
    let mut open: Vec<_> = graph.outputs.iter().filter_map(|o| makers[o.value.index()]).collect();
    while let Some(index) = open.pop() {
        if !core::mem::replace(&mut needed[index], true) {
            open.extend(graph.nodes[index].inputs.iter().filter_map(|v| makers[v.index()]));
        }
    }
    let mut index = 0;
    graph.nodes.retain(|_| {
        index += 1;
        needed[index - 1]
    });
    let mut named = vec![false; graph.constants.len()];
    for node in &graph.nodes {
        let ids = match &node.op {
            Op::Conv(conv) => [Some(conv.weight), conv.bias],
            Op::ConvTranspose(conv) => [Some(conv.weight), conv.bias],
            Op::ScaleShift { scale, shift } => [Some(*scale), Some(*shift)],
            _ => [None, None],
        };
        ids.into_iter().flatten().for_each(|id| named[id.index()] = true);
    }
    for (constant, _) in graph.constants.iter_mut().zip(named).filter(|(_, named)| !named) {
        constant.dims = vec![0];
        constant.data = Floats::EMPTY;
    }
}
