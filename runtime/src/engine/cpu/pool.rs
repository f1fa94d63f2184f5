//! The largest number or the mean under a sliding window, and of whole channels.

#![expect(unsafe_code, reason = "pointers of a leaf kernel")]
#![expect(unsafe_op_in_unsafe_fn, reason = "each function has one proof, under its Safety heading")]

use super::isa::Isa;
use super::map::Map;
use super::memory::Memory;
use super::step::Step;
use super::strips::Strips;
use super::vector::{Kernel, Vector};
use core::ops::Range;

/// What is taken from under the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Take {
    /// The largest; padding never wins. NaN loses against numbers that come after it.
    Max,
    /// The mean of what lies inside the map.
    MeanInside,
    /// The sum of what lies inside, divided by the places of the window within the padding: `[rows, columns]` of map and
    /// padding together.
    MeanPadded([usize; 2]),
}

/// A window over one axis pair: kernel, stride, dilation, and padding above and to the left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// Rows and columns.
    pub kernel: [usize; 2],
    /// Steps.
    pub stride: [usize; 2],
    /// Distance of taps.
    pub dilation: [usize; 2],
    /// Top and left.
    pub pads: [usize; 2],
}

impl Window {
    /// Taps of output `at` that lie inside `side`, by index, and the place of tap 0 plus the padding.
    fn inside(&self, axis: usize, at: usize, side: usize) -> (Range<usize>, usize) {
        let (start, step, pad) = (at * self.stride[axis], self.dilation[axis], self.pads[axis]);
        let first = pad.saturating_sub(start).div_ceil(step);
        let end = (side + pad).saturating_sub(start).div_ceil(step);
        let end = end.min(self.kernel[axis]);
        (first.min(end)..end, start)
    }
}

/// A prepared pooling.
pub(super) struct Pool {
    isa: Isa,
    input: Map,
    output: Map,
    window: Window,
    take: Take,
    strips: Strips,
}

impl Pool {
    /// Every output sees at least one place inside the map or yields 0. Tasks are cut so that `workers` have something to do.
    pub fn new((isa, workers): (Isa, usize), [input, output]: [Map; 2], window: Window, take: Take) -> Self {
        let strips = Strips::new(output.height, output.blocks() * output.row_len(), workers);
        Self { isa, input, output, window, take, strips }
    }

    /// Whether it takes the largest of every 2x2.
    fn halves(&self) -> bool {
        let Self { input, output, window, .. } = self;
        let plain = *window == Window { kernel: [2; 2], stride: [2; 2], dilation: [1; 2], pads: [0; 2] };
        self.take == Take::Max && plain && 2 * output.height <= input.height && 2 * output.width <= input.width
    }
}

impl Step for Pool {
    fn method(&self) -> &'static str {
        if self.take == Take::Max { "max pool" } else { "mean pool" }
    }

    fn tasks(&self) -> usize {
        self.strips.count()
    }

    unsafe fn run(&self, task: usize, _worker: usize, memory: &Memory<'_>) {
        let (rows, input) = (self.strips.rows(task), &self.input);
        if self.halves() {
            let from = memory.at(input.offset, input.len()).wrapping_add(2 * rows.start * input.row_len());
            // SAFETY: all that is read lies inside the input, and tasks write different rows.
            return unsafe {
                Halve::strip(
                    self.isa,
                    (from, [input.block_len(), input.row_len()]),
                    &self.output,
                    2 * rows.start..2 * rows.end,
                    memory,
                )
            };
        }
        for block in 0..self.output.blocks() {
            let from = memory.at(input.block(block).offset, input.block_len());
            let to = memory.at(self.output.block(block).offset, self.output.block_len());
            for y in rows.clone() {
                // SAFETY: both lie in the arena, windows are cut to the map, and tasks write different rows.
                unsafe {
                    let to = to.add(y * self.output.row_len());
                    self.isa.run(Row { step: self, y, from, to });
                }
            }
        }
    }
}

/// One row of one block.
struct Row<'a> {
    step: &'a Pool,
    y: usize,
    from: *const f32,
    to: *mut f32,
}

impl Kernel for Row<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let Pool { input, output, window, take, .. } = self.step;
        let (rows, y) = window.inside(0, self.y, input.height);
        for x in 0..output.width {
            let (columns, x_start) = window.inside(1, x, input.width);
            let max = *take == Take::Max;
            let mut sum = V::splat(if max && !rows.is_empty() && !columns.is_empty() { f32::NEG_INFINITY } else { 0.0 });
            for ky in rows.clone() {
                let row = self.from.add((y + ky * window.dilation[0] - window.pads[0]) * input.row_len());
                for kx in columns.clone() {
                    let v = V::load(row.add((x_start + kx * window.dilation[1] - window.pads[1]) * V::LANES));
                    sum = if max { sum.max(v) } else { sum.add(v) };
                }
            }
            let count = match take {
                Take::Max => 1,
                Take::MeanInside => rows.len() * columns.len(),
                Take::MeanPadded(sides) => {
                    let padded = |axis: usize, start: usize| {
                        (sides[axis].saturating_sub(start)).div_ceil(window.dilation[axis]).min(window.kernel[axis])
                    };
                    padded(0, y) * padded(1, x_start)
                }
            };
            sum.mul(V::splat(1.0 / count.max(1) as f32)).store(self.to.add(x * V::LANES));
        }
    }
}

/// The largest of every 2x2 numbers of some rows of one block. Of NaN and a number the later one wins.
pub(super) struct Halve {
    /// First row, and numbers from one to the next.
    from: (*const f32, usize),
    /// First row of the result, and numbers from one to the next.
    to: (*mut f32, usize),
    /// Rows and columns of the result.
    sides: [usize; 2],
}

impl Halve {
    /// Pools rows `rows` (from an even one on) of all blocks into `to`, as far as there are rows of it; the first of them is at
    /// `from`, with those distances of blocks and rows.
    ///
    /// # Safety
    /// The rows are readable for twice the columns of `to`; the rows of `to` that they make are nobody else's.
    pub unsafe fn strip(isa: Isa, from: (*const f32, [usize; 2]), to: &Map, rows: Range<usize>, memory: &Memory<'_>) {
        let (from, [block_len, row_len]) = from;
        let (first, end) = (rows.start / 2, (rows.end / 2).min(to.height));
        for block in 0..to.blocks() {
            let place = memory.at(to.block(block).offset, to.block_len()).wrapping_add(first * to.row_len());
            let work = Self {
                from: (from.wrapping_add(block * block_len), row_len),
                to: (place, to.row_len()),
                sides: [end.saturating_sub(first), to.width],
            };
            // SAFETY: the caller's own conditions.
            unsafe { isa.run(work) };
        }
    }
}

impl Kernel for Halve {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let [height, width] = self.sides;
        for y in 0..height {
            let above = self.from.0.add(2 * y * self.from.1);
            let below = above.add(self.from.1);
            for x in 0..width {
                let at = |row: *const f32, column: usize| V::load(row.add((2 * x + column) * V::LANES));
                let largest = at(above, 0).max(at(above, 1)).max(at(below, 0)).max(at(below, 1));
                largest.store(self.to.0.add(y * self.to.1 + x * V::LANES));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_cut_to_the_map() {
        let window = Window { kernel: [3; 2], stride: [2; 2], dilation: [1; 2], pads: [1; 2] };
        assert_eq!(window.inside(0, 0, 4), (1..3, 0));
        assert_eq!(window.inside(0, 1, 4), (0..3, 2));
        assert_eq!(window.inside(0, 2, 4), (0..1, 4));
        assert_eq!(window.inside(0, 9, 4), (0..0, 18));
    }
}
