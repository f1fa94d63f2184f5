//! Sizes of all maps for one size of the inputs.

use super::limits::{MAX_NUMBERS, MAX_SIDE};
use super::{Coordinates, Graph, Node, Op, Padding, Pool, Resize, ResizeTarget, Side, ValueId, Window};
use crate::error::{Error, Text};
use alloc::vec::Vec;

/// Batch, channels, height, width; each at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Images.
    pub batch: usize,
    /// Channels.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Shape {
    /// From batch, channels, height, width.
    pub const fn new([batch, channels, height, width]: [usize; 4]) -> Self {
        Self { batch, channels, height, width }
    }

    /// Batch, channels, height, width.
    pub const fn sides(self) -> [usize; 4] {
        [self.batch, self.channels, self.height, self.width]
    }

    /// How many numbers; does not overflow for shapes out of [`Graph::shapes`].
    pub const fn numbers(self) -> usize {
        self.batch * self.channels * self.height * self.width
    }

    /// Whether all sides and their product keep to the limits.
    fn is_sound(self) -> bool {
        let sides = self.sides();
        let product = sides.iter().try_fold(1usize, |product, side| product.checked_mul(*side));
        sides.iter().all(|s| (1..=MAX_SIDE).contains(s)) && product.is_some_and(|p| p <= MAX_NUMBERS)
    }
}

/// The shape of every map of a graph, one entry per value. Values that passes left without a maker have none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shapes {
    shapes: Vec<Option<Shape>>,
}

impl Shapes {
    /// The shape of a map that is an input or made by a node.
    ///
    /// # Panics
    /// If the value is of another graph, or nothing makes it.
    #[expect(clippy::expect_used, reason = "documented: a caller's mistake, not a property of outside data")]
    pub fn of(&self, value: ValueId) -> Shape {
        self.shapes[value.index()].expect("a value that an input or a node makes")
    }
}

impl Graph<'_> {
    /// Works out all shapes, given one per input in the order of [`Graph::inputs`].
    ///
    /// # Errors
    /// [`Error::NetworkShape`] if a node cannot work on what it gets, or if a map would be larger than the limits (2^28 numbers).
    pub fn shapes(&self, inputs: &[Shape]) -> Result<Shapes, Error> {
        let mut shapes = alloc::vec![None; self.values.len()];
        let wrong = |shape: Shape, name: &str, what| Err(shape_error(name, shape, what));
        for (port, shape) in self.inputs.iter().zip(inputs) {
            if !shape.is_sound() {
                return wrong(*shape, &port.name, "each side must be at least 1, and the input at most 2^28 numbers");
            }
            if port.form.channels.is_some_and(|c| c != shape.channels) {
                return wrong(*shape, &port.name, "the input has another number of channels in the file");
            }
            shapes[port.value.index()] = Some(*shape);
        }
        if self.inputs.len() != inputs.len() {
            let what = "the network needs one shape for each of its inputs";
            return Err(Error::NetworkFile { place: Text::new(&self.name), what });
        }
        for node in &self.nodes {
            let shape = self.node_shape(node, |value| shapes[value.index()])?;
            if !shape.is_sound() {
                return wrong(shape, &node.name, "its result would have a side of 0, or more than 2^28 numbers");
            }
            shapes[node.output.index()] = Some(shape);
        }
        Ok(Shapes { shapes })
    }

    fn node_shape(&self, node: &Node, of: impl Fn(ValueId) -> Option<Shape>) -> Result<Shape, Error> {
        let missing = || Error::NetworkNode { node: Text::new(&node.name), what: "an input is missing" };
        let input = |index: usize| node.inputs.get(index).and_then(|v| of(*v)).ok_or_else(missing);
        let x = input(0)?;
        let wrong = |what| shape_error(&node.name, x, what);
        Ok(match &node.op {
            Op::Conv(conv) => {
                let [out, channels, ..] = self.weight_sides(conv.weight);
                if channels.checked_mul(conv.groups) != Some(x.channels) {
                    return Err(wrong("the weights are for another number of channels"));
                }
                let [height, width] = windowed(x, &conv.window, false).ok_or_else(|| wrong(TOO_SMALL))?;
                Shape { channels: out, height, width, ..x }
            }
            Op::ConvTranspose(conv) => {
                let [channels, out, ..] = self.weight_sides(conv.weight);
                if channels != x.channels {
                    return Err(wrong("the weights are for another number of channels"));
                }
                let sides = transposed(x, &conv.window, conv.output_padding_px).ok_or_else(|| wrong(TOO_SMALL))?;
                Shape { channels: out * conv.groups, height: sides[0], width: sides[1], ..x }
            }
            Op::ScaleShift { scale, shift } => {
                let fits = |id| matches!(self.constant(id).data.len(), n if n == 1 || n == x.channels);
                if !fits(*scale) || !fits(*shift) {
                    return Err(wrong("the numbers are for another number of channels"));
                }
                x
            }
            Op::Activate(_) | Op::Softmax => x,
            Op::Add | Op::Mul => broadcast(x, input(1)?).ok_or_else(|| wrong("the maps differ in size"))?,
            Op::Concat => {
                let mut channels = 0usize;
                for index in 0..node.inputs.len() {
                    let part = input(index)?;
                    if (Shape { channels: x.channels, ..part }) != x {
                        return Err(wrong("the maps to be joined differ in batch, height or width"));
                    }
                    channels = channels.saturating_add(part.channels);
                }
                Shape { channels, ..x }
            }
            Op::MaxPool(pool) | Op::AveragePool { pool, .. } => {
                let [height, width] = pooled(x, pool).ok_or_else(|| wrong(TOO_SMALL))?;
                Shape { height, width, ..x }
            }
            Op::GlobalAveragePool | Op::GlobalMaxPool => Shape { height: 1, width: 1, ..x },
            Op::Resize(resize) => resized(x, resize),
            Op::Reshape { to, .. } => reshaped(x, to).ok_or_else(|| wrong("the numbers do not fit the new shape"))?,
            Op::Pad { pads_px: [top, left, bottom, right], with } => {
                let reflects = matches!(with, super::PadWith::Reflect);
                if reflects && (*top.max(bottom) >= x.height || *left.max(right) >= x.width) {
                    return Err(wrong("mirrored padding must be smaller than the map"));
                }
                Shape { height: x.height + top + bottom, width: x.width + left + right, ..x }
            }
        })
    }

    /// The four sides of convolution weights.
    pub(super) fn weight_sides(&self, id: super::ConstantId) -> [usize; 4] {
        let mut sides = [1; 4];
        for (side, dim) in sides.iter_mut().zip(&self.constant(id).dims) {
            *side = *dim;
        }
        sides
    }
}

const TOO_SMALL: &str = "the window does not fit into them";

fn shape_error(name: &str, shape: Shape, what: &'static str) -> Error {
    let shape = shape.sides().map(|side| u32::try_from(side).unwrap_or(u32::MAX));
    Error::NetworkShape { node: Text::new(name), shape, what }
}

impl Window {
    /// Rows (0) or columns (1) from the first tap to the last.
    pub fn reach(&self, axis: usize) -> usize {
        (self.kernel[axis] - 1) * self.dilation[axis] + 1
    }

    /// Top, left, bottom, right for an input of this height and width. "Same" padding by ONNX: `ceil(side / stride)` results.
    pub fn pads_px(&self, sides: [usize; 2]) -> [usize; 4] {
        let same = |axis: usize| {
            let results = sides[axis].div_ceil(self.stride[axis]).max(1);
            ((results - 1) * self.stride[axis] + self.reach(axis)).saturating_sub(sides[axis])
        };
        match self.padding {
            Padding::Explicit(pads) => pads,
            Padding::SameUpper => [same(0) / 2, same(1) / 2, same(0).div_ceil(2), same(1).div_ceil(2)],
            Padding::SameLower => [same(0).div_ceil(2), same(1).div_ceil(2), same(0) / 2, same(1) / 2],
        }
    }
}

/// `floor((side + pads - reach) / stride) + 1` (ONNX, Conv); with `ceil` rounded up.
fn windowed(x: Shape, window: &Window, ceil: bool) -> Option<[usize; 2]> {
    let pads = window.pads_px([x.height, x.width]);
    let side = |axis: usize, side: usize| {
        let room = (side + pads[axis] + pads[axis + 2]).checked_sub(window.reach(axis))?;
        let steps = if ceil { room.div_ceil(window.stride[axis]) } else { room / window.stride[axis] };
        // A last window that begins in the padding behind the map is left out.
        let last_begins_inside = steps * window.stride[axis] < side + pads[axis];
        Some(if ceil && !last_begins_inside { steps } else { steps + 1 })
    };
    Some([side(0, x.height)?, side(1, x.width)?])
}

fn pooled(x: Shape, pool: &Pool) -> Option<[usize; 2]> {
    windowed(x, &pool.window, pool.ceil)
}

impl super::ConvTranspose {
    /// Top, left, bottom, right that are cut off the full result, for an input of this height and width. "Same" padding by
    /// ONNX: the result has `side * stride` rows.
    pub fn cut_px(&self) -> [usize; 4] {
        let window = &self.window;
        let total = |axis: usize| (window.reach(axis) + self.output_padding_px[axis]).saturating_sub(window.stride[axis]);
        match window.padding {
            Padding::Explicit(pads) => pads,
            Padding::SameUpper => [total(0) / 2, total(1) / 2, total(0).div_ceil(2), total(1).div_ceil(2)],
            Padding::SameLower => [total(0).div_ceil(2), total(1).div_ceil(2), total(0) / 2, total(1) / 2],
        }
    }
}

/// `stride * (side - 1) + output_padding + reach - pads` (ONNX, ConvTranspose).
fn transposed(x: Shape, window: &Window, output_padding_px: [usize; 2]) -> Option<[usize; 2]> {
    let side = |axis: usize, side: usize| {
        let full = window.stride[axis] * (side - 1) + output_padding_px[axis] + window.reach(axis);
        match window.padding {
            Padding::Explicit(pads) => full.checked_sub(pads[axis] + pads[axis + 2]),
            Padding::SameUpper | Padding::SameLower => Some(window.stride[axis] * side),
        }
    };
    Some([side(0, x.height)?, side(1, x.width)?])
}

fn broadcast(a: Shape, b: Shape) -> Option<Shape> {
    let side = |a: usize, b: usize| (a == b || a == 1 || b == 1).then_some(a.max(b));
    let (a, b) = (a.sides(), b.sides());
    (a[0] == b[0]).then_some(())?;
    Some(Shape::new([a[0], side(a[1], b[1])?, side(a[2], b[2])?, side(a[3], b[3])?]))
}

fn resized(x: Shape, resize: &Resize) -> Shape {
    let [height, width] = match resize.target {
        ResizeTarget::Sizes(sizes) => sizes,
        // In f32 as ONNX Runtime and tract do: 0.6 * 5 must be 3 for all of us.
        ResizeTarget::Scales([v, h]) => [scaled(x.height, v), scaled(x.width, h)],
    };
    Shape { height, width, ..x }
}

fn scaled(side: usize, scale: f32) -> usize {
    libm::floorf(side as f32 * scale) as usize
}

fn reshaped(x: Shape, to: &[Side; 4]) -> Option<Shape> {
    let (mut sides, from) = ([1usize; 4], x.sides());
    let mut rest = None;
    for (index, side) in to.iter().enumerate() {
        match side {
            Side::Fixed(n) => sides[index] = *n,
            Side::Keep => sides[index] = from[index],
            Side::Rest => rest = Some(index),
        }
    }
    let product = |sides: &[usize; 4]| sides.iter().try_fold(1usize, |p, s| p.checked_mul(*s));
    if let Some(index) = rest {
        sides[index] = x.numbers().checked_div(product(&sides)?)?;
    }
    (product(&sides)? == x.numbers()).then(|| Shape::new(sides))
}

impl Resize {
    /// Where row (axis 0) or column (axis 1) `y` of the result lies in an input of `from` rows for a result of `to` rows.
    pub fn source(&self, axis: usize, y: usize, from: usize, to: usize) -> f32 {
        let scale = match self.target {
            ResizeTarget::Scales(scales) => scales[axis],
            ResizeTarget::Sizes(_) => to as f32 / from as f32,
        };
        let half_pixel = || (y as f32 + 0.5) / scale - 0.5;
        match self.coordinates {
            Coordinates::Asymmetric => y as f32 / scale,
            Coordinates::HalfPixel => half_pixel(),
            Coordinates::PytorchHalfPixel => {
                if to > 1 {
                    half_pixel()
                } else {
                    0.0
                }
            }
            Coordinates::AlignCorners => {
                if to > 1 {
                    y as f32 * (from - 1) as f32 / (to - 1) as f32
                } else {
                    0.0
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
