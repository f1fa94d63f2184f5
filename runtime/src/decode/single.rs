//! One animal at most: the global peak of every map.

use crate::config::PeakConfig;
use crate::decode::global_peaks::GlobalPeaks;
use crate::engine::Found;
use crate::geometry::{ImageMap, InputPoint};
use crate::instances::Poses;
use crate::tensor::Maps;

/// Decoder of single-instance models, with its working memory.
#[derive(Debug, Clone)]
pub struct Single {
    parts: GlobalPeaks,
}

impl Single {
    /// Plans for maps of `nodes` channels with cells of `stride_px` input pixels.
    pub fn new(nodes: usize, stride_px: u32, config: PeakConfig) -> Self {
        Self { parts: GlobalPeaks::new(nodes, stride_px, config) }
    }

    /// Replaces the contents of `poses` by the animal in `confmaps`, if any node reaches the threshold.
    ///
    /// The score of the animal is the sum of its node values (SLEAP). Channels beyond the planned ones are ignored.
    pub fn decode(&mut self, confmaps: &Maps<'_>, map: ImageMap, poses: &mut Poses) {
        let found = self.parts.find(confmaps);
        self.finish(found, map, poses);
    }

    /// As [`decode`](Self::decode), from what an engine found.
    pub fn decode_found(&mut self, found: &Found<'_>, map: ImageMap, poses: &mut Poses) {
        let found = self.parts.take(found.lists());
        self.finish(found, map, poses);
    }

    fn finish(&mut self, found: bool, map: ImageMap, poses: &mut Poses) {
        poses.clear();
        if found {
            let keypoints = poses.push(self.parts.sum());
            self.parts.place(|x_px, y_px| map.to_image(InputPoint { x_px, y_px }), keypoints);
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
