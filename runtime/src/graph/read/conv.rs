//! Convolutions and fully connected layers.

use super::axes::{Axes, BATCH, CHANNELS};
use super::node::At;
use super::reader::Reader;
use crate::error::Error;
use crate::graph::{Activation, Conv, ConvTranspose, Op, Padding, Window};
use alloc::vec;
use alloc::vec::Vec;

pub(super) fn conv<'a>(reader: &mut Reader<'a>, at: At<'_, 'a>) -> Result<(), Error> {
    let input = reader.channels_first(at, 0)?;
    let weight = reader.weights(at, 1, 4)?.ok_or_else(|| at.fault("it has no weights"))?;
    let bias = reader.weights(at, 2, 1)?;
    let dims = reader.numbers(weight).dims.clone();
    let groups = groups(at)?;
    at.ensure(dims[0].is_multiple_of(groups), "the weights do not fit the number of groups")?;
    at.ensure(bias.is_none_or(|b| reader.numbers(b).dims == [dims[0]]), "the bias does not fit the weights")?;
    let window = window(at, [dims[2], dims[3]])?;
    let op = Conv { weight, bias, window, groups, activation: Activation::None };
    reader.push(at, Op::Conv(op), &[input.value], input.axes)
}

pub(super) fn transposed<'a>(reader: &mut Reader<'a>, at: At<'_, 'a>) -> Result<(), Error> {
    let input = reader.channels_first(at, 0)?;
    let weight = reader.weights(at, 1, 4)?.ok_or_else(|| at.fault("it has no weights"))?;
    let bias = reader.weights(at, 2, 1)?;
    let dims = reader.numbers(weight).dims.clone();
    let groups = groups(at)?;
    at.ensure(!at.has("output_shape"), "a given output_shape is not supported")?;
    at.ensure(dims[0].is_multiple_of(groups), "the weights do not fit the number of groups")?;
    let out = dims[1].checked_mul(groups).ok_or_else(|| at.fault("the weights do not fit the number of groups"))?;
    at.ensure(bias.is_none_or(|b| reader.numbers(b).dims == [out]), "the bias does not fit the weights")?;
    let window = window(at, [dims[2], dims[3]])?;
    let output_padding_px = at.pair("output_padding", [0, 0], 0)?;
    let fits = (0..2).all(|i| output_padding_px[i] < window.stride[i].max(window.dilation[i]));
    at.ensure(fits, "output_padding must be below the stride or the dilation")?;
    let op = ConvTranspose { weight, bias, window, output_padding_px, groups, activation: Activation::None };
    reader.push(at, Op::ConvTranspose(op), &[input.value], input.axes)
}

/// `alpha * A * B + beta * C` with constant `B` and `C`: a 1x1 convolution.
pub(super) fn gemm<'a>(reader: &mut Reader<'a>, at: At<'_, 'a>) -> Result<(), Error> {
    at.ensure(at.int("transA", 0) == 0, "a transposed first input is not supported")?;
    let (alpha, beta) = (at.float("alpha", 1.0), at.float("beta", 1.0));
    let bias = match reader.constant(at, 2)? {
        None => None,
        Some(literal) => {
            let floats = literal.floats().ok_or_else(|| at.fault("its bias must be stored as f32"))?;
            at.ensure(literal.dims.iter().rev().skip(1).all(|d| *d == 1), "its bias must be one number per column")?;
            Some(floats.iter().map(|b| beta * b).collect::<Vec<_>>())
        }
    };
    linear(reader, at, at.int("transB", 0) != 0, alpha, bias)
}

pub(super) fn matmul<'a>(reader: &mut Reader<'a>, at: At<'_, 'a>) -> Result<(), Error> {
    linear(reader, at, false, 1.0, None)
}

/// The last side of the input must be the channels; weights are `[in, out]`, or `[out, in]` if transposed.
fn linear<'a>(
    reader: &mut Reader<'a>,
    at: At<'_, 'a>,
    transposed: bool,
    alpha: f32,
    bias: Option<Vec<f32>>,
) -> Result<(), Error> {
    let input = reader.map(at, 0)?;
    let last = *input.axes.order().last().unwrap_or(&BATCH);
    at.ensure(last == CHANNELS, "only products of channels with constant weights are supported")?;
    at.ensure(at.node.op == "MatMul" || input.axes == Axes::Vector, "its input must have two sides")?;
    let weights = reader.constant(at, 1)?.ok_or_else(|| at.fault("it has no weights"))?;
    let floats = weights.floats().ok_or_else(|| at.fault("its weights must be stored as f32"))?;
    let &[rows, columns] = weights.dims.as_slice() else { return Err(at.fault("its weights must have two sides")) };
    at.ensure(!floats.is_empty(), "its weights are empty")?;
    let (channels, out) = if transposed { (columns, rows) } else { (rows, columns) };
    let pick = |o: usize, i: usize| alpha * if transposed { floats.at(o * channels + i) } else { floats.at(i * out + o) };
    let turned = (0..out).flat_map(|o| (0..channels).map(move |i| (o, i))).map(|(o, i)| pick(o, i)).collect();
    let weight = reader.computed(at, vec![out, channels, 1, 1], turned)?;
    let bias = match bias {
        None => None,
        Some(one) if one.len() == 1 => Some(reader.computed(at, vec![out], vec![one[0]; out])?),
        Some(all) if all.len() == out => Some(reader.computed(at, vec![out], all)?),
        Some(_) => return Err(at.fault("the bias does not fit the weights")),
    };
    let window = Window { kernel: [1, 1], stride: [1, 1], dilation: [1, 1], padding: Padding::NONE };
    let op = Conv { weight, bias, window, groups: 1, activation: Activation::None };
    reader.push(at, Op::Conv(op), &[input.value], input.axes)
}

fn groups(at: At<'_, '_>) -> Result<usize, Error> {
    let groups = usize::try_from(at.int("group", 1)).ok().filter(|g| *g > 0);
    groups.ok_or_else(|| at.fault("the number of groups must be positive"))
}

/// The window of a convolution or pooling; `kernel` comes from the weights or the attribute.
pub(super) fn window(at: At<'_, '_>, kernel: [usize; 2]) -> Result<Window, Error> {
    let as_ints = [kernel[0] as i64, kernel[1] as i64];
    let kernel = at.lengths(&as_ints, 1)?;
    if let Some(given) = at.ints("kernel_shape") {
        at.ensure(given == as_ints, "kernel_shape does not fit the weights")?;
    }
    let explicit = match at.ints("pads") {
        None => [0; 4],
        Some(pads) => at.lengths::<4>(pads, 0)?,
    };
    let padding = match at.text("auto_pad", "NOTSET") {
        "NOTSET" | "" => Padding::Explicit(explicit),
        "VALID" => Padding::NONE,
        "SAME_UPPER" => Padding::SameUpper,
        "SAME_LOWER" => Padding::SameLower,
        _ => return Err(at.fault("auto_pad must be NOTSET, VALID, SAME_UPPER or SAME_LOWER")),
    };
    let stride = at.pair("strides", [1, 1], 1)?;
    Ok(Window { kernel, stride, dilation: at.pair("dilations", [1, 1], 1)?, padding })
}
