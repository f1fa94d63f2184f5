//! Sub-cell position of a peak.

use crate::config::Refinement;
use crate::decode::peak_buffer::Peak;
use crate::tensor::Maps;

/// The integral patch reaches this many cells to every side (SLEAP's patch of 5x5).
const REACH: i32 = 2;
/// Patches whose weights sum up to less are taken for empty: dividing by the sum would only magnify noise.
const MIN_WEIGHT: f32 = 1e-6;
/// Step of the quarter-pixel method, in cells.
const QUARTER: f32 = 0.25;

/// Moves a peak that lies on the grid of `channel` to its sub-cell position; its value stays that of the grid cell.
///
/// Integral (SLEAP: `integral_regression`): the mean of the patch offsets weighted with the raw map values, cells outside
/// the map weighing 0. Where the weights are not finite or do not add up to anything, the peak stays (SLEAP: NaN), and
/// negative weights cannot push it out of the patch. The patch cuts the flanks of wide blobs, so that only a part of the
/// true offset is recovered: about 93 % for a Gaussian of sigma 1 cell, 28 % for 2.5 cells.
///
/// Quarter pixel (classic SLEAP: `find_offsets_local_direction`): a quarter cell towards the larger neighbour, per axis.
///
/// # Panics
/// If `channel` is out of range.
pub fn refine_peak(maps: &Maps<'_>, channel: usize, method: Refinement, peak: Peak) -> Peak {
    let patch =
        Patch { map: maps.channel(channel), width: maps.width(), height: maps.height(), x: peak.x as i32, y: peak.y as i32 };
    let (dx, dy) = match method {
        Refinement::None => (0.0, 0.0),
        Refinement::Integral => patch.weighted_mean(),
        Refinement::QuarterPixel => patch.quarter_steps(),
    };
    Peak { x: peak.x + dx, y: peak.y + dy, value: peak.value }
}

/// The surroundings of one cell.
struct Patch<'a> {
    map: &'a [f32],
    width: usize,
    height: usize,
    x: i32,
    y: i32,
}

impl Patch<'_> {
    /// Value at an offset from the centre, 0 outside the map.
    fn at(&self, dx: i32, dy: i32) -> f32 {
        match (usize::try_from(self.x + dx), usize::try_from(self.y + dy)) {
            (Ok(x), Ok(y)) if x < self.width && y < self.height => self.map[y * self.width + x],
            _ => 0.0,
        }
    }

    fn weighted_mean(&self) -> (f32, f32) {
        let (mut sum, mut sum_x, mut sum_y) = (0.0_f32, 0.0, 0.0);
        for dy in -REACH..=REACH {
            for dx in -REACH..=REACH {
                let weight = self.at(dx, dy);
                sum += weight;
                sum_x += dx as f32 * weight;
                sum_y += dy as f32 * weight;
            }
        }
        let (dx, dy) = (sum_x / sum, sum_y / sum);
        // A sum that is NaN gives offsets that are NaN.
        if sum <= MIN_WEIGHT || !dx.is_finite() || !dy.is_finite() {
            return (0.0, 0.0);
        }
        let reach = REACH as f32;
        (dx.clamp(-reach, reach), dy.clamp(-reach, reach))
    }

    fn quarter_steps(&self) -> (f32, f32) {
        let step = |after: f32, before: f32| {
            if after > before {
                QUARTER
            } else if after < before {
                -QUARTER
            } else {
                0.0
            }
        };
        (step(self.at(1, 0), self.at(-1, 0)), step(self.at(0, 1), self.at(0, -1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::global_peak;
    use crate::decode::testing::gaussian_map;
    use proptest::prelude::*;

    fn refine(map: &[f32], width: usize, method: Refinement, x: usize, y: usize) -> (f32, f32) {
        let maps = Maps::new(map, 1, map.len() / width, width).unwrap();
        let value = map[y * width + x];
        let refined = refine_peak(&maps, 0, method, Peak { x: x as f32, y: y as f32, value });
        assert!(refined.value == value || value.is_nan());
        (refined.x, refined.y)
    }

    /// Worst distance on one axis between planted and refined position, in cells, over a grid of sub-cell positions.
    fn worst_error(sigma: f32, method: Refinement) -> f32 {
        let mut worst = 0.0_f32;
        for i in -9_i32..=9 {
            for j in -9_i32..=9 {
                let (x, y) = (12.0 + i as f32 * 0.05, 10.0 + j as f32 * 0.05);
                let map = gaussian_map(24, 20, sigma, &[(x, y)]);
                let maps = Maps::new(&map, 1, 20, 24).unwrap();
                let refined = refine_peak(&maps, 0, method, global_peak(&maps, 0, 0.2).unwrap());
                worst = worst.max((refined.x - x).abs()).max((refined.y - y).abs());
            }
        }
        worst
    }

    #[test]
    fn planted_gaussians_come_back() {
        // The bounds are properties of SLEAP's 5x5 patch, not of this code: a wide blob is cut by the patch.
        assert!(worst_error(1.0, Refinement::Integral) < 0.1);
        assert!(worst_error(1.5, Refinement::Integral) < 0.25);
        assert!(worst_error(2.5, Refinement::Integral) < 0.36);
        // On the grid the worst case is the largest planted offset of 0.45; a quarter step brings 0.45 to 0.20 and
        // 0.05 to 0.20.
        assert!(worst_error(2.5, Refinement::None) < 0.4501);
        assert!(worst_error(2.5, Refinement::QuarterPixel) < 0.2501);
    }

    #[test]
    fn integral_is_the_weighted_mean_of_the_patch() {
        let mut map = [0.0; 49];
        map[3 * 7 + 3] = 1.0;
        map[3 * 7 + 5] = 0.5; // offset (2, 0)
        map[2 * 7 + 3] = 0.5; // offset (0, -1)
        assert_eq!(refine(&map, 7, Refinement::Integral, 3, 3), (3.5, 2.75));
    }

    #[test]
    fn outside_the_map_weighs_nothing() {
        // A corner of a constant map: only offsets 0, 1, 2 exist, their mean is 1.
        assert_eq!(refine(&[0.5; 64], 8, Refinement::Integral, 0, 0), (1.0, 1.0));
        assert_eq!(refine(&[0.5; 64], 8, Refinement::Integral, 7, 7), (6.0, 6.0));
    }

    #[test]
    fn a_patch_without_weight_leaves_the_peak() {
        let mut map = [0.0; 49];
        assert_eq!(refine(&map, 7, Refinement::Integral, 3, 3), (3.0, 3.0));
        map[3 * 7 + 3] = 1.0;
        map[3 * 7 + 4] = -1.0; // the sum is 0
        assert_eq!(refine(&map, 7, Refinement::Integral, 3, 3), (3.0, 3.0));
        map[3 * 7 + 4] = f32::NAN;
        assert_eq!(refine(&map, 7, Refinement::Integral, 3, 3), (3.0, 3.0));
        map[3 * 7 + 4] = f32::INFINITY;
        assert_eq!(refine(&map, 7, Refinement::Integral, 3, 3), (3.0, 3.0));
    }

    #[test]
    fn negative_weights_cannot_push_it_out_of_the_patch() {
        let mut map = [0.0; 49];
        map[3 * 7 + 3] = 1.0;
        map[3 * 7 + 1] = -0.9; // mean offset 18 cells to the right
        assert_eq!(refine(&map, 7, Refinement::Integral, 3, 3), (5.0, 3.0));
    }

    #[test]
    fn quarter_steps_go_to_the_larger_neighbour() {
        let map = [0.0, 0.1, 0.0, 0.3, 0.9, 0.4, 0.0, 0.1, f32::NAN];
        assert_eq!(refine(&map, 3, Refinement::QuarterPixel, 1, 1), (1.25, 1.0));
        // Outside counts as 0, as in SLEAP's patch.
        assert_eq!(refine(&[0.9, 0.5, 0.5, 0.2], 2, Refinement::QuarterPixel, 0, 0), (0.25, 0.25));
        assert_eq!(refine(&[f32::NAN; 9], 3, Refinement::QuarterPixel, 1, 1), (1.0, 1.0));
    }

    proptest! {
        #[test]
        fn a_refined_peak_never_leaves_its_patch(
            values in prop::collection::vec(prop::num::f32::ANY, 49),
            x in 0_usize..7,
            y in 0_usize..7,
        ) {
            for method in [Refinement::None, Refinement::Integral, Refinement::QuarterPixel] {
                let (rx, ry) = refine(&values, 7, method, x, y);
                prop_assert!((rx - x as f32).abs() <= 2.0 && (ry - y as f32).abs() <= 2.0);
            }
        }
    }
}
