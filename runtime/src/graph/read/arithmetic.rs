//! Operators on each number, sums and products, normalisation, concatenation.

use super::axes::{Axes, CHANNELS};
use super::literal::Literal;
use super::node::At;
use super::reader::{Reader, View};
use crate::error::Error;
use crate::graph::{Activation, Floats, Op};
use alloc::vec;
use alloc::vec::Vec;

pub(super) fn activation<'a>(reader: &Reader<'a>, at: At<'_, 'a>) -> Result<Activation, Error> {
    Ok(match at.node.op {
        "Relu" => Activation::Relu,
        "LeakyRelu" => Activation::LeakyRelu { slope: at.float("alpha", 0.01) },
        "Sigmoid" => Activation::Sigmoid,
        "HardSwish" => Activation::HardSwish,
        _ => {
            let bound = |index: usize, name: &str, default: f32| match reader.constant(at, index)? {
                None => Ok(at.float(name, default)),
                Some(literal) => literal.scalar().ok_or_else(|| at.fault("its bounds must be single f32 numbers")),
            };
            let (low, high) = (bound(1, "min", f32::MIN)?, bound(2, "max", f32::MAX)?);
            at.ensure(low <= high, "its lower bound must not be above its upper bound")?;
            Activation::Clip { low, high }
        }
    })
}

/// Softmax over the channels.
pub(super) fn softmax<'a>(reader: &mut Reader<'a>, at: At<'_, 'a>) -> Result<(), Error> {
    let input = reader.map(at, 0)?;
    // Before operator set 13 it joined all sides from the axis on.
    let default = if at.opset < 13 { 1 } else { -1 };
    let axis = at.int("axis", default);
    let over_channels = input.axes.side(axis) == Some(CHANNELS);
    let joined = at.opset < 13 && input.axes != Axes::Vector && input.axes.order().last() != Some(&CHANNELS);
    at.ensure(over_channels && !joined, "softmax is supported over the channels only")?;
    reader.push(at, Op::Softmax, &[input.value], input.axes)
}

pub(super) fn concat<'a>(reader: &mut Reader<'a>, at: At<'_, 'a>) -> Result<(), Error> {
    let views = (0..at.node.inputs.len()).map(|i| reader.map(at, i)).collect::<Result<Vec<_>, _>>()?;
    let first = views.first().ok_or_else(|| at.fault("it has no inputs"))?.axes;
    at.ensure(views.iter().all(|v| v.axes == first), "its inputs hold their sides in different orders")?;
    let axis = if at.has("axis") { at.int("axis", 1) } else { return Err(at.fault("it has no axis")) };
    at.ensure(first.side(axis) == Some(CHANNELS), "maps can be joined by channels only")?;
    let values: Vec<_> = views.iter().map(|v| v.value).collect();
    reader.push(at, Op::Concat, &values, first)
}

/// `scale * (x - mean) / sqrt(variance + epsilon) + shift`, computed here as one factor and one summand in f64.
pub(super) fn batch_norm<'a>(reader: &mut Reader<'a>, at: At<'_, 'a>) -> Result<(), Error> {
    let input = reader.map(at, 0)?;
    at.ensure(input.axes.side(1) == Some(CHANNELS), "it must work on batch, channels, height, width")?;
    at.ensure(at.int("training_mode", 0) == 0, "it is in training mode")?;
    let mut stored = [&Floats::EMPTY; 4];
    for (index, numbers) in stored.iter_mut().enumerate() {
        let literal = reader.constant(at, index + 1)?.ok_or_else(|| at.fault("it has no numbers"))?;
        *numbers = literal.floats().ok_or_else(|| at.fault("its numbers must be stored as f32"))?;
    }
    let [gain, offset, mean, variance] = stored;
    let channels = gain.len();
    at.ensure(channels > 0 && stored.iter().all(|s| s.len() == channels), "its numbers differ in length")?;
    let epsilon = f64::from(at.float("epsilon", 1e-5));
    let factor = |c: usize| f64::from(gain.at(c)) / libm::sqrt(f64::from(variance.at(c)) + epsilon);
    let scale: Vec<f32> = (0..channels).map(|c| factor(c) as f32).collect();
    let shift = (0..channels).map(|c| (f64::from(offset.at(c)) - f64::from(mean.at(c)) * factor(c)) as f32).collect();
    scale_shift(reader, at, input, scale, shift)
}

/// Sums, differences, products and quotients: of two maps, or of a map with one number or one per channel.
pub(super) fn binary<'a>(reader: &mut Reader<'a>, at: At<'_, 'a>) -> Result<(), Error> {
    if let (Ok(a), Ok(b)) = (reader.map(at, 0), reader.map(at, 1)) {
        at.ensure(a.axes == b.axes, "its inputs hold their sides in different orders")?;
        let op = match at.node.op {
            "Add" => Op::Add,
            "Mul" => Op::Mul,
            _ => return Err(at.fault("of two maps only the sum and the product are supported")),
        };
        return reader.push(at, op, &[a.value, b.value], a.axes);
    }
    let (input, literal, map_first) = match reader.map(at, 0) {
        Ok(view) => (view, reader.constant(at, 1)?, true),
        Err(_) => (reader.map(at, 1)?, reader.constant(at, 0)?, false),
    };
    let numbers = per_channel(at, literal.ok_or_else(|| at.fault("an input is missing"))?, input.axes)?;
    let (zero, one) = (vec![0.0; numbers.len()], vec![1.0; numbers.len()]);
    let each = |f: fn(f32) -> f32| numbers.iter().map(|n| f(*n)).collect::<Vec<_>>();
    let (scale, shift) = match (at.node.op, map_first) {
        ("Add", _) => (one, each(|n| n)),
        ("Mul", _) => (each(|n| n), zero),
        ("Sub", true) => (one, each(|n| -n)),
        ("Sub", false) => (each(|_| -1.0), each(|n| n)),
        // The reciprocal is rounded once more: one unit in the last place.
        ("Div", true) => (each(|n| 1.0 / n), zero),
        _ => return Err(at.fault("a constant divided by a map is not supported")),
    };
    scale_shift(reader, at, input, scale, shift)
}

fn scale_shift<'a>(reader: &mut Reader<'a>, at: At<'_, 'a>, input: View, scale: Vec<f32>, shift: Vec<f32>) -> Result<(), Error> {
    let scale = reader.computed(at, vec![scale.len()], scale)?;
    let shift = reader.computed(at, vec![shift.len()], shift)?;
    reader.push(at, Op::ScaleShift { scale, shift }, &[input.value], input.axes)
}

/// The constant's numbers if it has one, or one per channel, in the way the file's nodes see the map.
fn per_channel(at: At<'_, '_>, literal: &Literal<'_>, axes: Axes) -> Result<Vec<f32>, Error> {
    let floats = literal.floats().ok_or_else(|| at.fault("its constant must be stored as f32"))?;
    let order = axes.order();
    at.ensure(literal.dims.len() <= order.len(), "its constant has more sides than the map")?;
    let aligned = literal.dims.iter().rev().zip(order.iter().rev());
    let fits = aligned.into_iter().all(|(dim, side)| *dim == 1 || *side == CHANNELS);
    at.ensure(fits && !floats.is_empty(), "its constant must be one number, or one per channel")?;
    Ok(floats.to_vec())
}
