//! Tiles of rows as matrices, and matrix products.

use super::map::Map;
use crate::error::Result;
use crate::model::pose_net::read;
use burn::tensor::{Device, Tensor, TensorData};
use std::ops::Range;

/// Numbers of one tile's matrix; 1 MiB, so that it stays in a core's second-level cache.
const TILE_LEN: usize = 256 * 1024;

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

/// Splits the rows of a map with `row_len` columns into tiles whose matrices of `matrix_rows` rows fit the cache.
/// There are at least a few tiles, for the threads; the split depends on the sizes alone.
pub fn tiles(rows: usize, row_len: usize, matrix_rows: usize) -> Vec<Range<usize>> {
    let most = (TILE_LEN / (matrix_rows * row_len).max(1)).max(1);
    let per_tile = most.min(rows.div_ceil(4)).max(1);
    (0..rows).step_by(per_tile).map(|start| start..(start + per_tile).min(rows)).collect()
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
    fn tiles_cover_all_rows_once() {
        let tiles = tiles(37, 100, 2000);
        assert_eq!(tiles.iter().map(Range::len).sum::<usize>(), 37);
        assert!(tiles.windows(2).all(|t| t[0].end == t[1].start));
    }
}
