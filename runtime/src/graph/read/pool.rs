//! Pooling.

use super::axes::{Axes, HEIGHT, WIDTH};
use super::conv::window;
use super::node::At;
use super::reader::{Reader, View};
use crate::error::Error;
use crate::graph::{Op, Padding, Pool};

pub(super) fn max<'a>(reader: &mut Reader<'a>, at: At<'_, 'a>) -> Result<(), Error> {
    let input = reader.channels_first(at, 0)?;
    let op = Op::MaxPool(pool(at)?);
    reader.push(at, op, &[input.value], input.axes)
}

pub(super) fn average<'a>(reader: &mut Reader<'a>, at: At<'_, 'a>) -> Result<(), Error> {
    let input = reader.channels_first(at, 0)?;
    let op = Op::AveragePool { pool: pool(at)?, count_padding: at.int("count_include_pad", 0) != 0 };
    reader.push(at, op, &[input.value], input.axes)
}

pub(super) fn global<'a>(reader: &mut Reader<'a>, at: At<'_, 'a>) -> Result<(), Error> {
    let input = reader.channels_first(at, 0)?;
    let op = if at.node.op == "GlobalMaxPool" { Op::GlobalMaxPool } else { Op::GlobalAveragePool };
    reader.push(at, op, &[input.value], input.axes)
}

/// Mean or maximum over height and width: global pooling.
pub(super) fn reduce<'a>(reader: &mut Reader<'a>, at: At<'_, 'a>) -> Result<(), Error> {
    let input = reader.map(at, 0)?;
    let axes = match reader.constant(at, 1)? {
        Some(literal) => literal.as_ints().ok_or_else(|| at.fault("its axes must be integers"))?,
        None => at.ints("axes").unwrap_or(&[]),
    };
    let mut sides = [false; 4];
    for &axis in axes {
        let side = input.axes.side(axis).ok_or_else(|| at.fault("an axis is outside its input"))?;
        sides[usize::from(side)] = true;
    }
    let both = sides[usize::from(HEIGHT)] && sides[usize::from(WIDTH)] && !sides[0] && !sides[1];
    at.ensure(both, "means and maxima are supported over height and width only")?;
    let op = if at.node.op == "ReduceMax" { Op::GlobalMaxPool } else { Op::GlobalAveragePool };
    let axes = if at.int("keepdims", 1) != 0 { input.axes } else { Axes::Vector };
    let View { value, .. } = input;
    reader.push(at, op, &[value], axes)
}

fn pool(at: At<'_, '_>) -> Result<Pool, Error> {
    let kernel = at.pair("kernel_shape", [0, 0], 1)?;
    at.ensure(kernel != [0, 0], "it has no kernel_shape")?;
    let window = window(at, kernel)?;
    if let Padding::Explicit([top, left, bottom, right]) = window.padding {
        // A window must never lie in the padding alone: there is no largest number and no mean of nothing.
        let reach = |i: usize| (kernel[i] - 1) * window.dilation[i] + 1;
        let inside = top.max(bottom) < reach(0) && left.max(right) < reach(1);
        at.ensure(inside, "padding must be smaller than the window")?;
    }
    Ok(Pool { window, ceil: at.int("ceil_mode", 0) != 0 })
}
