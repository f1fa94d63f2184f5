//! Convolutions, by their definition.

use super::map::Map;
use crate::graph::{Constant, Conv, ConvTranspose, Shape};

pub(super) fn conv(op: &Conv, weight: &Constant<'_>, bias: Option<&Constant<'_>>, input: &Map, shape: Shape) -> Map {
    let [_, channels, rows, columns] = four(weight);
    let window = &op.window;
    let [top, left, ..] = window.pads_px([input.shape.height, input.shape.width]);
    let out_per_group = shape.channels / op.groups;
    Map::build(shape, |n, o, y, x| {
        let mut sum = bias.map_or(0.0, |b| f64::from(b.data.at(o)));
        for c in 0..channels {
            for ky in 0..rows {
                for kx in 0..columns {
                    let row = (y * window.stride[0] + ky * window.dilation[0]).checked_sub(top);
                    let column = (x * window.stride[1] + kx * window.dilation[1]).checked_sub(left);
                    let tap = weight.data.at(((o * channels + c) * rows + ky) * columns + kx);
                    let source = input.within(n, o / out_per_group * channels + c, row, column);
                    sum += f64::from(tap) * source.unwrap_or(0.0);
                }
            }
        }
        op.activation.of(sum)
    })
}

pub(super) fn transposed(
    op: &ConvTranspose,
    weight: &Constant<'_>,
    bias: Option<&Constant<'_>>,
    input: &Map,
    shape: Shape,
) -> Map {
    let [channels, out, rows, columns] = four(weight);
    let window = &op.window;
    let [top, left, ..] = op.cut_px();
    let in_per_group = channels / op.groups;
    // Place `at` of the full result gets input `(at - k * dilation) / stride` through tap `k`, where that is whole.
    let source = |at: usize, k: usize, axis: usize| {
        let reached = at.checked_sub(k * window.dilation[axis])?;
        reached.is_multiple_of(window.stride[axis]).then_some(reached / window.stride[axis])
    };
    Map::build(shape, |n, o, y, x| {
        let mut sum = bias.map_or(0.0, |b| f64::from(b.data.at(o)));
        let (group, within) = (o / out, o % out);
        for c in group * in_per_group..(group + 1) * in_per_group {
            for ky in 0..rows {
                for kx in 0..columns {
                    let (row, column) = (source(y + top, ky, 0), source(x + left, kx, 1));
                    let tap = weight.data.at(((c * out + within) * rows + ky) * columns + kx);
                    sum += f64::from(tap) * input.within(n, c, row, column).unwrap_or(0.0);
                }
            }
        }
        op.activation.of(sum)
    })
}

fn four(weight: &Constant<'_>) -> [usize; 4] {
    let mut sides = [1; 4];
    sides.iter_mut().zip(&weight.dims).for_each(|(side, dim)| *side = *dim);
    sides
}
