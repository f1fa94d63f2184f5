//! Object keypoint similarity in the form of COCO's evaluation program.

use super::pair::{part, part_distance_px};

/// Spread of every part relative to the animal's size (SLEAP's value for all nodes).
pub const SIGMA: f64 = 0.025;

/// How similarity is scaled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OksOptions {
    /// Spread of every part relative to the square root of the area; positive.
    pub sigma: f64,
    /// Areas below this many square pixels are raised to it.
    ///
    /// The area of a bounding box is zero when only one part is visible or all lie on one row or column. SLEAP then gives
    /// 0 to anything but an exact hit; 64 (8 x 8 px) keeps such animals comparable and leaves real ones alone.
    pub min_area_px2: f64,
    /// One area for all animals instead of their bounding boxes (SLEAP's `oks_scale`).
    pub fixed_area_px2: Option<f64>,
}

impl Default for OksOptions {
    fn default() -> Self {
        Self { sigma: SIGMA, min_area_px2: 64.0, fixed_area_px2: None }
    }
}

/// Area of the box around the visible parts in square pixels; `None` when no part is visible.
pub fn bbox_area_px2(points: &[[f32; 2]]) -> Option<f64> {
    let mut visible = (0..points.len()).filter_map(|node| part(points, node));
    let first = visible.next()?;
    let (low, high) = visible
        .fold((first, first), |(low, high), p| ([low[0].min(p[0]), low[1].min(p[1])], [high[0].max(p[0]), high[1].max(p[1])]));
    Some((high[0] - low[0]) * (high[1] - low[1]))
}

/// Similarity of a predicted animal to a true one, 0 to 1; `None` when the true one has no visible part.
///
/// Mean over the parts visible in the truth of `exp(-d² / ((2 sigma)² * 2 * area))` (SLEAP, cocoeval mode); a part that
/// the prediction lacks gives 0, and one that only the prediction has is ignored.
pub fn oks(truth: &[[f32; 2]], predicted: &[[f32; 2]], options: &OksOptions) -> Option<f64> {
    let area_px2 = options.fixed_area_px2.or_else(|| bbox_area_px2(truth))?.max(options.min_area_px2).max(f64::EPSILON);
    let spread = (2.0 * options.sigma).powi(2) * 2.0 * area_px2;
    let (mut sum, mut visible) = (0.0, 0_u32);
    for node in (0..truth.len()).filter(|&node| part(truth, node).is_some()) {
        visible += 1;
        sum += part_distance_px(truth, predicted, node).map_or(0.0, |d| (-d * d / spread).exp());
    }
    (visible > 0).then(|| sum / f64::from(visible))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAN: [f32; 2] = [f32::NAN; 2];

    #[test]
    fn follows_the_formula() {
        // Box 20 x 40 = 800 px²; spread 0.05² * 2 * 800 = 4; distances 0, 2 (3-4-5 scaled: 1.2, 1.6) and missing.
        let truth = [[0.0, 0.0], [20.0, 40.0], [10.0, 10.0], NAN];
        let predicted = [[0.0, 0.0], [21.2, 41.6], NAN, [5.0, 5.0]];
        let expected = (1.0 + (-1.0_f64).exp() + 0.0) / 3.0;
        let got = oks(&truth, &predicted, &OksOptions::default()).unwrap();
        assert!((got - expected).abs() < 1e-6, "{got} for {expected}");
    }

    #[test]
    fn without_area_the_floor_holds() {
        // One part: area 0, raised to 64; spread 0.0025 * 2 * 64 = 0.32.
        let options = OksOptions::default();
        let got = oks(&[[5.0, 5.0], NAN], &[[5.0, 5.4], NAN], &options).unwrap();
        assert!((got - (-0.5_f64).exp()).abs() < 1e-5, "{got}");
        let sleap = OksOptions { min_area_px2: 0.0, ..options };
        assert_eq!(oks(&[[5.0, 5.0]], &[[5.0, 5.4]], &sleap), Some(0.0));
        assert_eq!(oks(&[[5.0, 5.0]], &[[5.0, 5.0]], &sleap), Some(1.0));
    }

    #[test]
    fn a_fixed_area_replaces_the_box() {
        let options = OksOptions { fixed_area_px2: Some(800.0), ..OksOptions::default() };
        let got = oks(&[[5.0, 5.0]], &[[5.0, 7.0]], &options).unwrap();
        assert!((got - (-1.0_f64).exp()).abs() < 1e-9, "{got}");
    }

    #[test]
    fn nothing_visible_is_not_judged() {
        assert_eq!(oks(&[NAN, NAN], &[[1.0, 1.0], NAN], &OksOptions::default()), None);
        assert_eq!(oks(&[], &[], &OksOptions::default()), None);
        assert_eq!(bbox_area_px2(&[NAN, [3.0, 4.0], [1.0, 9.0]]), Some(10.0));
        assert_eq!(oks(&[[1.0, 1.0]], &[], &OksOptions::default()), Some(0.0));
    }
}
