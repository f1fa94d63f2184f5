//! A map with its numbers.

use crate::graph::Shape;
use alloc::vec::Vec;

/// Numbers in the order batch, channels, height, width.
#[derive(Debug, Clone)]
pub(super) struct Map {
    pub shape: Shape,
    pub data: Vec<f32>,
}

impl Map {
    /// One number per place, from a function of image, channel, row and column.
    pub fn build(shape: Shape, mut number: impl FnMut(usize, usize, usize, usize) -> f64) -> Self {
        let mut data = Vec::with_capacity(shape.numbers());
        for n in 0..shape.batch {
            for c in 0..shape.channels {
                for y in 0..shape.height {
                    for x in 0..shape.width {
                        data.push(number(n, c, y, x) as f32);
                    }
                }
            }
        }
        Self { shape, data }
    }

    /// The number at a place; a side of 1 is repeated.
    pub fn at(&self, n: usize, c: usize, y: usize, x: usize) -> f64 {
        let Shape { channels, height, width, .. } = self.shape;
        let fit = |index: usize, side: usize| if side == 1 { 0 } else { index };
        let row = (n * channels + fit(c, channels)) * height + fit(y, height);
        f64::from(self.data[row * width + fit(x, width)])
    }

    /// The number at a place that may lie outside, where it is `None`.
    pub fn within(&self, n: usize, c: usize, y: Option<usize>, x: Option<usize>) -> Option<f64> {
        let (y, x) = (y.filter(|y| *y < self.shape.height)?, x.filter(|x| *x < self.shape.width)?);
        Some(self.at(n, c, y, x))
    }
}
