//! Transposed 3x3 convolution with stride 2 (`y[2j + k] += x[j] w[k]`, cut to twice the size) and its gradients.

use super::map::Map;
use super::tiles::{cells, matrix, numbers, tiles};
use crate::error::Result;
use crate::model::plan::ParamShape;
use rayon::prelude::*;
use std::ops::Range;

/// `y = relu(conv_transposed(x) + bias)`; `weight` is `[in][out][ky][kx]`.
pub fn forward(x: &Map, shape: &ParamShape, weight: &[f32], bias: &[f32]) -> Result<Map> {
    let (cin, cout) = (shape.channels_in, shape.channels_out);
    let right = matrix(weight.to_vec(), cin, cout * 9).transpose();
    let left = matrix(x.data.clone(), cin, x.channel_len());
    let product = numbers(right.matmul(left))?;
    let mut y = Map::zeros(cout, x.batch, 2 * x.height, 2 * x.width);
    let (len, out_len) = (x.channel_len(), y.channel_len());
    let (rows, width, height) = (x.rows(), x.width, x.height);
    y.data.par_chunks_mut(out_len).enumerate().for_each(|(c, channel)| {
        channel.fill(bias[c]);
        for (tap, source) in product[c * 9 * len..(c + 1) * 9 * len].chunks(len).enumerate() {
            for row in 0..rows {
                let Some(out_row) = output_row(row, tap / 3, height) else { continue };
                let target = &mut channel[out_row * 2 * width..(out_row + 1) * 2 * width];
                for (i, s) in source[row * width..(row + 1) * width].iter().enumerate() {
                    if let Some(t) = target.get_mut(2 * i + tap % 3) {
                        *t += s;
                    }
                }
            }
        }
        for v in channel.iter_mut() {
            *v = if *v < 0.0 { 0.0 } else { *v };
        }
    });
    Ok(y)
}

/// Row of the output that input `row` (over the whole batch) reaches with `ky`, if it is not cut.
fn output_row(row: usize, ky: usize, height: usize) -> Option<usize> {
    let inside = 2 * (row % height) + ky;
    (inside < 2 * height).then_some(row / height * 2 * height + inside)
}

/// For a tile of input rows: row (out channel, ky, kx), one column per input cell.
fn strided_patches(gradient: &Map, rows: Range<usize>) -> Vec<f32> {
    let (height, width) = (gradient.height / 2, gradient.width / 2);
    let mut out = Vec::with_capacity(gradient.channels * 9 * rows.len() * width);
    for c in 0..gradient.channels {
        let channel = &gradient.data[c * gradient.channel_len()..(c + 1) * gradient.channel_len()];
        for tap in 0..9 {
            for row in rows.clone() {
                let Some(out_row) = output_row(row, tap / 3, height) else {
                    out.resize(out.len() + width, 0.0);
                    continue;
                };
                let source = &channel[out_row * 2 * width..(out_row + 1) * 2 * width];
                out.extend((0..width).map(|i| source.get(2 * i + tap % 3).copied().unwrap_or(0.0)));
            }
        }
    }
    out
}

/// Where the ReLU cut, the gradient is 0.
pub fn relu_gradient(y: &Map, gradient: &mut Map) {
    gradient.data.par_chunks_mut(1 << 14).zip(y.data.par_chunks(1 << 14)).for_each(|(g, y)| {
        for (g, y) in g.iter_mut().zip(y) {
            *g = if *y > 0.0 { *g } else { 0.0 };
        }
    });
}

/// Gradient of the bias: the sum over each channel.
pub fn bias_gradient(gradient: &Map) -> Vec<f32> {
    let sum = |channel: &[f32]| channel.chunks(256).map(|c| f64::from(c.iter().sum::<f32>())).sum::<f64>() as f32;
    gradient.data.par_chunks(gradient.channel_len().max(1)).map(sum).collect()
}

/// Gradients of input and weights. `gradient` is already cut by the ReLU.
pub fn backward(x: &Map, gradient: &Map, shape: &ParamShape, weight: &[f32]) -> Result<(Map, Vec<f32>)> {
    let (cin, columns) = (shape.channels_in, shape.channels_out * 9);
    let left = matrix(weight.to_vec(), cin, columns);
    let tiles = tiles(x.rows(), x.width, columns);
    let parts: Vec<(Vec<f32>, Vec<f32>)> = tiles
        .par_iter()
        .map(|tile| {
            let len = tile.len() * x.width;
            let right = matrix(strided_patches(gradient, tile.clone()), columns, len);
            let input = numbers(left.clone().matmul(right.clone()))?;
            let weights = numbers(matrix(cells(x, tile.clone()), cin, len).matmul(right.transpose()))?;
            Ok((input, weights))
        })
        .collect::<Result<_>>()?;
    let mut gx = Map::zeros(cin, x.batch, x.height, x.width);
    let mut gw = vec![0.0f32; weight.len()];
    for (tile, (input, weights)) in tiles.iter().zip(&parts) {
        let len = tile.len() * x.width;
        for c in 0..cin {
            let start = c * x.channel_len() + tile.start * x.width;
            gx.data[start..start + len].copy_from_slice(&input[c * len..(c + 1) * len]);
        }
        for (t, p) in gw.iter_mut().zip(weights) {
            *t += p;
        }
    }
    Ok((gx, gw))
}
