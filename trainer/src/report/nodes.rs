//! How often each part was labelled.

use super::frame_sizes::FrameSize;
use crate::dataset::LabelInstance;
use serde::Serialize;

/// One node over all counted animals: `usable + hidden + missing` is the number of animals.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct NodeCounts {
    /// Name.
    pub name: String,
    /// Placed and visible: these train a model.
    pub usable: usize,
    /// Placed but marked as not visible: trained as absent (SLEAP's rule).
    pub hidden: usize,
    /// Not placed, or absurdly far away.
    pub missing: usize,
    /// Usable ones that lie outside the frame, where its size is known.
    pub outside: usize,
}

impl NodeCounts {
    /// Empty counts of the named nodes.
    pub(super) fn named(names: &[String]) -> Vec<Self> {
        names.iter().map(|name| Self { name: name.clone(), ..Self::default() }).collect()
    }

    /// Share of animals in which the node is usable, 0 to 1; 0 without animals.
    pub fn usable_share(&self) -> f64 {
        self.usable as f64 / (self.usable + self.hidden + self.missing).max(1) as f64
    }
}

/// Adds one animal to the counts of its nodes.
pub(super) fn count(nodes: &mut [NodeCounts], animal: &LabelInstance, frame: Option<FrameSize>) {
    for (index, node) in nodes.iter_mut().enumerate() {
        match animal.points.get(index) {
            Some(point) if point.is_usable() => {
                node.usable += 1;
                node.outside += usize::from(frame.is_some_and(|f| !f.holds(point.x_px, point.y_px)));
            }
            Some(point) if point.is_placed() && !point.is_absurd() => node.hidden += 1,
            _ => node.missing += 1,
        }
    }
}
