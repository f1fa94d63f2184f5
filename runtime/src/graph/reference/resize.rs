//! Scaling of height and width, by ONNX's definition.

use super::map::Map;
use crate::graph::{Filter, Resize, Rounding, Shape};

pub(super) fn resize(op: &Resize, input: &Map, shape: Shape) -> Map {
    let (from, to) = (input.shape, shape);
    Map::build(shape, |n, c, y, x| {
        let row = op.source(0, y, from.height, to.height);
        let column = op.source(1, x, from.width, to.width);
        match op.filter {
            Filter::Nearest(rounding) => {
                input.at(n, c, nearest(row, rounding, from.height), nearest(column, rounding, from.width))
            }
            Filter::Linear => {
                let ([above, below], v) = neighbours(row, from.height);
                let ([left, right], h) = neighbours(column, from.width);
                let upper = input.at(n, c, above, left) * (1.0 - h) + input.at(n, c, above, right) * h;
                let lower = input.at(n, c, below, left) * (1.0 - h) + input.at(n, c, below, right) * h;
                upper * (1.0 - v) + lower * v
            }
        }
    })
}

fn nearest(at: f32, rounding: Rounding, side: usize) -> usize {
    let rounded = match rounding {
        Rounding::PreferFloor => libm::ceilf(at - 0.5),
        Rounding::PreferCeil => libm::floorf(at + 0.5),
        Rounding::Floor => libm::floorf(at),
        Rounding::Ceil => libm::ceilf(at),
    };
    (rounded.max(0.0) as usize).min(side - 1)
}

/// The rows before and behind, and how far it is from the first to the second.
fn neighbours(at: f32, side: usize) -> ([usize; 2], f64) {
    let at = at.clamp(0.0, (side - 1) as f32);
    let before = at as usize;
    ([before, (before + 1).min(side - 1)], f64::from(at - before as f32))
}
