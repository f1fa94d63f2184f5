//! Confidence maps: one Gaussian bump per part and animal.

use super::grid::{NEGLIGIBLE, TargetGrid};
use crate::dataset::sample::{Animal, Point};
use crate::error::Result;

/// Writes the confidence maps of all animals into `out`, of shape `[nodes, ceil(input_h / stride), ceil(input_w / stride)]`.
///
/// `C(i, j) = exp(-((i s - x)^2 + (j s - y)^2) / (2 (sigma s)^2))` with the stride s: **sigma counts cells**, as in SLEAP
/// (reference sleap-training.md, section 5). Where animals meet, the larger value counts. Missing parts give zeros; animals
/// without a part strictly inside the grid are left out. Values below 1e-9 are written as 0.
///
/// Points are in pixels of the network input, that is after scaling. The Gaussian is the product of one along x and one along
/// y, so that only a row and a column of exponentials are needed per part.
///
/// # Errors
/// [`crate::Error::Data`] when a size, the stride, sigma or the length of `out` is wrong.
pub fn confidence_maps(
    animals: &[Animal],
    nodes: usize,
    sigma: f32,
    stride_px: usize,
    input_width_px: usize,
    input_height_px: usize,
    out: &mut [f32],
) -> Result<()> {
    let grid = TargetGrid::new(input_width_px, input_height_px, stride_px)?;
    grid.prepare(nodes, sigma, out)?;
    for animal in animals.iter().filter(|animal| grid.holds(&animal.points)) {
        for (map, &point) in out.chunks_exact_mut(grid.cells()).zip(&animal.points) {
            raise(&grid, point, sigma, map);
        }
    }
    Ok(())
}

/// Raises the cells of one channel to the bump around `point`; a missing part changes nothing.
pub(super) fn raise(grid: &TargetGrid, [x, y]: Point, sigma: f32, map: &mut [f32]) {
    if !(x.is_finite() && y.is_finite()) {
        return;
    }
    let (x, y) = (f64::from(x), f64::from(y));
    let deviation_px = f64::from(sigma) * grid.stride_px as f64;
    let reach = deviation_px * (-2.0 * NEGLIGIBLE.ln()).sqrt();
    let (first, end) = grid.cells_between(x - reach, x + reach, grid.width);
    let (top, bottom) = grid.cells_between(y - reach, y + reach, grid.height);
    if first >= end {
        return;
    }
    let bump = |cell: usize, center: f64| {
        let away = ((cell * grid.stride_px) as f64 - center) / deviation_px;
        (-0.5 * away * away).exp() as f32
    };
    let along_x: Vec<f32> = (first..end).map(|i| bump(i, x)).collect();
    for j in top..bottom {
        let along_y = bump(j, y);
        for (value, &gauss) in map[j * grid.width + first..j * grid.width + end].iter_mut().zip(&along_x) {
            let product = gauss * along_y;
            *value = if product > *value { product } else { *value };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::sample::MISSING;
    use proptest::prelude::*;

    #[test]
    fn the_reference_table() {
        // reference sleap-training.md, section 12
        let table = [
            0.714444, 0.805534, 0.773948, 0.633655, 0.855345, 0.964399, 0.926585, 0.758623, 0.872624, 0.983881, 0.945303,
            0.773948,
        ];
        let mut out = [9.0; 12];
        confidence_maps(&[vec![[5.0, 6.5]].into()], 1, 2.5, 4, 16, 12, &mut out).unwrap();
        assert!(out.iter().zip(table).all(|(a, b)| (a - b).abs() < 1e-6), "{out:?}");
    }

    #[test]
    fn missing_parts_and_animals_outside_give_zeros() {
        let mut out = [9.0; 24];
        let outside = vec![[-1.0, 5.0], [20.0, 5.0]];
        confidence_maps(&[vec![MISSING, [5.0, 6.5]].into(), outside.into()], 2, 2.5, 4, 16, 12, &mut out).unwrap();
        assert!(out[..12].iter().all(|&v| v == 0.0) && out[12] > 0.7);
        // On the border is not inside.
        confidence_maps(&[vec![[12.0, 4.0], [0.0, 4.0]].into()], 2, 2.5, 4, 16, 12, &mut out).unwrap();
        assert!(out.iter().all(|&v| v == 0.0));
    }

    #[test]
    fn wrong_buffers_are_refused() {
        let mut out = [0.0; 11];
        assert!(confidence_maps(&[], 1, 2.5, 4, 16, 12, &mut out).is_err());
        assert!(confidence_maps(&[], 1, 2.5, 0, 16, 12, &mut out).is_err());
        assert!(confidence_maps(&[], 1, f32::NAN, 4, 16, 11, &mut [0.0; 12]).is_err());
    }

    proptest! {
        /// The formula, cell by cell and without any short cut.
        #[test]
        fn agrees_with_the_formula(
            animals in prop::collection::vec(prop::collection::vec((-40.0_f32..90.0, -40.0_f32..90.0, 0..5), 3), 0..4),
            sigma in 0.5_f32..4.0, stride in 1_usize..6, width in 1_usize..70, height in 1_usize..70,
        ) {
            let point = |&(x, y, kind): &(f32, f32, i32)| if kind == 0 { MISSING } else { [x, y] };
            let animals: Vec<Animal> = animals.iter().map(|parts| parts.iter().map(point).collect::<Vec<Point>>().into()).collect();
            let (columns, rows) = (width.div_ceil(stride), height.div_ceil(stride));
            let mut out = vec![0.0; 3 * columns * rows];
            confidence_maps(&animals, 3, sigma, stride, width, height, &mut out).unwrap();
            let (right, bottom) = (((columns - 1) * stride) as f32, ((rows - 1) * stride) as f32);
            for (index, &value) in out.iter().enumerate() {
                let (node, j, i) = (index / (columns * rows), index / columns % rows, index % columns);
                let mut want: f64 = 0.0;
                for animal in &animals {
                    if !animal.points.iter().any(|p| 0.0 < p[0] && p[0] < right && 0.0 < p[1] && p[1] < bottom) {
                        continue;
                    }
                    let [x, y] = animal.points[node].map(f64::from);
                    let squared = ((i * stride) as f64 - x).powi(2) + ((j * stride) as f64 - y).powi(2);
                    want = want.max((-squared / (2.0 * (f64::from(sigma) * stride as f64).powi(2))).exp());
                }
                prop_assert!((f64::from(value) - want).abs() < 3e-7, "{value} {want}");
            }
        }
    }
}
