//! The parts of one animal: the refined global peak of every map.

use crate::config::PeakConfig;
use crate::decode::{Peak, global_peak, refine_peak};
use crate::geometry::ImagePoint;
use crate::instances::Keypoint;
use crate::tensor::Maps;
use alloc::vec;
use alloc::vec::Vec;

/// Finds the parts of one animal, with its working memory.
#[derive(Debug, Clone)]
pub(super) struct GlobalPeaks {
    stride_px: f32,
    config: PeakConfig,
    peaks: Vec<Option<Peak>>,
}

impl GlobalPeaks {
    /// Plans for maps of `nodes` channels with cells of `stride_px` input pixels.
    pub fn new(nodes: usize, stride_px: u32, config: PeakConfig) -> Self {
        Self { stride_px: stride_px as f32, config, peaks: vec![None; nodes] }
    }

    /// Looks for every node; whether any reaches the threshold. Channels beyond the planned ones are ignored.
    pub fn find(&mut self, confmaps: &Maps<'_>) -> bool {
        self.peaks.fill(None);
        for (node, slot) in self.peaks.iter_mut().enumerate().take(confmaps.channels()) {
            *slot = global_peak(confmaps, node, self.config.threshold)
                .map(|peak| refine_peak(confmaps, node, self.config.refinement, peak));
        }
        self.peaks.iter().any(Option::is_some)
    }

    /// Takes over what an engine found: one list of at most one peak for each node, and no list beyond these; whether there is any.
    pub fn take<'a>(&mut self, lists: impl Iterator<Item = &'a [[f32; 3]]>) -> bool {
        self.peaks.fill(None);
        for (slot, list) in self.peaks.iter_mut().zip(lists) {
            *slot = list.first().map(|&[x, y, value]| Peak { x, y, value });
        }
        self.peaks.iter().any(Option::is_some)
    }

    /// Sum of the values of the nodes found, kept finite.
    pub fn sum(&self) -> f32 {
        let sum: f32 = self.peaks.iter().flatten().map(|p| p.value).sum();
        sum.clamp(f32::MIN, f32::MAX)
    }

    /// Puts the nodes found into `keypoints`; `to_image` leads from input pixels (x, y) to the caller's frame.
    pub fn place(&self, to_image: impl Fn(f32, f32) -> ImagePoint, keypoints: &mut [Keypoint]) {
        for (slot, peak) in keypoints.iter_mut().zip(&self.peaks) {
            if let Some(p) = peak {
                *slot = Keypoint { position: to_image(p.x * self.stride_px, p.y * self.stride_px), score: p.value };
            }
        }
    }
}
