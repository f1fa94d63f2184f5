//! The order in which edge types are grouped.

use crate::skeleton::Skeleton;
use alloc::vec;
use alloc::vec::Vec;

/// Indices of the skeleton's edges in breadth-first order from its root (SLEAP: `toposort_edges`).
///
/// The root is the first node without incoming edge, nodes being taken in the order in which edges name them; children
/// come in edge order. An edge that is not part of that tree (second parent of a node, other roots or components,
/// repeated) is left out and takes no part in grouping. A skeleton in which every node has an incoming edge is cyclic:
/// SLEAP fails on it, here the source of the first edge is the root.
pub fn edge_order(skeleton: &Skeleton) -> Vec<usize> {
    let edges = &skeleton.edges;
    let is_root = |node: u16| edges.iter().all(|e| e.1 != node);
    let named = edges.iter().flat_map(|e| [e.0, e.1]);
    let Some(root) = named.into_iter().find(|&node| is_root(node)).or(edges.first().map(|e| e.0)) else {
        return Vec::new();
    };
    let mut reached = vec![false; skeleton.nodes.len()];
    let mut reach = |node: u16| reached.get_mut(usize::from(node)).is_some_and(|r| !core::mem::replace(r, true));
    reach(root);
    let mut queue = vec![root];
    let mut order = Vec::new();
    let mut next = 0;
    while let Some(&node) = queue.get(next) {
        next += 1;
        for (i, edge) in edges.iter().enumerate() {
            if edge.0 == node && reach(edge.1) {
                order.push(i);
                queue.push(edge.1);
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn order(nodes: usize, edges: &[(u16, u16)]) -> Vec<usize> {
        let nodes = (0..nodes).map(|i| i.to_string()).collect();
        edge_order(&Skeleton { name: "s".into(), nodes, edges: edges.to_vec(), symmetries: Vec::new() })
    }

    #[test]
    fn a_tree_is_walked_breadth_first() {
        // 2 -> {0, 3}, 0 -> 1, 3 -> 4; the deep edge comes first in the file.
        assert_eq!(order(5, &[(0, 1), (2, 0), (3, 4), (2, 3)]), [1, 3, 0, 2]);
    }

    #[test]
    fn no_edges_give_no_order() {
        assert!(order(1, &[]).is_empty());
    }

    #[test]
    fn a_second_parent_and_repeated_edges_are_left_out() {
        assert_eq!(order(4, &[(0, 1), (0, 2), (1, 3), (2, 3), (0, 1)]), [0, 1, 2]);
    }

    #[test]
    fn of_several_roots_the_first_named_counts() {
        assert_eq!(order(5, &[(3, 4), (0, 1), (1, 4)]), [0]);
        assert_eq!(order(5, &[(1, 2), (0, 1), (3, 4)]), [1, 0]);
    }

    #[test]
    fn cycles_end() {
        // No root at all: the source of the first edge.
        assert_eq!(order(3, &[(1, 2), (2, 0), (0, 1)]), [0, 1]);
        // A root that leads into a cycle.
        assert_eq!(order(3, &[(1, 2), (2, 1), (0, 1)]), [2, 0]);
    }
}
