//! Class maps: around every animal, which known individual it is.

use super::confidence::raise;
use super::grid::TargetGrid;
use crate::dataset::sample::Animal;
use crate::error::Result;

/// Animals count as present where the largest of their bumps is above this (SLEAP's 0.2).
const PRESENT: f32 = 0.2;

/// Writes the class maps of all animals into `out`, of shape `[classes, ceil(input_h / stride), ceil(input_w / stride)]`.
///
/// With m(a) the largest confidence map of animal a over its parts (sigma in cells, as for [`super::confidence_maps`]), the mask
/// of a is `m(a) / sum over all animals of m` where m(a) is above 0.2, and 0 elsewhere. Channel c is the largest mask of the
/// animals with identity c (reference sleap-training.md, section 5). Animals without an identity, or with one of another list,
/// take part in the sum only; those without a part strictly inside the grid are left out.
///
/// # Errors
/// [`crate::Error::Data`] when a size, the stride, sigma or the length of `out` is wrong.
pub fn class_maps(
    animals: &[Animal],
    classes: usize,
    sigma: f32,
    stride_px: usize,
    input_width_px: usize,
    input_height_px: usize,
    out: &mut [f32],
) -> Result<()> {
    let grid = TargetGrid::new(input_width_px, input_height_px, stride_px)?;
    grid.prepare(classes, sigma, out)?;
    let cells = grid.cells();
    let inside: Vec<&Animal> = animals.iter().filter(|animal| grid.holds(&animal.points)).collect();
    let mut presence = vec![0.0; inside.len() * cells];
    let mut sum = vec![0.0_f32; cells];
    for (animal, map) in inside.iter().zip(presence.chunks_exact_mut(cells)) {
        animal.points.iter().for_each(|&point| raise(&grid, point, sigma, map));
        sum.iter_mut().zip(map).for_each(|(sum, value)| *sum += *value);
    }
    for (animal, map) in inside.iter().zip(presence.chunks_exact(cells)) {
        let Some(class) = animal.identity.filter(|&class| class < classes) else { continue };
        for ((value, &present), &sum) in out[class * cells..(class + 1) * cells].iter_mut().zip(map).zip(&sum) {
            if present > PRESENT {
                *value = value.max(present / sum);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::sample::{MISSING, Point};
    use proptest::prelude::*;

    #[test]
    fn the_channel_is_that_of_the_individual() {
        // Three animals: identity by instance is not a symmetric matrix, so a reshape instead of a transpose would show.
        let at = |x, identity| Animal { points: vec![[x, 20.0]], identity };
        let animals = [at(10.0, Some(2)), at(50.0, Some(0)), at(90.0, None)];
        let mut out = vec![9.0; 3 * 26 * 10];
        class_maps(&animals, 3, 2.0, 4, 104, 40, &mut out).unwrap();
        let value = |class: usize, x: usize| out[class * 260 + 5 * 26 + x / 4];
        assert!(value(2, 12) > 0.99 && value(0, 12) == 0.0 && value(1, 12) == 0.0);
        assert!(value(0, 52) > 0.99 && value(2, 52) == 0.0);
        assert!((0..3).all(|class| value(class, 88) == 0.0), "the unknown animal belongs to no class");
    }

    proptest! {
        /// The formula, cell by cell.
        #[test]
        fn agrees_with_the_formula(
            animals in prop::collection::vec((prop::collection::vec((-20.0_f32..80.0, -20.0_f32..80.0, 0..5), 2), 0_usize..5), 0..4),
            sigma in 0.5_f32..4.0, stride in 1_usize..6, width in 8_usize..60, height in 8_usize..60,
        ) {
            let point = |&(x, y, kind): &(f32, f32, i32)| if kind == 0 { MISSING } else { [x, y] };
            let animals: Vec<Animal> = animals
                .iter()
                .map(|(parts, class)| Animal {
                    points: parts.iter().map(point).collect::<Vec<Point>>(),
                    identity: (*class < 4).then_some(*class),
                })
                .collect();
            let (columns, rows) = (width.div_ceil(stride), height.div_ceil(stride));
            let mut out = vec![0.0; 3 * columns * rows];
            class_maps(&animals, 3, sigma, stride, width, height, &mut out).unwrap();
            let (right, bottom) = (((columns - 1) * stride) as f32, ((rows - 1) * stride) as f32);
            let holds = |a: &&Animal| a.points.iter().any(|p| 0.0 < p[0] && p[0] < right && 0.0 < p[1] && p[1] < bottom);
            let inside: Vec<&Animal> = animals.iter().filter(holds).collect();
            for (index, &value) in out.iter().enumerate() {
                let (class, j, i) = (index / (columns * rows), index / columns % rows, index % columns);
                let presence = |animal: &Animal| {
                    let bump = |p: &Point| {
                        let [x, y] = p.map(f64::from);
                        let squared = ((i * stride) as f64 - x).powi(2) + ((j * stride) as f64 - y).powi(2);
                        (-squared / (2.0 * (f64::from(sigma) * stride as f64).powi(2))).exp()
                    };
                    animal.points.iter().filter(|p| p[0].is_finite()).map(bump).fold(0.0, f64::max)
                };
                let sum: f64 = inside.iter().map(|a| presence(a)).sum();
                let of_class = inside.iter().filter(|a| a.identity == Some(class)).map(|a| presence(a));
                // Cells at the edge of presence may fall on either side by rounding.
                prop_assume!(of_class.clone().all(|m| (m - 0.2).abs() > 1e-6));
                let want = of_class.filter(|&m| m > 0.2).map(|m| m / sum).fold(0.0, f64::max);
                prop_assert!((f64::from(value) - want).abs() < 1e-6, "{value} {want}");
            }
        }
    }
}
