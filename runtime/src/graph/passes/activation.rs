//! Activations as part of the convolution before them.

use crate::graph::{Activation, Graph, Op};

/// Moves every activation into the convolution that makes its input, where nothing else reads that.
pub(super) fn join_activations(graph: &mut Graph<'_>) {
    let mut index = 0;
    while index < graph.nodes.len() {
        if join(graph, index).is_none() {
            index += 1;
        }
    }
}

fn join(graph: &mut Graph<'_>, index: usize) -> Option<()> {
    let Op::Activate(activation) = graph.nodes[index].op else { return None };
    let maker = graph.only_for(*graph.nodes[index].inputs.first()?, index)?;
    let slot = match &mut graph.nodes[maker].op {
        Op::Conv(conv) => &mut conv.activation,
        Op::ConvTranspose(conv) => &mut conv.activation,
        _ => return None,
    };
    if *slot != Activation::None {
        return None;
    }
    *slot = activation;
    graph.merge(maker, index);
    Some(())
}
