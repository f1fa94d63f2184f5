//! What an estimation gives: the animals of one frame, in a buffer that is reused from frame to frame.

use crate::geometry::ImagePoint;
use alloc::vec::Vec;

/// One body part of one animal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Keypoint {
    /// Where it is; [`ImagePoint::MISSING`] if it was not found.
    pub position: ImagePoint,
    /// Confidence-map value at the peak (about 0 to 1, not clamped), 0 if it was not found.
    pub score: f32,
}

impl Keypoint {
    /// A part that was not found.
    pub const MISSING: Self = Self { position: ImagePoint::MISSING, score: 0.0 };

    /// Whether the part was found.
    pub fn is_visible(&self) -> bool {
        self.position.is_finite()
    }
}

/// What did not fit into the planned capacities while one frame was decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Overflow {
    /// Peaks dropped because a node had more than `max_peaks` (the weakest go).
    pub peaks: u32,
    /// Instances dropped because there were more than `max_instances` (the lowest scores go).
    pub instances: u32,
}

/// All animals of one frame. Instance `i` has one [`Keypoint`] per node of the skeleton.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Poses {
    nodes: usize,
    scores: Vec<f32>,
    keypoints: Vec<Keypoint>,
    overflow: Overflow,
}

/// One animal, borrowed from [`Poses`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Instance<'a> {
    /// Sum of the scores of its edges (bottom-up) or of its nodes (single instance); finite, not bounded.
    pub score: f32,
    /// One entry per skeleton node, in skeleton order.
    pub keypoints: &'a [Keypoint],
}

impl Poses {
    /// An empty buffer for `nodes` parts that holds `max_instances` animals without growing.
    pub fn with_capacity(nodes: usize, max_instances: usize) -> Self {
        Self {
            nodes,
            scores: Vec::with_capacity(max_instances),
            keypoints: Vec::with_capacity(nodes * max_instances),
            overflow: Overflow::default(),
        }
    }

    /// Parts of each animal.
    pub fn nodes(&self) -> usize {
        self.nodes
    }

    /// Number of animals.
    pub fn len(&self) -> usize {
        self.scores.len()
    }

    /// Whether no animal was found.
    pub fn is_empty(&self) -> bool {
        self.scores.is_empty()
    }

    /// Animal `index`, if there is one.
    pub fn get(&self, index: usize) -> Option<Instance<'_>> {
        let score = *self.scores.get(index)?;
        let keypoints = self.keypoints.get(index * self.nodes..(index + 1) * self.nodes)?;
        Some(Instance { score, keypoints })
    }

    /// All animals, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Instance<'_>> {
        let nodes = self.nodes;
        self.scores
            .iter()
            .enumerate()
            .map(move |(i, &score)| Instance { score, keypoints: &self.keypoints[i * nodes..(i + 1) * nodes] })
    }

    /// What did not fit while this frame was decoded.
    pub fn overflow(&self) -> Overflow {
        self.overflow
    }

    /// Empties the buffer and keeps its memory.
    pub fn clear(&mut self) {
        self.scores.clear();
        self.keypoints.clear();
        self.overflow = Overflow::default();
    }

    /// Appends an animal with all parts missing and returns its parts to be filled in.
    pub fn push(&mut self, score: f32) -> &mut [Keypoint] {
        self.scores.push(score);
        let start = self.keypoints.len();
        self.keypoints.resize(start + self.nodes, Keypoint::MISSING);
        &mut self.keypoints[start..]
    }

    /// Records what did not fit.
    pub fn set_overflow(&mut self, overflow: Overflow) {
        self.overflow = overflow;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffer_is_reused() {
        let mut poses = Poses::with_capacity(2, 3);
        poses.push(1.5)[1] = Keypoint { position: ImagePoint { x_px: 1.0, y_px: 2.0 }, score: 0.5 };
        poses.push(0.5);
        assert_eq!(poses.len(), 2);
        let first = poses.get(0).unwrap();
        assert!(!first.keypoints[0].is_visible() && first.keypoints[1].is_visible());
        assert_eq!(poses.iter().map(|i| i.score).sum::<f32>(), 2.0);
        poses.clear();
        assert!(poses.is_empty() && poses.get(0).is_none());
    }
}
