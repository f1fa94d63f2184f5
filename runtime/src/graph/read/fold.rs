//! Nodes whose inputs are all constants, computed while reading: weights that were cast or transposed, shapes put together.

use super::axes::resolve;
use super::literal::{FLOAT, INT64, Literal, Numbers, checked_dims};
use super::node::At;
use crate::error::Error;
use crate::graph::limits::MAX_BROADCAST;
use alloc::vec;
use alloc::vec::Vec;

/// The node's first output, or `None` if it is not one of the operators that are computed here.
pub(super) fn evaluate<'a>(at: At<'_, 'a>, inputs: &[&Literal<'a>]) -> Result<Option<Literal<'a>>, Error> {
    if at.node.op == "Constant" {
        return constant(at).map(Some);
    }
    let Some(&first) = inputs.first() else { return Ok(None) };
    let literal = match at.node.op {
        "Identity" => Some(first.clone()),
        "Cast" => cast(first, at.int("to", 0)),
        "Reshape" => second_ints(inputs).and_then(|shape| reshape(first, shape)),
        "Flatten" => flatten(first, at.int("axis", 1)),
        "Unsqueeze" => axes(at, inputs).and_then(|axes| unsqueeze(first, axes)),
        "Squeeze" => Some(squeeze(first, axes(at, inputs))),
        "Transpose" => transpose(first, at.ints("perm")),
        "Concat" => concat(inputs, at.int("axis", 0)),
        "Add" | "Sub" | "Mul" | "Div" => arithmetic(at.node.op, inputs),
        _ => return Ok(None),
    };
    match literal {
        Some(literal) => Ok(Some(literal)),
        None => Err(at.fault("this computation on constants is not supported")),
    }
}

fn constant<'a>(at: At<'_, 'a>) -> Result<Literal<'a>, Error> {
    if let Some(tensor) = at.tensor("value") {
        return Ok(tensor.clone());
    }
    let floats = |dims: Vec<usize>, list: Vec<f32>| Literal { dims, numbers: Numbers::Floats(list.into()) };
    if at.has("value_float") {
        return Ok(floats(vec![], vec![at.float("value_float", 0.0)]));
    }
    if let Some(list) = at.floats("value_floats") {
        return Ok(floats(vec![list.len()], list.to_vec()));
    }
    if at.has("value_int") {
        return Ok(Literal { dims: vec![], numbers: Numbers::Ints(vec![at.int("value_int", 0)]) });
    }
    let list = at.ints("value_ints").ok_or_else(|| at.fault("a constant must be a tensor, or of floats or integers"))?;
    Ok(Literal::ints(list.to_vec()))
}

fn second_ints<'l>(inputs: &[&'l Literal<'_>]) -> Option<&'l [i64]> {
    inputs.get(1)?.as_ints()
}

/// Axes as the second input, or as an attribute before operator set 13.
fn axes<'l>(at: At<'l, '_>, inputs: &[&'l Literal<'_>]) -> Option<&'l [i64]> {
    second_ints(inputs).or_else(|| at.ints("axes"))
}

fn cast<'a>(from: &Literal<'a>, to: i64) -> Option<Literal<'a>> {
    let numbers = match (&from.numbers, to) {
        (Numbers::Floats(_), FLOAT) | (Numbers::Ints(_), INT64) => return Some(from.clone()),
        (Numbers::Ints(ints), FLOAT) => Numbers::Floats(ints.iter().map(|i| *i as f32).collect()),
        (Numbers::Floats(floats), INT64) => Numbers::Ints(floats.iter().map(|f| f as i64).collect()),
        _ => return None,
    };
    Some(Literal { dims: from.dims.clone(), numbers })
}

fn reshape<'a>(from: &Literal<'a>, shape: &[i64]) -> Option<Literal<'a>> {
    let len: usize = from.dims.iter().product();
    let mut sides = Vec::with_capacity(shape.len());
    for (index, &side) in shape.iter().enumerate() {
        sides.push(if side == 0 { *from.dims.get(index)? as i64 } else { side });
    }
    if let Some(open) = sides.iter().position(|s| *s == -1) {
        sides[open] = 1;
        let (_, others) = checked_dims(&sides)?;
        sides[open] = len.checked_div(others)? as i64;
    }
    let (dims, new_len) = checked_dims(&sides)?;
    (new_len == len).then(|| Literal { dims, numbers: from.numbers.clone() })
}

fn flatten<'a>(from: &Literal<'a>, axis: i64) -> Option<Literal<'a>> {
    let rank = from.dims.len();
    let axis = if axis == rank as i64 { rank } else { resolve(axis, rank)? };
    let (outer, inner) = from.dims.split_at(axis);
    let dims = vec![outer.iter().product(), inner.iter().product()];
    Some(Literal { dims, numbers: from.numbers.clone() })
}

fn unsqueeze<'a>(from: &Literal<'a>, axes: &[i64]) -> Option<Literal<'a>> {
    let rank = from.dims.len() + axes.len();
    let new = axes.iter().map(|a| resolve(*a, rank)).collect::<Option<Vec<_>>>()?;
    let mut old = from.dims.iter();
    let mut sides = Vec::with_capacity(rank);
    for index in 0..rank {
        sides.push(if new.contains(&index) { 1 } else { *old.next()? as i64 });
    }
    let (dims, _) = checked_dims(&sides)?;
    old.next().is_none().then(|| Literal { dims, numbers: from.numbers.clone() })
}

fn squeeze<'a>(from: &Literal<'a>, axes: Option<&[i64]>) -> Literal<'a> {
    let rank = from.dims.len();
    let named = |index: usize| axes.is_none_or(|axes| axes.iter().any(|a| resolve(*a, rank) == Some(index)));
    let kept = from.dims.iter().enumerate().filter(|(index, dim)| **dim != 1 || !named(*index)).map(|(_, dim)| *dim);
    Literal { dims: kept.collect(), numbers: from.numbers.clone() }
}

fn transpose<'a>(from: &Literal<'a>, perm: Option<&[i64]>) -> Option<Literal<'a>> {
    let rank = from.dims.len();
    let perm = match perm {
        Some(perm) if perm.len() == rank => perm.iter().map(|p| resolve(*p, rank)).collect::<Option<Vec<_>>>()?,
        Some(_) => return None,
        None => (0..rank).rev().collect(),
    };
    if (0..rank).any(|axis| !perm.contains(&axis)) {
        return None;
    }
    let dims: Vec<usize> = perm.iter().map(|p| from.dims[*p]).collect();
    let strides = strides(&from.dims);
    let source: Vec<usize> = indices(&dims, &perm.iter().map(|p| strides[*p]).collect::<Vec<_>>());
    let numbers = match &from.numbers {
        Numbers::Floats(floats) => Numbers::Floats(source.iter().map(|i| floats.at(*i)).collect()),
        Numbers::Ints(ints) => Numbers::Ints(source.iter().map(|i| ints[*i]).collect()),
        Numbers::Other => return None,
    };
    Some(Literal { dims, numbers })
}

fn concat<'a>(parts: &[&Literal<'a>], axis: i64) -> Option<Literal<'a>> {
    // Only lists are joined: shapes and sizes.
    if parts.iter().any(|p| p.dims.len() != 1) || resolve(axis, 1) != Some(0) {
        return None;
    }
    if parts.iter().all(|p| p.as_ints().is_some()) {
        return Some(Literal::ints(parts.iter().filter_map(|p| p.as_ints()).flatten().copied().collect()));
    }
    let lists = parts.iter().map(|p| p.floats()).collect::<Option<Vec<_>>>()?;
    let joined: Vec<f32> = lists.iter().flat_map(|l| l.iter()).collect();
    Some(Literal { dims: vec![joined.len()], numbers: Numbers::Floats(joined.into()) })
}

fn arithmetic<'a>(op: &str, inputs: &[&Literal<'a>]) -> Option<Literal<'a>> {
    let &[a, b] = inputs else { return None };
    let dims = broadcast(&a.dims, &b.dims)?;
    let at = |from: &[usize]| indices(&dims, &repeated(from, dims.len()));
    let pairs = || at(&a.dims).into_iter().zip(at(&b.dims));
    let numbers = match (&a.numbers, &b.numbers) {
        (Numbers::Floats(a), Numbers::Floats(b)) => {
            let f = |(i, j): (usize, usize)| match op {
                "Add" => a.at(i) + b.at(j),
                "Sub" => a.at(i) - b.at(j),
                "Mul" => a.at(i) * b.at(j),
                _ => a.at(i) / b.at(j),
            };
            Numbers::Floats(pairs().map(f).collect())
        }
        (Numbers::Ints(a), Numbers::Ints(b)) => {
            let f = |(i, j): (usize, usize)| match op {
                "Add" => a[i].checked_add(b[j]),
                "Sub" => a[i].checked_sub(b[j]),
                "Mul" => a[i].checked_mul(b[j]),
                _ => a[i].checked_div(b[j]),
            };
            Numbers::Ints(pairs().map(f).collect::<Option<_>>()?)
        }
        _ => return None,
    };
    Some(Literal { dims, numbers })
}

/// Common shape of two, sides of 1 repeated.
fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let side = |dims: &[usize], index: usize| (index + dims.len()).checked_sub(rank).map_or(1, |i| dims[i]);
    let mut sides = Vec::with_capacity(rank);
    for index in 0..rank {
        let (x, y) = (side(a, index), side(b, index));
        if x != y && x != 1 && y != 1 {
            return None;
        }
        sides.push(if x == 1 { y } else { x } as i64);
    }
    checked_dims(&sides).filter(|(_, len)| *len <= MAX_BROADCAST).map(|(dims, _)| dims)
}

fn strides(dims: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; dims.len()];
    for index in (1..dims.len()).rev() {
        strides[index - 1] = strides[index] * dims[index];
    }
    strides
}

/// Steps of a shape seen as one of `rank` sides: 0 where a side is repeated.
fn repeated(dims: &[usize], rank: usize) -> Vec<usize> {
    let own = strides(dims).into_iter().zip(dims).map(|(stride, dim)| if *dim == 1 { 0 } else { stride });
    let mut steps = vec![0; rank - dims.len()];
    steps.extend(own);
    steps
}

/// Where each number of a shape `dims` is found, given the step of each side.
fn indices(dims: &[usize], steps: &[usize]) -> Vec<usize> {
    let mut all = vec![0];
    for (dim, step) in dims.iter().zip(steps) {
        all = all.iter().flat_map(|base| (0..*dim).map(move |i| base + i * step)).collect();
    }
    all
}
