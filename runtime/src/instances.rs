//! What an estimation gives: the animals of one frame, in a buffer that is reused from frame to frame.

use crate::geometry::ImagePoint;
use alloc::string::String;
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

/// Which known individual an animal is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Identity<'a> {
    /// Index of the class, in the order of the model's class names.
    pub class: usize,
    /// Name of the class.
    pub name: &'a str,
    /// Class probability, 0 to 1 where the network keeps to that; finite.
    pub score: f32,
}

/// All animals of one frame. Instance `i` has one [`Keypoint`] per node of the skeleton.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Poses {
    nodes: usize,
    scores: Vec<f32>,
    keypoints: Vec<Keypoint>,
    /// Class and score of each animal that has one.
    classes: Vec<Option<(usize, f32)>>,
    class_names: Vec<String>,
    overflow: Overflow,
}

/// One animal, borrowed from [`Poses`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Instance<'a> {
    /// Sum of the scores of its edges (bottom-up) or of its nodes (single instance), score of its centroid (top-down), or
    /// mean score of its nodes (bottom-up with identity); finite, not bounded.
    pub score: f32,
    /// One entry per skeleton node, in skeleton order.
    pub keypoints: &'a [Keypoint],
    /// Who it is, for models that know individuals and if it was recognised.
    pub identity: Option<Identity<'a>>,
}

impl Poses {
    /// An empty buffer for `nodes` parts that holds `max_instances` animals without growing.
    pub fn with_capacity(nodes: usize, max_instances: usize) -> Self {
        Self {
            nodes,
            scores: Vec::with_capacity(max_instances),
            keypoints: Vec::with_capacity(nodes * max_instances),
            classes: Vec::with_capacity(max_instances),
            class_names: Vec::new(),
            overflow: Overflow::default(),
        }
    }

    /// The same for animals that can be one of `class_names`.
    pub fn with_classes(nodes: usize, max_instances: usize, class_names: &[String]) -> Self {
        Self { class_names: class_names.to_vec(), ..Self::with_capacity(nodes, max_instances) }
    }

    /// Parts of each animal.
    pub fn nodes(&self) -> usize {
        self.nodes
    }

    /// Names of the individuals that the model knows; empty for models that know none.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
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
        Some(Instance { score, keypoints, identity: self.identity(index) })
    }

    fn identity(&self, index: usize) -> Option<Identity<'_>> {
        let (class, score) = self.classes.get(index).copied().flatten()?;
        let name = self.class_names.get(class).map_or("", String::as_str);
        Some(Identity { class, name, score })
    }

    /// All animals, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Instance<'_>> {
        let nodes = self.nodes;
        self.scores.iter().enumerate().map(move |(i, &score)| Instance {
            score,
            keypoints: &self.keypoints[i * nodes..(i + 1) * nodes],
            identity: self.identity(i),
        })
    }

    /// What did not fit while this frame was decoded.
    pub fn overflow(&self) -> Overflow {
        self.overflow
    }

    /// Empties the buffer and keeps its memory.
    pub fn clear(&mut self) {
        self.scores.clear();
        self.keypoints.clear();
        self.classes.clear();
        self.overflow = Overflow::default();
    }

    /// Appends an animal with all parts missing and returns its parts to be filled in.
    pub fn push(&mut self, score: f32) -> &mut [Keypoint] {
        self.scores.push(score);
        self.classes.push(None);
        let start = self.keypoints.len();
        self.keypoints.resize(start + self.nodes, Keypoint::MISSING);
        &mut self.keypoints[start..]
    }

    /// Says which class animal `index` is, with what score; an animal that is not there is ignored.
    pub fn set_class(&mut self, index: usize, class: usize, score: f32) {
        if let Some(slot) = self.classes.get_mut(index) {
            *slot = Some((class, score));
        }
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

    #[test]
    fn animals_have_names_if_the_model_knows_some() {
        let mut poses = Poses::with_classes(1, 2, &["f".into(), "m".into()]);
        poses.push(1.0);
        poses.push(2.0);
        poses.set_class(1, 1, 0.75);
        poses.set_class(2, 0, 0.5);
        let names: Vec<_> = poses.iter().map(|i| i.identity.map(|id| (id.name, id.score))).collect();
        assert_eq!(names, [None, Some(("m", 0.75))]);
        poses.clear();
        poses.push(1.0);
        assert_eq!(poses.get(0).unwrap().identity, None);
    }
}
