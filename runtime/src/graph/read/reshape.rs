//! Operators that move or rename numbers.

use super::axes::{Axes, BATCH, CHANNELS, HEIGHT, WIDTH, resolve};
use super::node::At;
use super::reader::{Reader, View};
use crate::error::Error;
use crate::graph::limits::{MAX_EXTENT, MAX_SIDE};
use crate::graph::{Op, PadWith, Side};
use alloc::vec::Vec;

/// Everything but the batch as one vector.
pub(super) fn flatten<'a>(reader: &mut Reader<'a>, at: At<'_, 'a>) -> Result<(), Error> {
    let input = reader.map(at, 0)?;
    let axis = resolve(at.int("axis", 1), input.axes.order().len());
    at.ensure(axis == Some(1), "maps can be flattened from axis 1 only")?;
    vector(reader, at, input)
}

fn vector<'a>(reader: &mut Reader<'a>, at: At<'_, 'a>, input: View) -> Result<(), Error> {
    if input.axes == Axes::Vector {
        return reader.alias(at, input);
    }
    let to = [Side::Keep, Side::Rest, Side::Fixed(1), Side::Fixed(1)];
    let op = Op::Reshape { to, channels_last: is_channels_last(at, input)? };
    reader.push(at, op, &[input.value], Axes::Vector)
}

fn is_channels_last(at: At<'_, '_>, input: View) -> Result<bool, Error> {
    match input.axes {
        Axes::Vector | Axes::CHANNELS_FIRST => Ok(false),
        Axes::CHANNELS_LAST => Ok(true),
        Axes::Map(_) => Err(at.fault("its input must be in the order of NCHW or NHWC")),
    }
}

/// To a constant shape of two or four sides.
pub(super) fn reshape<'a>(reader: &mut Reader<'a>, at: At<'_, 'a>) -> Result<(), Error> {
    let input = reader.map(at, 0)?;
    at.ensure(at.int("allowzero", 0) == 0, "allowzero is not supported")?;
    let shape = reader.constant(at, 1)?.and_then(|l| l.as_ints()).ok_or_else(|| at.fault("its shape must be constant"))?;
    let mut sides = Vec::with_capacity(shape.len());
    let mut rests = 0;
    for (index, &side) in shape.iter().enumerate() {
        sides.push(match side {
            0 => {
                // "As in the input" means the file's order of sides, which is ours for the batch, or for channels first.
                let same = index == 0 || (input.axes == Axes::CHANNELS_FIRST && index < 4);
                at.ensure(same, "a side of 0 is supported for the batch only")?;
                Side::Keep
            }
            -1 => {
                rests += 1;
                Side::Rest
            }
            n => {
                let n = usize::try_from(n).ok().filter(|n| *n <= MAX_SIDE);
                Side::Fixed(n.ok_or_else(|| at.fault("its shape has a side below -1 or above 2^20"))?)
            }
        });
    }
    at.ensure(rests <= 1, "only one side can be left open")?;
    let (to, axes) = match *sides.as_slice() {
        [n, c] => ([n, c, Side::Fixed(1), Side::Fixed(1)], Axes::Vector),
        [n, c, h, w] => ([n, c, h, w], Axes::CHANNELS_FIRST),
        _ => return Err(at.fault("maps can be reshaped to two or four sides only")),
    };
    let op = Op::Reshape { to, channels_last: is_channels_last(at, input)? };
    reader.push(at, op, &[input.value], axes)
}

/// Height and width of 1 away.
pub(super) fn squeeze<'a>(reader: &mut Reader<'a>, at: At<'_, 'a>) -> Result<(), Error> {
    let input = reader.map(at, 0)?;
    let axes = axes_of(reader, at)?;
    let mut sides: Vec<u8> = axes.iter().filter_map(|a| input.axes.side(*a)).collect();
    sides.sort_unstable();
    let fits = sides == [HEIGHT, WIDTH] && axes.len() == 2;
    at.ensure(fits, "only height and width together can be squeezed")?;
    // As a reshape, so that sides other than 1 are found where shapes are known.
    let to = [Side::Keep, Side::Keep, Side::Fixed(1), Side::Fixed(1)];
    reader.push(at, Op::Reshape { to, channels_last: false }, &[input.value], Axes::Vector)
}

/// A vector as a map of one cell.
pub(super) fn unsqueeze<'a>(reader: &mut Reader<'a>, at: At<'_, 'a>) -> Result<(), Error> {
    let input = reader.map(at, 0)?;
    at.ensure(input.axes == Axes::Vector, "only a vector can be unsqueezed")?;
    let mut axes = axes_of(reader, at)?.iter().filter_map(|a| resolve(*a, 4)).collect::<Vec<_>>();
    axes.sort_unstable();
    let axes = match *axes.as_slice() {
        [2, 3] => Axes::CHANNELS_FIRST,
        [1, 2] => Axes::CHANNELS_LAST,
        _ => return Err(at.fault("a vector can only become a map of one cell")),
    };
    reader.alias(at, View { value: input.value, axes })
}

fn axes_of<'r, 'a>(reader: &'r Reader<'a>, at: At<'r, 'a>) -> Result<&'r [i64], Error> {
    let axes = match reader.constant(at, 1)? {
        Some(literal) => literal.as_ints(),
        None => at.ints("axes"),
    };
    axes.ok_or_else(|| at.fault("its axes must be constant integers"))
}

pub(super) fn transpose<'a>(reader: &mut Reader<'a>, at: At<'_, 'a>) -> Result<(), Error> {
    let input = reader.map(at, 0)?;
    let rank = input.axes.order().len() as i64;
    let reversed: Vec<i64> = (0..rank).rev().collect();
    let axes = input.axes.transposed(at.ints("perm").unwrap_or(&reversed));
    let axes = axes.ok_or_else(|| at.fault("this transposition is not supported"))?;
    reader.alias(at, View { value: input.value, axes })
}

/// Rows and columns around the map.
pub(super) fn pad<'a>(reader: &mut Reader<'a>, at: At<'_, 'a>) -> Result<(), Error> {
    let input = reader.map(at, 0)?;
    let order = input.axes.order();
    at.ensure(at.node.inputs.get(3).is_none_or(|name| name.is_empty()), "padding by named axes is not supported")?;
    let pads = match reader.constant(at, 1)? {
        Some(literal) => literal.as_ints(),
        None => at.ints("pads"),
    };
    let pads = pads.ok_or_else(|| at.fault("its padding must be constant integers"))?;
    at.ensure(pads.len() == 2 * order.len(), "its padding does not fit its input")?;
    let mut around = [[0; 2]; 4];
    for (index, &pad) in pads.iter().enumerate() {
        let pad = usize::try_from(pad).ok().filter(|p| *p <= MAX_EXTENT);
        let pad = pad.ok_or_else(|| at.fault("padding must be 0 to 4096 in each direction"))?;
        around[usize::from(order[index % order.len()])][index / order.len()] = pad;
    }
    let [batch, channels, rows, columns] = [BATCH, CHANNELS, HEIGHT, WIDTH].map(|side| around[usize::from(side)]);
    at.ensure(batch == [0; 2] && channels == [0; 2], "only height and width can be padded")?;
    let with = match at.text("mode", "constant") {
        "constant" => {
            let number = match reader.constant(at, 2)? {
                None => at.float("value", 0.0),
                Some(literal) => literal.scalar().ok_or_else(|| at.fault("its number must be a single f32"))?,
            };
            PadWith::Constant(number)
        }
        "reflect" => PadWith::Reflect,
        "edge" => PadWith::Edge,
        _ => return Err(at.fault("mode must be constant, reflect or edge")),
    };
    let op = Op::Pad { pads_px: [rows[0], columns[0], rows[1], columns[1]], with };
    reader.push(at, op, &[input.value], input.axes)
}
