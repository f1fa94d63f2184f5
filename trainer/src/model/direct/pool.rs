//! Maximum over 2x2 cells.

use super::map::Map;
use rayon::prelude::*;

/// The pooled map and, per cell, which of its four sources (row-major) was the largest; the first of equals.
pub fn forward(x: &Map) -> (Map, Vec<u8>) {
    let (height, width) = (x.height / 2, x.width / 2);
    let mut y = Map::scratch(x.channels, x.batch, height, width);
    let mut from = vec![0u8; y.data.len()];
    let planes = y.data.par_chunks_mut(height * width).zip(from.par_chunks_mut(height * width));
    planes.zip(x.data.par_chunks(x.height * x.width)).for_each(|((y, from), x_plane)| {
        for row in 0..height {
            let (top, bottom) = x_plane[2 * row * 2 * width..(2 * row + 2) * 2 * width].split_at(2 * width);
            for col in 0..width {
                let four = [top[2 * col], top[2 * col + 1], bottom[2 * col], bottom[2 * col + 1]];
                let mut best = 0;
                for i in 1..4 {
                    // A NaN wins, so that it stays visible.
                    if four[i] > four[best] || four[i].is_nan() {
                        best = i;
                    }
                }
                y[row * width + col] = four[best];
                from[row * width + col] = best as u8;
            }
        }
    });
    (y, from)
}

/// Adds the gradient of the pooled map to that of its input.
pub fn backward(gradient: &Map, from: &[u8], gx: &mut Map) {
    let (height, width) = (gradient.height, gradient.width);
    let planes = gx.data.par_chunks_mut(4 * height * width).zip(gradient.data.par_chunks(height * width));
    planes.zip(from.par_chunks(height * width)).for_each(|((gx, g), from)| {
        for (i, (g, &from)) in g.iter().zip(from).enumerate() {
            let (row, col) = (i / width, i % width);
            gx[(2 * row + from as usize / 2) * 2 * width + 2 * col + from as usize % 2] += g;
        }
    });
}
