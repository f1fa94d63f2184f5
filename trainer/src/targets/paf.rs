//! Part affinity fields: along every edge, the direction from its source to its destination.

use super::grid::{NEGLIGIBLE, TargetGrid};
use crate::dataset::sample::{Animal, Point};
use crate::error::Result;

/// Writes the part affinity fields of all animals into `out`, of shape `[2 edges, ceil(input_h / stride), ceil(input_w / stride)]`;
/// channel `2e` is the x and `2e + 1` the y component of edge e.
///
/// With u the unit vector from a to b, and q the *squared* distance of a cell's pixel from the segment a-b, the field is
/// `u exp(-q^2 / (2 sigma^2))`: the exponent holds the fourth power of the distance, and sigma is not multiplied with the
/// stride, as in SLEAP (reference sleap-training.md, section 5). The foot of the perpendicular is
/// `clip((p - a).(b - a) / max(|b - a|^2, 1), 0, 1)`. Animals are summed; edges with a missing end or without length give
/// zeros; animals without a part strictly inside the grid are left out. Weights below 1e-9 are skipped.
///
/// Points are in pixels of the network input, that is after scaling.
///
/// # Errors
/// [`crate::Error::Data`] when a size, the stride, sigma or the length of `out` is wrong.
pub fn part_affinity_fields(
    animals: &[Animal],
    edges: &[(u16, u16)],
    sigma: f32,
    stride_px: usize,
    input_width_px: usize,
    input_height_px: usize,
    out: &mut [f32],
) -> Result<()> {
    let grid = TargetGrid::new(input_width_px, input_height_px, stride_px)?;
    grid.prepare(edges.len().saturating_mul(2), sigma, out)?;
    for animal in animals.iter().filter(|animal| grid.holds(&animal.points)) {
        for (field, &(from, to)) in out.chunks_exact_mut(2 * grid.cells()).zip(edges) {
            let ends = (animal.points.get(usize::from(from)), animal.points.get(usize::from(to)));
            if let (Some(&a), Some(&b)) = ends
                && a.iter().chain(&b).all(|v| v.is_finite())
            {
                add_edge(&grid, a, b, sigma, field);
            }
        }
    }
    Ok(())
}

fn add_edge(grid: &TargetGrid, a: Point, b: Point, sigma: f32, field: &mut [f32]) {
    let run = [b[0] - a[0], b[1] - a[1]];
    let squared_length = run[0] * run[0] + run[1] * run[1];
    if squared_length == 0.0 || !squared_length.is_finite() {
        return;
    }
    let unit = run.map(|v| v / squared_length.sqrt());
    let per_length = 1.0 / squared_length.max(1.0);
    let falloff = -0.5 / (sigma * sigma);
    // exp(-q^2 / (2 sigma^2)) falls below the limit at this q.
    let most_q = f64::from(sigma) * (-2.0 * NEGLIGIBLE.ln()).sqrt();
    let reach = most_q.sqrt();
    let ordered = |p: f32, q: f32| (f64::from(p.min(q)) - reach, f64::from(p.max(q)) + reach);
    let ((left, right), (top, bottom)) = (ordered(a[0], b[0]), ordered(a[1], b[1]));
    let (first, end) = grid.cells_between(left, right, grid.width);
    let (first_row, end_row) = grid.cells_between(top, bottom, grid.height);
    if first >= end {
        return;
    }
    let most_q = most_q as f32;
    let (along_x, along_y) = field.split_at_mut(grid.cells());
    for j in first_row..end_row {
        let to_y = (j * grid.stride_px) as f32 - a[1];
        let row = j * grid.width;
        for i in first..end {
            let to_x = (i * grid.stride_px) as f32 - a[0];
            let t = ((to_x * run[0] + to_y * run[1]) * per_length).clamp(0.0, 1.0);
            let (off_x, off_y) = (t * run[0] - to_x, t * run[1] - to_y);
            let q = off_x * off_x + off_y * off_y;
            if q < most_q {
                let weight = (q * q * falloff).exp();
                along_x[row + i] += weight * unit[0];
                along_y[row + i] += weight * unit[1];
            }
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
        let weights =
            [0.102740, 0.566154, 0.158310, 0.002952, 0.566154, 1.0, 0.977501, 0.694829, 0.102740, 0.694829, 0.977501, 1.0];
        let mut out = [9.0; 24];
        part_affinity_fields(&[vec![[4.0, 4.0], [12.0, 8.0]].into()], &[(0, 1)], 15.0, 4, 16, 12, &mut out).unwrap();
        for (i, weight) in weights.iter().enumerate() {
            assert!((out[i] - 0.894427 * weight).abs() < 2e-6 && (out[12 + i] - 0.447214 * weight).abs() < 2e-6, "{i} {out:?}");
        }
    }

    #[test]
    fn animals_add_up_and_incomplete_edges_give_nothing() {
        let animal = Animal::from(vec![[4.0, 4.0], [12.0, 8.0]]);
        let (mut one, mut two) = ([0.0; 24], [0.0; 24]);
        part_affinity_fields(std::slice::from_ref(&animal), &[(0, 1)], 15.0, 4, 16, 12, &mut one).unwrap();
        part_affinity_fields(&[animal.clone(), animal], &[(0, 1)], 15.0, 4, 16, 12, &mut two).unwrap();
        assert!(one.iter().zip(two).all(|(a, b)| (2.0 * a - b).abs() < 1e-6));
        let broken = [vec![[4.0, 4.0], MISSING], vec![[5.0, 5.0], [5.0, 5.0]]].map(Animal::from);
        part_affinity_fields(&broken, &[(0, 1)], 15.0, 4, 16, 12, &mut one).unwrap();
        assert!(one.iter().all(|&v| v == 0.0));
    }

    proptest! {
        /// The formula, cell by cell and without any short cut. The tolerance covers f32 rounding of q (relative 1e-6), which
        /// the exponent multiplies by at most q^2 / sigma^2 < 42.
        #[test]
        fn agrees_with_the_formula(
            animals in prop::collection::vec(prop::collection::vec((-40.0_f32..90.0, -40.0_f32..90.0, 0..6), 3), 0..4),
            sigma in 2.0_f32..80.0, stride in 1_usize..6, width in 1_usize..70, height in 1_usize..70,
        ) {
            let point = |&(x, y, kind): &(f32, f32, i32)| if kind == 0 { MISSING } else { [x, y] };
            let animals: Vec<Animal> = animals.iter().map(|parts| parts.iter().map(point).collect::<Vec<Point>>().into()).collect();
            let edges = [(0_u16, 1_u16), (2, 1)];
            let (columns, rows) = (width.div_ceil(stride), height.div_ceil(stride));
            let mut out = vec![0.0; 4 * columns * rows];
            part_affinity_fields(&animals, &edges, sigma, stride, width, height, &mut out).unwrap();
            let (right, bottom) = (((columns - 1) * stride) as f32, ((rows - 1) * stride) as f32);
            for (index, &value) in out.iter().enumerate() {
                let (channel, j, i) = (index / (columns * rows), index / columns % rows, index % columns);
                let p = [(i * stride) as f64, (j * stride) as f64];
                let mut want = 0.0;
                for animal in &animals {
                    if !animal.points.iter().any(|p| 0.0 < p[0] && p[0] < right && 0.0 < p[1] && p[1] < bottom) {
                        continue;
                    }
                    let (from, to) = edges[channel / 2];
                    let (a, b) = [from, to].map(|node| animal.points[usize::from(node)].map(f64::from)).into();
                    let run = [b[0] - a[0], b[1] - a[1]];
                    let squared = run[0] * run[0] + run[1] * run[1];
                    let t = (((p[0] - a[0]) * run[0] + (p[1] - a[1]) * run[1]) / squared.max(1.0)).clamp(0.0, 1.0);
                    let q = (a[0] + t * run[0] - p[0]).powi(2) + (a[1] + t * run[1] - p[1]).powi(2);
                    let component = (-q * q / (2.0 * f64::from(sigma).powi(2))).exp() * run[channel % 2] / squared.sqrt();
                    want += if component.is_nan() { 0.0 } else { component };
                }
                prop_assert!((f64::from(value) - want).abs() < 1e-4, "{value} {want}");
            }
        }
    }
}
