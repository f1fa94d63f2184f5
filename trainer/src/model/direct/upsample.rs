//! Bilinear doubling with half-pixel centres (see [`crate::model::upsample`]) and its gradient.

use super::map::Map;
use rayon::prelude::*;

/// Doubles height and width.
pub fn forward(x: &Map) -> Map {
    let (h, w) = (x.height, x.width);
    let mut y = Map::scratch(x.channels, x.batch, 2 * h, 2 * w);
    y.data.par_chunks_mut(4 * h * w).zip(x.data.par_chunks(h * w)).for_each(|(y, x)| {
        let mut row = vec![0.0f32; w];
        for oy in 0..2 * h {
            let (near, far) = neighbours(oy, h);
            for (r, (a, b)) in row.iter_mut().zip(x[near * w..].iter().zip(&x[far * w..far * w + w])) {
                *r = 0.75 * a + 0.25 * b;
            }
            double_row(&row, &mut y[oy * 2 * w..(oy + 1) * 2 * w]);
        }
    });
    y
}

/// Source cells of output cell `o`: the near one with weight 3/4 and the far one with 1/4.
fn neighbours(o: usize, n: usize) -> (usize, usize) {
    let near = o / 2;
    let far = if o.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(n - 1) };
    (near, far)
}

fn double_row(row: &[f32], out: &mut [f32]) {
    let last = row.len() - 1;
    out[0] = row[0];
    out[2 * last + 1] = row[last];
    for (i, pair) in row.windows(2).enumerate() {
        out[2 * i + 1] = 0.75 * pair[0] + 0.25 * pair[1];
        out[2 * i + 2] = 0.25 * pair[0] + 0.75 * pair[1];
    }
}

/// The transposed operation: gradient of the small map.
pub fn backward(gradient: &Map) -> Map {
    let (h, w) = (gradient.height / 2, gradient.width / 2);
    let mut gx = Map::scratch(gradient.channels, gradient.batch, h, w);
    gx.data.par_chunks_mut(h * w).zip(gradient.data.par_chunks(4 * h * w)).for_each(|(gx, g)| {
        let mut row = vec![0.0f32; w];
        gx.fill(0.0);
        for oy in 0..2 * h {
            let (near, far) = neighbours(oy, h);
            halve_row(&g[oy * 2 * w..(oy + 1) * 2 * w], &mut row);
            for (t, r) in gx[near * w..(near + 1) * w].iter_mut().zip(&row) {
                *t += 0.75 * r;
            }
            for (t, r) in gx[far * w..(far + 1) * w].iter_mut().zip(&row) {
                *t += 0.25 * r;
            }
        }
    });
    gx
}

fn halve_row(g: &[f32], row: &mut [f32]) {
    let last = row.len() - 1;
    row.fill(0.0);
    row[0] += g[0];
    row[last] += g[2 * last + 1];
    for i in 0..last {
        let (a, b) = (g[2 * i + 1], g[2 * i + 2]);
        row[i] += 0.75 * a + 0.25 * b;
        row[i + 1] += 0.25 * a + 0.75 * b;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::upsample::tests::naive;

    #[test]
    fn equals_the_definition() {
        for (h, w) in [(1, 1), (1, 4), (3, 2), (5, 7)] {
            let x: Vec<f32> = (0..h * w).map(|i| ((i * 37) % 11) as f32 - 3.0).collect();
            let y = forward(&Map::from_batch_first(&x, [1, 1, h, w]));
            assert!(y.data.iter().zip(naive(&x, h, w)).all(|(a, b)| (a - b).abs() < 1e-5), "{h}x{w}");
        }
    }
}
