//! Patches of a tile of rows as a matrix, and matrix products.

use super::map::Map;
use crate::error::Result;
use crate::model::pose_net::read;
use burn::tensor::{Device, Tensor, TensorData};
use std::ops::Range;

/// Numbers of one patch matrix; 1 MiB, so that it stays in a core's second-level cache.
const PATCH_LEN: usize = 256 * 1024;

/// A matrix for products on the CPU.
pub type Matrix = Tensor<2>;

/// Row-major numbers as a matrix.
pub fn matrix(data: Vec<f32>, rows: usize, columns: usize) -> Matrix {
    Tensor::from_data(TensorData::new(data, [rows, columns]), &Device::default())
}

/// The numbers of a product, row by row.
///
/// # Errors
/// When burn cannot hand them out.
pub fn numbers(product: Matrix) -> Result<Vec<f32>> {
    read(product)
}

/// Splits the rows of a map with `row_len` columns into tiles whose patch matrices of `patch_rows` rows fit the cache.
/// There are at least a few tiles, for the threads; the split depends on the sizes alone.
pub fn tiles(rows: usize, row_len: usize, patch_rows: usize) -> Vec<Range<usize>> {
    let most = (PATCH_LEN / (patch_rows * row_len).max(1)).max(1);
    let per_tile = most.min(rows.div_ceil(4)).max(1);
    (0..rows).step_by(per_tile).map(|start| start..(start + per_tile).min(rows)).collect()
}

/// The `kernel` x `kernel` neighbourhoods of a tile's cells, zero outside of the image: row (channel, ky, kx), one column per
/// cell.
pub fn patches(x: &Map, kernel: usize, rows: Range<usize>) -> Vec<f32> {
    let (half, width) = (kernel / 2, x.width);
    let mut out = Vec::with_capacity(x.channels * kernel * kernel * rows.len() * width);
    for c in 0..x.channels {
        let channel = &x.data[c * x.channel_len()..(c + 1) * x.channel_len()];
        for ky in 0..kernel {
            for kx in 0..kernel {
                for row in rows.clone() {
                    let y = row % x.height + ky;
                    if y < half || y - half >= x.height {
                        out.resize(out.len() + width, 0.0);
                        continue;
                    }
                    let start = (row + ky - half) * width;
                    shifted_row(&channel[start..start + width], kx, half, &mut out);
                }
            }
        }
    }
    out
}

/// Appends `row` shifted left by `kx - half` cells, zeros entering.
fn shifted_row(row: &[f32], kx: usize, half: usize, out: &mut Vec<f32>) {
    let width = row.len();
    if kx >= half {
        let shift = (kx - half).min(width);
        out.extend_from_slice(&row[shift..]);
        out.resize(out.len() + shift, 0.0);
    } else {
        let shift = (half - kx).min(width);
        out.resize(out.len() + shift, 0.0);
        out.extend_from_slice(&row[..width - shift]);
    }
}

/// A tile's cells: one row per channel.
pub fn cells(x: &Map, rows: Range<usize>) -> Vec<f32> {
    let (start, end) = (rows.start * x.width, rows.end * x.width);
    let mut out = Vec::with_capacity(x.channels * (end - start));
    for c in 0..x.channels {
        let base = c * x.channel_len();
        out.extend_from_slice(&x.data[base + start..base + end]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbourhoods_are_zero_outside() {
        let x = Map::from_batch_first(&[1., 2., 3., 4.], [1, 1, 2, 2]);
        let p = patches(&x, 3, 0..2);
        assert_eq!(p[4 * 4..5 * 4], [1., 2., 3., 4.], "centre");
        assert_eq!(p[0..4], [0., 0., 0., 1.], "up and left");
        assert_eq!(p[5 * 4..6 * 4], [2., 0., 4., 0.], "right");
        assert_eq!(patches(&x, 7, 0..2).len(), 49 * 4);
    }

    #[test]
    fn tiles_cover_all_rows_once() {
        let tiles = tiles(37, 100, 2000);
        assert_eq!(tiles.iter().map(Range::len).sum::<usize>(), 37);
        assert!(tiles.windows(2).all(|t| t[0].end == t[1].start));
    }
}
