//! How alike a predicted animal is to a true one, which decides who stands for whom.

use super::oks::{OksOptions, oks};
use super::pair::part_distance_px;

/// A part of an animal's size: a centre farther away than this is not the centre of that animal.
const REACH_SHARE: f64 = 0.25;
/// Least reach in pixels.
const LEAST_REACH_PX: f64 = 3.0;

/// Reach of centres where the size of the animals is not known: the largest distance that the fractions of correct keypoints look at.
pub(super) const UNKNOWN_SIZE_REACH_PX: f64 = 10.0;

/// How two animals are compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Likeness {
    /// By all parts, in relation to the animal's size.
    Parts(OksOptions),
    /// By the only part: one point has no size that a distance could be measured against.
    Point {
        /// Distance from which on they have nothing in common, in frame pixels; positive.
        reach_px: f64,
    },
}

impl Likeness {
    /// Likeness of a predicted animal to a true one, 0 to 1: the object keypoint similarity, or the rest of the reach, `1 - d / reach`.
    /// `None` when the true animal has no visible part.
    pub fn of(&self, truth: &[[f32; 2]], predicted: &[[f32; 2]]) -> Option<f64> {
        match self {
            Self::Parts(options) => oks(truth, predicted, options),
            Self::Point { reach_px } => {
                let visible = truth.first().is_some_and(|p| p[0].is_finite() && p[1].is_finite());
                let near = |d: f64| (1.0 - d / reach_px).max(0.0);
                visible.then(|| part_distance_px(truth, predicted, 0).map_or(0.0, near))
            }
        }
    }
}

/// Distance in pixels within which a found centre belongs to an animal: a quarter of the animals' median size (the diagonal of the box
/// around the parts), at least 3 px; 10 px where no size is known.
pub fn center_reach_px(animal_px: Option<f64>) -> f64 {
    animal_px.map_or(UNKNOWN_SIZE_REACH_PX, |size| (REACH_SHARE * size).max(LEAST_REACH_PX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAN: [f32; 2] = [f32::NAN; 2];

    #[test]
    fn a_point_is_judged_by_distance_alone() {
        let point = Likeness::Point { reach_px: 10.0 };
        assert_eq!(point.of(&[[3.0, 4.0]], &[[3.0, 4.0]]), Some(1.0));
        assert_eq!(point.of(&[[3.0, 4.0]], &[[0.0, 0.0]]), Some(0.5));
        assert_eq!(point.of(&[[30.0, 40.0]], &[[0.0, 0.0]]), Some(0.0));
        assert_eq!((point.of(&[[1.0, 1.0]], &[NAN]), point.of(&[[1.0, 1.0]], &[])), (Some(0.0), Some(0.0)));
        assert_eq!((point.of(&[NAN], &[[0.0, 0.0]]), point.of(&[], &[[0.0, 0.0]])), (None, None));
    }

    #[test]
    fn the_reach_goes_with_the_animals() {
        assert_eq!((center_reach_px(Some(100.0)), center_reach_px(Some(4.0)), center_reach_px(None)), (25.0, 3.0, 10.0));
    }
}
