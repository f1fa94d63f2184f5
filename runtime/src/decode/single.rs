//! One animal at most: the global peak of every map.

use crate::config::PeakConfig;
use crate::decode::{Peak, global_peak, refine_peak};
use crate::geometry::{ImageMap, InputPoint};
use crate::instances::{Keypoint, Poses};
use crate::tensor::Maps;
use alloc::vec;
use alloc::vec::Vec;

/// Decoder of single-instance models, with its working memory.
#[derive(Debug, Clone)]
pub struct Single {
    stride_px: f32,
    config: PeakConfig,
    peaks: Vec<Option<Peak>>,
}

impl Single {
    /// Plans for maps of `nodes` channels with cells of `stride_px` input pixels.
    pub fn new(nodes: usize, stride_px: u32, config: PeakConfig) -> Self {
        Self { stride_px: stride_px as f32, config, peaks: vec![None; nodes] }
    }

    /// Replaces the contents of `poses` by the animal in `confmaps`, if any node reaches the threshold.
    ///
    /// The score of the animal is the sum of its node values (SLEAP). Channels beyond the planned ones are ignored.
    pub fn decode(&mut self, confmaps: &Maps<'_>, map: ImageMap, poses: &mut Poses) {
        poses.clear();
        self.peaks.fill(None);
        for (node, slot) in self.peaks.iter_mut().enumerate().take(confmaps.channels()) {
            *slot = global_peak(confmaps, node, self.config.threshold)
                .map(|peak| refine_peak(confmaps, node, self.config.refinement, peak));
        }
        if self.peaks.iter().all(Option::is_none) {
            return;
        }
        let score: f32 = self.peaks.iter().flatten().map(|p| p.value).sum();
        for (slot, peak) in poses.push(score.clamp(f32::MIN, f32::MAX)).iter_mut().zip(&self.peaks) {
            if let Some(p) = peak {
                let position = map.to_image(InputPoint { x_px: p.x * self.stride_px, y_px: p.y * self.stride_px });
                *slot = Keypoint { position, score: p.value };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::testing::gaussian_map;

    fn decode(maps: &[f32], nodes: usize) -> Poses {
        let confmaps = Maps::new(maps, nodes, 10, 12).unwrap();
        let mut poses = Poses::with_capacity(nodes, 1);
        Single::new(nodes, 4, PeakConfig::default()).decode(&confmaps, ImageMap::new(0.5), &mut poses);
        poses
    }

    #[test]
    fn the_score_is_the_sum_of_the_nodes_and_missing_nodes_stay_missing() {
        let mut maps = gaussian_map(12, 10, 1.0, &[(5.0, 4.0)]);
        maps.extend([0.1; 120]);
        maps.extend(gaussian_map(12, 10, 1.0, &[(7.0, 3.0)]));
        let poses = decode(&maps, 3);
        let animal = poses.get(0).unwrap();
        assert_eq!((poses.len(), animal.score), (1, 2.0));
        // A cell has 4 input pixels, and the frame was halved: 8 frame pixels a cell.
        let p = animal.keypoints[0].position;
        assert!((p.x_px - 40.0).abs() < 1e-4 && (p.y_px - 32.0).abs() < 1e-4);
        assert!(!animal.keypoints[1].is_visible() && animal.keypoints[1].score == 0.0);
        assert!((animal.keypoints[2].position.x_px - 56.0).abs() < 1e-4);
    }

    #[test]
    fn without_any_node_there_is_no_animal() {
        assert!(decode(&[0.1; 240], 2).is_empty());
        assert!(decode(&[f32::NAN; 240], 2).is_empty());
    }

    #[test]
    fn a_huge_score_stays_finite() {
        assert_eq!(decode(&[f32::MAX; 240], 2).get(0).unwrap().score, f32::MAX);
    }
}
