//! Scaling of height and width.

use super::axes::{Axes, BATCH, CHANNELS, HEIGHT, WIDTH};
use super::node::At;
use super::reader::Reader;
use crate::error::Error;
use crate::graph::limits::{MAX_SCALE, MAX_SIDE};
use crate::graph::{Coordinates, Filter, Op, Resize, ResizeTarget, Rounding};
use alloc::vec::Vec;

const OTHER_SIDES: &str = "only height and width can be scaled";

/// `Resize` since operator set 10 and its forerunner `Upsample`.
pub(super) fn resize<'a>(reader: &mut Reader<'a>, at: At<'_, 'a>) -> Result<(), Error> {
    let input = reader.map(at, 0)?;
    at.ensure(input.axes != Axes::Vector, "its input must have four sides")?;
    let old = at.node.op == "Upsample" || at.opset < 11;
    let target = if old {
        let scales = match reader.constant(at, 1)? {
            Some(literal) => literal.floats().map(|f| f.to_vec()),
            None => at.floats("scales").map(<[f32]>::to_vec),
        };
        scales_target(at, input.axes, &scales.ok_or_else(|| at.fault("it has no scales"))?)?
    } else {
        target(reader, at, input.axes)?
    };
    let op = Resize { target, coordinates: coordinates(at, old)?, filter: filter(at, old)? };
    at.ensure(at.int("antialias", 0) == 0, "antialias is not supported")?;
    at.ensure(at.int("exclude_outside", 0) == 0, "exclude_outside is not supported")?;
    reader.push(at, Op::Resize(op), &[input.value], input.axes)
}

fn target<'a>(reader: &Reader<'a>, at: At<'_, 'a>, axes: Axes) -> Result<ResizeTarget, Error> {
    // An empty tensor stands for an input that is left out.
    let scales = reader.constant(at, 2)?.and_then(|l| l.floats()).filter(|f| !f.is_empty());
    if let Some(scales) = scales {
        return scales_target(at, axes, &scales.to_vec());
    }
    let sizes = reader.constant(at, 3)?.and_then(|l| l.as_ints()).filter(|s| !s.is_empty());
    let sizes = sizes.ok_or_else(|| at.fault("it needs constant scales or sizes"))?;
    at.ensure(at.text("keep_aspect_ratio_policy", "stretch") == "stretch", "keep_aspect_ratio_policy must be stretch")?;
    let mut out = [None; 4];
    for (size, side) in sizes.iter().zip(sides(at, axes, sizes.len())?) {
        out[usize::from(side)] = Some(*size);
    }
    // The size of batch and channels cannot be compared before shapes are known; a network that scales them does not exist.
    let mut pair = [0; 2];
    for (pair, side) in pair.iter_mut().zip([HEIGHT, WIDTH]) {
        let size = out[usize::from(side)].and_then(|s| usize::try_from(s).ok()).filter(|s| (1..=MAX_SIDE).contains(s));
        *pair = size.ok_or_else(|| at.fault("its sizes must name height and width"))?;
    }
    Ok(ResizeTarget::Sizes(pair))
}

fn scales_target(at: At<'_, '_>, axes: Axes, scales: &[f32]) -> Result<ResizeTarget, Error> {
    let mut out = [1.0; 4];
    for (scale, side) in scales.iter().zip(sides(at, axes, scales.len())?) {
        out[usize::from(side)] = *scale;
    }
    at.ensure(out[usize::from(BATCH)] == 1.0 && out[usize::from(CHANNELS)] == 1.0, OTHER_SIDES)?;
    let pair = [out[usize::from(HEIGHT)], out[usize::from(WIDTH)]];
    at.ensure(pair.iter().all(|s| *s > 0.0 && *s <= MAX_SCALE), "its scales must be above 0 and at most 64")?;
    Ok(ResizeTarget::Scales(pair))
}

/// Which of our sides each given scale or size is for: all four, or those of the attribute `axes`.
fn sides(at: At<'_, '_>, axes: Axes, count: usize) -> Result<Vec<u8>, Error> {
    let named = match at.ints("axes") {
        None => axes.order().to_vec(),
        Some(list) => {
            let named = list.iter().map(|a| axes.side(*a)).collect::<Option<Vec<_>>>();
            named.ok_or_else(|| at.fault("an axis is outside its input"))?
        }
    };
    at.ensure(named.len() == count, "the number of scales or sizes does not fit its input")?;
    Ok(named)
}

fn coordinates(at: At<'_, '_>, old: bool) -> Result<Coordinates, Error> {
    if old {
        return Ok(Coordinates::Asymmetric);
    }
    match at.text("coordinate_transformation_mode", "half_pixel") {
        "half_pixel" => Ok(Coordinates::HalfPixel),
        "asymmetric" => Ok(Coordinates::Asymmetric),
        "align_corners" => Ok(Coordinates::AlignCorners),
        "pytorch_half_pixel" => Ok(Coordinates::PytorchHalfPixel),
        _ => Err(at.fault("coordinate_transformation_mode must be half_pixel, pytorch_half_pixel, asymmetric or align_corners")),
    }
}

fn filter(at: At<'_, '_>, old: bool) -> Result<Filter, Error> {
    match at.text("mode", "nearest") {
        "linear" | "bilinear" => Ok(Filter::Linear),
        "nearest" if old => Ok(Filter::Nearest(Rounding::Floor)),
        "nearest" => match at.text("nearest_mode", "round_prefer_floor") {
            "round_prefer_floor" => Ok(Filter::Nearest(Rounding::PreferFloor)),
            "round_prefer_ceil" => Ok(Filter::Nearest(Rounding::PreferCeil)),
            "floor" => Ok(Filter::Nearest(Rounding::Floor)),
            "ceil" => Ok(Filter::Nearest(Rounding::Ceil)),
            _ => Err(at.fault("nearest_mode must be round_prefer_floor, round_prefer_ceil, floor or ceil")),
        },
        _ => Err(at.fault("mode must be nearest or linear")),
    }
}
