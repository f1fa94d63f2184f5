//! `x * sigmoid(x)` as one operator.

use crate::graph::{Activation, Graph, Op};

/// Replaces a product of a map with its own sigmoid by [`Activation::Silu`].
pub(super) fn join_silu(graph: &mut Graph<'_>) {
    let mut index = 0;
    while index < graph.nodes.len() {
        let gate = gate(graph, index);
        if let Some((sigmoid, x)) = gate {
            graph.nodes[index].op = Op::Activate(Activation::Silu);
            graph.nodes[index].inputs = alloc::vec![x];
            graph.nodes.remove(sigmoid);
        } else {
            index += 1;
        }
    }
}

/// The sigmoid node of a product and the map that it is of, if that is the product's other factor.
fn gate(graph: &Graph<'_>, product: usize) -> Option<(usize, crate::graph::ValueId)> {
    let node = &graph.nodes[product];
    let (Op::Mul, &[a, b]) = (&node.op, node.inputs.as_slice()) else { return None };
    [(a, b), (b, a)].into_iter().find_map(|(x, gate)| {
        let maker = graph.only_for(gate, product)?;
        let sigmoid = &graph.nodes[maker];
        (sigmoid.op == Op::Activate(Activation::Sigmoid) && sigmoid.inputs == [x]).then_some((maker, x))
    })
}
