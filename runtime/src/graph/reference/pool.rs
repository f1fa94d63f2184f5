//! Pooling, softmax and padding.

use super::map::Map;
use crate::graph::{PadWith, Pool, Shape};

/// What a pooling window makes of the numbers under it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pooling {
    Max,
    /// Mean; `count_padding`: over the padded places too.
    Mean {
        count_padding: bool,
    },
}

pub(super) fn pool(pool: &Pool, pooling: Pooling, input: &Map, shape: Shape) -> Map {
    let window = &pool.window;
    let Shape { height, width, .. } = input.shape;
    let [top, left, bottom, right] = window.pads_px([height, width]);
    Map::build(shape, |n, c, y, x| {
        let (mut largest, mut sum, mut inside, mut padded) = (f64::NEG_INFINITY, 0.0, 0, 0);
        for ky in 0..window.kernel[0] {
            for kx in 0..window.kernel[1] {
                let row = y * window.stride[0] + ky * window.dilation[0];
                let column = x * window.stride[1] + kx * window.dilation[1];
                padded += usize::from(row < top + height + bottom && column < left + width + right);
                if let Some(number) = input.within(n, c, row.checked_sub(top), column.checked_sub(left)) {
                    largest = if number > largest || number.is_nan() { number } else { largest };
                    sum += number;
                    inside += 1;
                }
            }
        }
        match pooling {
            Pooling::Max => largest,
            Pooling::Mean { count_padding: true } => sum / padded as f64,
            Pooling::Mean { count_padding: false } => sum / f64::from(inside),
        }
    })
}

pub(super) fn global(pooling: Pooling, input: &Map, shape: Shape) -> Map {
    let cells = input.shape.height * input.shape.width;
    Map::build(shape, |n, c, _, _| {
        let start = (n * input.shape.channels + c) * cells;
        let numbers = input.data[start..start + cells].iter().map(|v| f64::from(*v));
        match pooling {
            Pooling::Max => numbers.fold(f64::NEG_INFINITY, |a, b| if b > a || b.is_nan() { b } else { a }),
            Pooling::Mean { .. } => numbers.sum::<f64>() / cells as f64,
        }
    })
}

pub(super) fn softmax(input: &Map) -> Map {
    let channels = input.shape.channels;
    Map::build(input.shape, |n, c, y, x| {
        let all = (0..channels).map(|c| input.at(n, c, y, x));
        let largest = all.clone().fold(f64::NEG_INFINITY, f64::max);
        let exp = |v: f64| libm::exp(v - largest);
        exp(input.at(n, c, y, x)) / all.map(exp).sum::<f64>()
    })
}

pub(super) fn pad(pads_px: [usize; 4], with: PadWith, input: &Map, shape: Shape) -> Map {
    let inside = |at: usize, before: usize, side: usize| match with {
        PadWith::Constant(_) => at.checked_sub(before),
        PadWith::Edge => Some(at.saturating_sub(before).min(side - 1)),
        PadWith::Reflect => {
            let mirrored = at.abs_diff(before);
            Some(if mirrored < side { mirrored } else { 2 * (side - 1) - mirrored })
        }
    };
    let outside = if let PadWith::Constant(number) = with { f64::from(number) } else { 0.0 };
    Map::build(shape, |n, c, y, x| {
        let (row, column) = (inside(y, pads_px[0], input.shape.height), inside(x, pads_px[1], input.shape.width));
        input.within(n, c, row, column).unwrap_or(outside)
    })
}
