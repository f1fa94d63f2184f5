//! Doubling by repeating every cell, and its gradient.

use super::map::Map;
use rayon::prelude::*;

/// Doubles height and width.
pub fn forward(x: &Map) -> Map {
    let mut y = Map::scratch(x.channels, x.batch, 2 * x.height, 2 * x.width);
    let width = x.width.max(1);
    y.data.par_chunks_mut(4 * width).zip(x.data.par_chunks(width)).for_each(|(y, x)| {
        let (top, bottom) = y.split_at_mut(2 * width);
        for (pair, value) in top.as_chunks_mut::<2>().0.iter_mut().zip(x) {
            *pair = [*value; 2];
        }
        bottom.copy_from_slice(top);
    });
    y
}

/// The gradient of the small map: the sum over the four cells that each became.
pub fn backward(gradient: &Map) -> Map {
    let mut gx = Map::scratch(gradient.channels, gradient.batch, gradient.height / 2, gradient.width / 2);
    let width = gx.width.max(1);
    gx.data.par_chunks_mut(width).zip(gradient.data.par_chunks(4 * width)).for_each(|(gx, g)| {
        let (top, bottom) = g.split_at(2 * width);
        let pairs = top.as_chunks::<2>().0.iter().zip(bottom.as_chunks::<2>().0);
        for (sum, ([a, b], [c, d])) in gx.iter_mut().zip(pairs) {
            *sum = a + b + c + d;
        }
    });
    gx
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_becomes_four_and_gathers_four() {
        let x = Map::from_batch_first(&[1., 2., 3., 4., 5., 6.], [1, 2, 1, 3]);
        let y = forward(&x);
        let (first, second) = ([1., 1., 2., 2., 3., 3.], [4., 4., 5., 5., 6., 6.]);
        assert_eq!(y.data, [first, first, second, second].concat());
        let numbers: Vec<f32> = (0..24).map(|i| i as f32).collect();
        let gradient = Map { data: numbers, ..y };
        assert_eq!(backward(&gradient).data, [14., 22., 30., 62., 70., 78.]);
    }
}
