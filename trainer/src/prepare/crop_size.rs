//! How large crops must be.

use crate::augment::AugmentConfig;
use crate::dataset::{Animal, SampleSource};
use crate::error::Result;
use crate::targets::centroid;
use rayon::prelude::*;

/// How large the animals of some samples are, in frame pixels.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Extent {
    /// Longest side of any animal's bounding box.
    pub largest_px: f32,
    /// Per animal, how far its farthest part is from its centre along x or y.
    pub reaches_px: Vec<f32>,
}

impl Extent {
    /// Measures all animals with at least one part.
    ///
    /// # Errors
    /// When a sample cannot be read.
    pub fn measure(source: &dyn SampleSource, anchor: Option<usize>) -> Result<Self> {
        let animals: Result<Vec<Vec<Animal>>> = (0..source.len()).into_par_iter().map(|i| source.animals(i)).collect();
        let mut extent = Self::default();
        for animal in animals?.iter().flatten() {
            let Some(center) = centroid(animal, anchor) else { continue };
            let (mut least, mut most, mut reach) = ([f32::INFINITY; 2], [f32::NEG_INFINITY; 2], 0.0_f32);
            for point in animal.points.iter().filter(|p| p[0].is_finite() && p[1].is_finite()) {
                for i in 0..2 {
                    (least[i], most[i]) = (least[i].min(point[i]), most[i].max(point[i]));
                    reach = reach.max((point[i] - center[i]).abs());
                }
            }
            extent.largest_px = extent.largest_px.max(most[0] - least[0]).max(most[1] - least[1]);
            extent.reaches_px.push(reach);
        }
        Ok(extent)
    }

    /// How many animals have a part outside of a crop with `side_px` frame pixels a side.
    pub fn cut_by(&self, side_px: f32) -> usize {
        self.reaches_px.iter().filter(|&&reach| reach > side_px / 2.0).count()
    }

    /// Side of the smallest crop that holds every animal, in frame pixels.
    pub fn holding_all_px(&self) -> f32 {
        2.0 * self.reaches_px.iter().copied().fold(0.0, f32::max)
    }
}

/// Pixels that the augmentation needs around animals with boxes of up to `largest_px`, which it may turn and enlarge (SLEAP-NN's rule;
/// reference sleap-training.md, section 3.3).
pub fn augmentation_padding_px(largest_px: f32, augment: &AugmentConfig) -> f32 {
    let angle = augment.rotation_deg[0].abs().max(augment.rotation_deg[1].abs());
    // A box turned by an angle needs cos + sin of its side; from 45 degrees on, the most that any angle needs.
    let turned = if angle < 45.0 { angle.to_radians().cos() + angle.to_radians().sin() } else { std::f32::consts::SQRT_2 };
    let factor = turned * augment.scale[1].max(1.0);
    // A hair less, so that a product like 100 * 1.1 that is a little too large by rounding does not become 111.
    (largest_px * (factor - 1.0) - 1e-3).ceil().max(0.0)
}

/// Side of crops for animals with boxes of up to `largest_px` input pixels and so much padding for both sides together, rounded up to
/// the stride (both SLEAPs' rule, same section).
pub fn crop_size_px(largest_px: f32, padding_px: f32, stride_px: usize) -> usize {
    ((largest_px + padding_px).ceil().max(1.0) as usize).next_multiple_of(stride_px.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleaps_examples() {
        // Reference sleap-training.md, section 12: largest box 83 px, padding 16, stride 16.
        assert_eq!(crop_size_px(83.0, 16.0, 16), 112);
        let with = |angle: f32, scale: f32| AugmentConfig {
            rotation_deg: [-angle, angle],
            scale: [0.9, scale],
            ..AugmentConfig::none()
        };
        let size = |largest: f32, augment: &AugmentConfig, stride| {
            crop_size_px(largest, augmentation_padding_px(largest, augment), stride)
        };
        assert_eq!(size(83.0, &AugmentConfig::none(), 16), 96);
        // 100 px turned by 15 degrees: cos + sin = 1.2247, with a scale of 1.1: 134.7.
        assert_eq!(size(100.0, &with(15.0, 1.1), 1), 135);
        assert_eq!(size(100.0, &with(180.0, 1.0), 8), 144, "141.4 rounded up");
        assert_eq!(size(100.0, &with(0.0, 0.95), 1), 100, "shrinking needs no room");
    }

    #[test]
    fn animals_that_reach_out_are_counted() {
        let extent = Extent { largest_px: 60.0, reaches_px: vec![10.0, 31.0, 47.5] };
        assert_eq!((extent.cut_by(62.0), extent.cut_by(61.9), extent.cut_by(20.0)), (1, 2, 2));
        assert_eq!(extent.cut_by(extent.holding_all_px()), 0);
    }
}
