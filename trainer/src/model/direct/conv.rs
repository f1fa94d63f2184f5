//! Convolution with stride 1 and its gradients.

use super::correlate::{BLOCK, correlate, pack, weight_sums};
use super::map::Map;
use super::padded::Padded;
use crate::model::plan::ParamShape;
use rayon::prelude::*;
use std::ops::Range;

/// Places of one tile: three rows of some dozen channels then lie in the second-level cache.
const TILE_PLACES: usize = 2048;
/// Input channels of one task of the weight gradient.
const INPUTS: usize = 8;

/// `y = conv(x) + bias`, then a ReLU if asked. `weight` is `[out][in][ky][kx]`.
pub fn forward(x: &Map, shape: &ParamShape, weight: &[f32], bias: Option<&[f32]>, relu: bool) -> Map {
    let mut y = Map::scratch(shape.channels_out, x.batch, x.height, x.width);
    let padded = Padded::new(x, shape.kernel / 2, None);
    forward_padded(&padded, shape, weight, bias, relu, &mut y);
    padded.recycle();
    y
}

fn forward_padded(x: &Padded, shape: &ParamShape, weight: &[f32], bias: Option<&[f32]>, relu: bool, y: &mut Map) {
    let taps = x.taps(shape.kernel);
    let packed = pack(weight, shape.channels_out, shape.channels_in, taps.len());
    let tiles = x.tiles(TILE_PLACES);
    let sums: Vec<Vec<f32>> = tiles.par_iter().map(|tile| correlate(x, &taps, &packed, tile.clone())).collect();
    gather(y, x, &tiles, &sums, bias, relu);
    sums.into_iter().for_each(super::buffers::give);
}

/// Joins the tiles' sums to a map, adding the bias and applying the ReLU on the way.
fn gather(y: &mut Map, x: &Padded, tiles: &[Range<usize>], sums: &[Vec<f32>], bias: Option<&[f32]>, relu: bool) {
    let (width, channel_len) = (y.width, y.channel_len());
    y.data.par_chunks_mut(channel_len.max(1)).enumerate().for_each(|(c, channel)| {
        let offset = bias.map_or(0.0, |b| b[c]);
        let floor = if relu { 0.0 } else { f32::NEG_INFINITY };
        for (tile, sums) in tiles.iter().zip(sums) {
            let of_channel = &sums[c * tile.len() * x.row_len..(c + 1) * tile.len() * x.row_len];
            for (row, sums) in tile.clone().zip(of_channel.chunks_exact(x.row_len)) {
                let Some(row) = x.map_row(row) else { continue };
                for (t, s) in channel[row * width..(row + 1) * width].iter_mut().zip(sums) {
                    let sum = s + offset;
                    // Not `max`: a NaN must stay visible.
                    *t = if sum < floor { floor } else { sum };
                }
            }
        }
    });
}

/// Gradients of weights (`[out][in][ky][kx]`) and, if asked, of the input. Where `relu` (the convolution's result) is given,
/// the gradient is cut where it is not positive; the gradient of the bias is summed from what is left.
pub fn backward(x: &Map, gradient: &Map, relu: Option<&Map>, shape: &ParamShape, weight: &[f32], wants_input: bool) -> Backward {
    let half = shape.kernel / 2;
    let gradient = Padded::new(gradient, half, relu);
    let input = wants_input.then(|| {
        let mut gx = Map::scratch(shape.channels_in, x.batch, x.height, x.width);
        input_gradient(&gradient, shape, weight, &mut gx);
        gx
    });
    let bias = bias_gradient(&gradient);
    let padded = Padded::new(x, half, None);
    let weight = weight_gradient(&padded, &gradient, shape);
    padded.recycle();
    gradient.recycle();
    Backward { weight, bias, input }
}

/// Gradients of one convolution.
pub struct Backward {
    /// `[out][in][ky][kx]`.
    pub weight: Vec<f32>,
    /// `[out]`.
    pub bias: Vec<f32>,
    /// Of the input.
    pub input: Option<Map>,
}

fn bias_gradient(gradient: &Padded) -> Vec<f32> {
    let sum = |channel: &[f32]| channel.chunks(256).map(|c| f64::from(c.iter().sum::<f32>())).sum::<f64>() as f32;
    gradient.data.par_chunks(gradient.channel_len.max(1)).map(sum).collect()
}

/// Tasks are blocks of output times input channels, so that no two add to the same weight.
fn weight_gradient(x: &Padded, gradient: &Padded, shape: &ParamShape) -> Vec<f32> {
    let (cin, cout, area) = (shape.channels_in, shape.channels_out, shape.kernel * shape.kernel);
    let taps = x.taps(shape.kernel);
    let blocks = (0..cout).step_by(BLOCK).flat_map(|o| (0..cin).step_by(INPUTS).map(move |i| (o, i..(i + INPUTS).min(cin))));
    let tasks: Vec<(usize, Range<usize>)> = blocks.collect();
    let parts: Vec<Vec<f32>> = tasks.par_iter().map(|(o, i)| weight_sums(x, gradient, &taps, *o, i.clone())).collect();
    let mut total = vec![0.0f32; cout * cin * area];
    for ((first, inputs), part) in tasks.iter().zip(parts) {
        for (o, part) in part.chunks_exact(inputs.len() * area).enumerate() {
            let at = ((first + o) * cin + inputs.start) * area;
            total[at..at + part.len()].copy_from_slice(part);
        }
    }
    total
}

/// A convolution with the kernel turned by 180 degrees and in and out exchanged.
fn input_gradient(gradient: &Padded, shape: &ParamShape, weight: &[f32], gx: &mut Map) {
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
    forward_padded(gradient, &swapped, &turned, None, false, gx);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::Role;

    fn numbers(len: usize, seed: usize) -> Vec<f32> {
        (0..len).map(|i| ((i * 7919 + seed * 104_729) % 201) as f32 / 100.0 - 1.0).collect()
    }

    fn map(channels: usize, [batch, height, width]: [usize; 3], seed: usize) -> Map {
        Map { channels, batch, height, width, data: numbers(channels * batch * height * width, seed) }
    }

    /// `x` at a cell that may lie outside, in the order of [`Map`].
    fn at(x: &Map, c: usize, b: usize, row: isize, column: isize) -> f64 {
        let inside = (0..x.height as isize).contains(&row) && (0..x.width as isize).contains(&column);
        let cell = || ((c * x.batch + b) * x.height + row as usize) * x.width + column as usize;
        if inside { f64::from(x.data[cell()]) } else { 0.0 }
    }

    /// Calls `visit(out, in, tap, batch, row, column, input value)` for every product of a convolution.
    fn visit_products(x: &Map, shape: &ParamShape, mut visit: impl FnMut([usize; 6], f64)) {
        let half = shape.kernel as isize / 2;
        for o in 0..shape.channels_out {
            for i in 0..shape.channels_in {
                for tap in 0..shape.kernel * shape.kernel {
                    for cell in 0..x.channel_len() {
                        let (b, y, column) = (cell / (x.height * x.width), cell / x.width % x.height, cell % x.width);
                        let (ky, kx) = ((tap / shape.kernel) as isize, (tap % shape.kernel) as isize);
                        let value = at(x, i, b, y as isize + ky - half, column as isize + kx - half);
                        visit([o, i, tap, b, y, column], value);
                    }
                }
            }
        }
    }

    fn close(got: &[f32], expected: &[f64], what: &str) {
        let largest = expected.iter().fold(1.0f64, |m, v| m.max(v.abs()));
        let worst = got.iter().zip(expected).map(|(g, e)| (f64::from(*g) - e).abs()).fold(0.0, f64::max);
        assert_eq!(got.len(), expected.len(), "{what}");
        assert!(worst <= 1e-5 * largest, "{what}: {worst} of {largest}");
    }

    #[test]
    fn equals_the_definition() {
        for (cin, cout, kernel, size) in [
            (1, 1, 1, [1, 1, 1]),
            (11, 6, 1, [2, 5, 9]),
            (1, 5, 3, [2, 3, 4]),
            (3, 4, 3, [1, 1, 7]),
            (9, 13, 3, [3, 10, 10]),
            (2, 6, 7, [1, 5, 33]),
        ] {
            let (name, groups, role) = ("c".into(), 1, Role::Relu);
            let shape = ParamShape { name, channels_in: cin, channels_out: cout, groups, kernel, transposed: false, role };
            let (x, weight, bias) = (map(cin, size, 1), numbers(cin * cout * kernel * kernel, 2), numbers(cout, 3));
            let what = format!("{cin} -> {cout}, {kernel}x{kernel}, {size:?}");
            let area = kernel * kernel;
            let mut y = vec![0.0f64; cout * x.channel_len()];
            let cell = |[_, _, _, b, row, column]: [usize; 6]| (b * x.height + row) * x.width + column;
            visit_products(&x, &shape, |n, value| {
                y[n[0] * x.channel_len() + cell(n)] += value * f64::from(weight[(n[0] * cin + n[1]) * area + n[2]]);
            });
            y.iter_mut().enumerate().for_each(|(n, y)| *y = (*y + f64::from(bias[n / x.channel_len()])).max(0.0));
            let result = forward(&x, &shape, &weight, Some(&bias), true);
            close(&result.data, &y, &format!("forward {what}"));

            let gradient = map(cout, size, 4);
            let cut = |n: usize| if result.data[n] > 0.0 { f64::from(gradient.data[n]) } else { 0.0 };
            let (mut gw, mut gx) = (vec![0.0f64; weight.len()], vec![0.0f64; x.data.len()]);
            let half = kernel as isize / 2;
            visit_products(&x, &shape, |n, value| {
                let g = cut(n[0] * x.channel_len() + cell(n));
                let place = (n[0] * cin + n[1]) * area + n[2];
                gw[place] += value * g;
                let row = n[4] as isize + (n[2] / kernel) as isize - half;
                let column = n[5] as isize + (n[2] % kernel) as isize - half;
                if (0..x.height as isize).contains(&row) && (0..x.width as isize).contains(&column) {
                    gx[((n[1] * x.batch + n[3]) * x.height + row as usize) * x.width + column as usize] +=
                        g * f64::from(weight[place]);
                }
            });
            let back = backward(&x, &gradient, Some(&result), &shape, &weight, true);
            close(&back.weight, &gw, &format!("weights {what}"));
            close(&back.input.unwrap().data, &gx, &format!("input {what}"));
            let sums = (0..cout).map(|o| (0..x.channel_len()).map(|n| cut(o * x.channel_len() + n)).sum());
            close(&back.bias, &sums.collect::<Vec<f64>>(), &format!("bias {what}"));
        }
    }
}
