//! How large the labelled animals are.

use crate::dataset::{LabelInstance, Point};
use crate::metric::percentile;
use serde::Serialize;

/// Sizes of the bounding boxes of the usable parts, in pixels of the original frames.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AnimalSizes {
    /// Animals with at least two usable parts; others have no size.
    pub count: usize,
    /// Median of the boxes' diagonals.
    pub diagonal_median_px: f64,
    /// 95th percentile of the diagonals.
    pub diagonal_p95_px: f64,
    /// Longest diagonal.
    pub diagonal_max_px: f64,
    /// Longest side of any box, from which crops are sized (reference sleap-training.md, section 3.3).
    pub longest_side_px: f64,
}

impl AnimalSizes {
    /// Sizes of labelled instances; `None` when none has two usable parts.
    pub fn of_instances<'a>(animals: impl Iterator<Item = &'a LabelInstance>) -> Option<Self> {
        let usable = |i: &LabelInstance| i.points.iter().filter(|p| p.is_usable()).map(|p| [p.x_px, p.y_px]).collect::<Vec<_>>();
        Self::of_boxes(animals.filter_map(|i| box_sides_px(&usable(i))).collect())
    }

    /// Sizes of the animals of samples, whose missing parts are NaN.
    pub fn of_points<'a>(animals: impl Iterator<Item = &'a Vec<Point>>) -> Option<Self> {
        let usable = |points: &Vec<Point>| {
            points.iter().filter(|p| p[0].is_finite() && p[1].is_finite()).map(|p| p.map(f64::from)).collect::<Vec<_>>()
        };
        Self::of_boxes(animals.filter_map(|points| box_sides_px(&usable(points))).collect())
    }

    fn of_boxes(sides: Vec<[f64; 2]>) -> Option<Self> {
        let mut diagonals: Vec<f64> = sides.iter().map(|[w, h]| w.hypot(*h)).collect();
        diagonals.sort_by(f64::total_cmp);
        Some(Self {
            count: diagonals.len(),
            diagonal_median_px: percentile(&diagonals, 50.0)?,
            diagonal_p95_px: percentile(&diagonals, 95.0)?,
            diagonal_max_px: *diagonals.last()?,
            longest_side_px: sides.into_iter().flatten().fold(0.0, f64::max),
        })
    }
}

/// Width and height of the box around the points; `None` with fewer than two.
fn box_sides_px(points: &[[f64; 2]]) -> Option<[f64; 2]> {
    let side = |axis: usize| {
        let values = points.iter().map(|p| p[axis]);
        values.clone().fold(f64::NEG_INFINITY, f64::max) - values.fold(f64::INFINITY, f64::min)
    };
    (points.len() >= 2).then(|| [side(0), side(1)])
}
