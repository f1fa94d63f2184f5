//! Convolution with stride 1 and its gradients.

use super::map::Map;
use super::patches::{Matrix, cells, matrix, numbers, patches, tiles};
use crate::error::Result;
use crate::model::plan::ParamShape;
use rayon::prelude::*;
use std::ops::Range;

/// `y = conv(x) + bias`, then a ReLU if asked. `weight` is `[out][in][ky][kx]`.
pub fn forward(x: &Map, shape: &ParamShape, weight: &[f32], bias: Option<&[f32]>, relu: bool) -> Result<Map> {
    let k = shape.kernel;
    let columns = shape.channels_in * k * k;
    let weight = matrix(weight.to_vec(), shape.channels_out, columns);
    let tiles = tiles(x.rows(), x.width, columns);
    let products: Vec<Vec<f32>> = tiles
        .par_iter()
        .map(|tile| {
            let right = matrix(patches(x, k, tile.clone()), columns, tile.len() * x.width);
            numbers(weight.clone().matmul(right))
        })
        .collect::<Result<_>>()?;
    let mut y = Map::zeros(shape.channels_out, x.batch, x.height, x.width);
    gather(&mut y, &tiles, &products, bias, relu);
    Ok(y)
}

/// Joins the tiles' products to a map, adding the bias and applying the ReLU on the way.
fn gather(y: &mut Map, tiles: &[Range<usize>], products: &[Vec<f32>], bias: Option<&[f32]>, relu: bool) {
    let (width, channel_len) = (y.width, y.channel_len());
    y.data.par_chunks_mut(channel_len).enumerate().for_each(|(c, channel)| {
        let offset = bias.map_or(0.0, |b| b[c]);
        let floor = if relu { 0.0 } else { f32::NEG_INFINITY };
        for (tile, product) in tiles.iter().zip(products) {
            let len = tile.len() * width;
            let target = &mut channel[tile.start * width..tile.end * width];
            for (t, p) in target.iter_mut().zip(&product[c * len..(c + 1) * len]) {
                let sum = p + offset;
                // Not `max`: a NaN must stay visible.
                *t = if sum < floor { floor } else { sum };
            }
        }
    });
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

/// Gradient of the weights, `[out][in][ky][kx]`.
pub fn weight_gradient(x: &Map, gradient: &Map, shape: &ParamShape) -> Result<Vec<f32>> {
    let k = shape.kernel;
    let columns = shape.channels_in * k * k;
    let tiles = tiles(x.rows(), x.width, columns);
    // In groups, so that only a few partial sums are held at once.
    let mut total = vec![0.0f32; shape.channels_out * columns];
    for group in tiles.chunks(16) {
        let parts: Vec<Vec<f32>> = group.par_iter().map(|tile| partial(x, gradient, k, tile)).collect::<Result<_>>()?;
        for part in parts {
            for (t, p) in total.iter_mut().zip(part) {
                *t += p;
            }
        }
    }
    Ok(total)
}

fn partial(x: &Map, gradient: &Map, k: usize, tile: &Range<usize>) -> Result<Vec<f32>> {
    let len = tile.len() * x.width;
    let left: Matrix = matrix(cells(gradient, tile.clone()), gradient.channels, len);
    let right = matrix(patches(x, k, tile.clone()), x.channels * k * k, len);
    numbers(left.matmul(right.transpose()))
}

/// Gradient of the input: a convolution with the kernel turned by 180 degrees and in and out exchanged.
pub fn input_gradient(gradient: &Map, shape: &ParamShape, weight: &[f32]) -> Result<Map> {
    let (cin, cout, area) = (shape.channels_in, shape.channels_out, shape.kernel * shape.kernel);
    let mut turned = vec![0.0; weight.len()];
    for o in 0..cout {
        for i in 0..cin {
            for t in 0..area {
                turned[(i * cout + o) * area + t] = weight[(o * cin + i) * area + area - 1 - t];
            }
        }
    }
    let swapped = ParamShape { channels_in: cout, channels_out: cin, ..shape.clone() };
    forward(gradient, &swapped, &turned, None, false)
}
