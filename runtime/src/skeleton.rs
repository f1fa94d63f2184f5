//! What an animal consists of: named nodes, directed edges between them, and left-right symmetries.

use crate::error::Error;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Nodes in channel order of the confidence maps, edges in channel order of the part affinity fields.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Skeleton {
    /// Name of the skeleton, for people.
    pub name: String,
    /// Node names, unique, in confidence-map channel order.
    pub nodes: Vec<String>,
    /// Directed edges (source node, destination node); edge `e` owns affinity channels `2e` (x) and `2e + 1` (y).
    pub edges: Vec<(u16, u16)>,
    /// Unordered pairs of nodes that a mirror swaps.
    pub symmetries: Vec<(u16, u16)>,
}

impl Skeleton {
    /// Largest number of nodes that a bundle may hold.
    pub const MAX_NODES: usize = 256;
    /// Largest number of edges that a bundle may hold.
    pub const MAX_EDGES: usize = 512;

    /// Checks counts, unique names and index ranges.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] naming the rule that is broken.
    pub fn validate(&self) -> Result<(), Error> {
        let fail = |what| Err(Error::InvalidConfig { field: "skeleton", what });
        if self.nodes.is_empty() || self.nodes.len() > Self::MAX_NODES {
            return fail("needs 1 to 256 nodes");
        }
        if self.edges.len() > Self::MAX_EDGES {
            return fail("has more than 512 edges");
        }
        if self.symmetries.len() > Self::MAX_NODES {
            return fail("has more symmetries than nodes allow");
        }
        let unique = self.nodes.iter().enumerate().all(|(i, name)| !self.nodes[..i].contains(name));
        if !unique || self.nodes.iter().any(String::is_empty) {
            return fail("node names must be unique and not empty");
        }
        let count = self.nodes.len();
        let pairs = self.edges.iter().chain(&self.symmetries);
        for &(a, b) in pairs {
            if usize::from(a) >= count || usize::from(b) >= count {
                return fail("an edge or symmetry names a node that does not exist");
            }
            if a == b {
                return fail("an edge or symmetry joins a node with itself");
            }
        }
        Ok(())
    }

    /// Index of the node called `name`.
    pub fn node_index(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|n| n == name)
    }

    /// For every node the node that a mirror puts in its place (itself if it has no partner).
    pub fn mirrored_nodes(&self) -> Vec<usize> {
        let mut mirrored: Vec<usize> = (0..self.nodes.len()).collect();
        for &(a, b) in &self.symmetries {
            mirrored[usize::from(a)] = usize::from(b);
            mirrored[usize::from(b)] = usize::from(a);
        }
        mirrored
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skeleton() -> Skeleton {
        Skeleton {
            name: "fly".into(),
            nodes: ["head", "wingL", "wingR"].map(String::from).to_vec(),
            edges: [(0, 1), (0, 2)].to_vec(),
            symmetries: [(1, 2)].to_vec(),
        }
    }

    #[test]
    fn accepts_a_good_one_and_mirrors_it() {
        assert_eq!(skeleton().validate(), Ok(()));
        assert_eq!(skeleton().mirrored_nodes(), [0, 2, 1]);
        assert_eq!(skeleton().node_index("wingR"), Some(2));
    }

    #[test]
    fn refuses_what_breaks_a_rule() {
        let mut s = skeleton();
        s.edges.push((0, 3));
        assert!(s.validate().is_err());
        let mut s = skeleton();
        s.nodes[1] = "head".into();
        assert!(s.validate().is_err());
        let mut s = skeleton();
        s.symmetries.push((2, 2));
        assert!(s.validate().is_err());
        assert!(Skeleton::default().validate().is_err());
    }
}
