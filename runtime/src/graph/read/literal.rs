//! Tensors stored in the file.

use super::wire::{Fields, Wire, fault};
use crate::error::Error;
use crate::graph::Floats;
use crate::graph::limits::{MAX_NUMBERS, MAX_RANK};
use alloc::vec::Vec;

/// `TensorProto.DataType`.
pub(super) const FLOAT: i64 = 1;
pub(super) const UINT8: i64 = 2;
const INT32: i64 = 6;
pub(super) const INT64: i64 = 7;
const DOUBLE: i64 = 11;

/// A tensor of known numbers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Literal<'a> {
    /// Sides, outermost first; none for a single number.
    pub dims: Vec<usize>,
    /// Row-major.
    pub numbers: Numbers<'a>,
}

/// The numbers of a [`Literal`].
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Numbers<'a> {
    /// f32, or f64 rounded to it.
    Floats(Floats<'a>),
    /// Integers of 32 or 64 bits: shapes, sizes, axes.
    Ints(Vec<i64>),
    /// Any other type: an error where it is used, which an unused one never is.
    Other,
}

impl<'a> Literal<'a> {
    /// A list of integers.
    pub fn ints(list: Vec<i64>) -> Self {
        Self { dims: alloc::vec![list.len()], numbers: Numbers::Ints(list) }
    }

    /// Reads a `TensorProto`: its name and its numbers.
    pub fn read(message: &'a [u8]) -> Result<(&'a str, Self), Error> {
        const PLACE: &str = "tensor";
        let (mut name, mut sides, mut element, mut raw) = ("", Vec::new(), 0, None);
        let (mut floats, mut ints, mut doubles) = (Vec::new(), Vec::new(), Vec::new());
        let mut fields = Fields::new(message, PLACE);
        while let Some((number, wire)) = fields.next()? {
            match number {
                1 => wire.push_ints(&mut sides, PLACE)?,
                2 => element = wire.int(PLACE)?,
                4 => wire.push_floats(&mut floats, PLACE)?,
                5 | 7 => wire.push_ints(&mut ints, PLACE)?,
                8 => name = wire.text(PLACE)?,
                9 => raw = Some(wire.bytes(PLACE)?),
                10 => push_doubles(wire, &mut doubles)?,
                13 => return Err(fault(PLACE, "weights in other files are not allowed")),
                14 if wire.int(PLACE)? != 0 => return Err(fault(PLACE, "weights in other files are not allowed")),
                _ => {}
            }
        }
        let place = if name.is_empty() { PLACE } else { name };
        let (dims, len) = checked_dims(&sides).ok_or_else(|| fault(place, "it has more than 8 sides or 2^28 numbers"))?;
        let stored = match (element, raw) {
            (FLOAT, Some(raw)) => Floats::in_file(raw).map(Numbers::Floats),
            (FLOAT, None) => Some(Numbers::Floats(floats.into())),
            (DOUBLE, Some(raw)) => chunks(raw).map(|c| floats_of(c.iter().map(|b| f64::from_le_bytes(*b)))),
            (DOUBLE, None) => Some(floats_of(doubles.iter().copied())),
            (INT32, Some(raw)) => chunks(raw).map(|c| ints_of(c.iter().map(|b| i32::from_le_bytes(*b).into()))),
            (INT64, Some(raw)) => chunks(raw).map(|c| ints_of(c.iter().map(|b| i64::from_le_bytes(*b)))),
            (INT32 | INT64, None) => Some(Numbers::Ints(ints)),
            _ => return Ok((name, Self { dims, numbers: Numbers::Other })),
        };
        let numbers = stored.filter(|n| n.len() == len);
        let numbers = numbers.ok_or_else(|| fault(place, "its sides do not fit the number of its values"))?;
        Ok((name, Self { dims, numbers }))
    }

    /// Its numbers as floats.
    pub fn floats(&self) -> Option<&Floats<'a>> {
        if let Numbers::Floats(floats) = &self.numbers { Some(floats) } else { None }
    }

    /// Its numbers as integers.
    pub fn as_ints(&self) -> Option<&[i64]> {
        if let Numbers::Ints(ints) = &self.numbers { Some(ints) } else { None }
    }

    /// Its only number as a float.
    pub fn scalar(&self) -> Option<f32> {
        self.floats().filter(|f| f.len() == 1).map(|f| f.at(0))
    }
}

impl Numbers<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Floats(floats) => floats.len(),
            Self::Ints(ints) => ints.len(),
            Self::Other => 0,
        }
    }
}

/// Sides and their product, if they keep to the limits.
pub(super) fn checked_dims(sides: &[i64]) -> Option<(Vec<usize>, usize)> {
    if sides.len() > MAX_RANK {
        return None;
    }
    let mut dims = Vec::with_capacity(sides.len());
    let mut len = 1usize;
    for &side in sides {
        let side = usize::try_from(side).ok()?;
        len = len.checked_mul(side).filter(|len| *len <= MAX_NUMBERS)?;
        dims.push(side);
    }
    Some((dims, len))
}

fn chunks<const N: usize>(raw: &[u8]) -> Option<&[[u8; N]]> {
    let (chunks, rest) = raw.as_chunks::<N>();
    rest.is_empty().then_some(chunks)
}

fn floats_of<'a>(doubles: impl Iterator<Item = f64>) -> Numbers<'a> {
    Numbers::Floats(doubles.map(|d| d as f32).collect())
}

fn ints_of<'a>(ints: impl Iterator<Item = i64>) -> Numbers<'a> {
    Numbers::Ints(ints.collect())
}

fn push_doubles(wire: Wire<'_>, list: &mut Vec<f64>) -> Result<(), Error> {
    match wire {
        Wire::Fixed64(bits) => list.push(f64::from_bits(bits)),
        Wire::Bytes(packed) => {
            let chunks = chunks(packed).ok_or_else(|| fault("tensor", "a list of doubles is cut off"))?;
            list.extend(chunks.iter().map(|b| f64::from_le_bytes(*b)));
        }
        _ => return Err(fault("tensor", "a field has the wrong wire type")),
    }
    Ok(())
}
