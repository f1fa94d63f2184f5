//! The largest number or the mean under a sliding window, and of whole channels.

#![expect(unsafe_code, reason = "pointers of a leaf kernel")]
#![expect(unsafe_op_in_unsafe_fn, reason = "each function has one proof, under its Safety heading")]

use super::isa::Isa;
use super::map::Map;
use super::memory::Memory;
use super::step::Step;
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
}

impl Pool {
    /// Every output sees at least one place inside the map or yields 0.
    pub fn new(isa: Isa, input: Map, output: Map, window: Window, take: Take) -> Self {
        Self { isa, input, output, window, take }
    }
}

impl Step for Pool {
    fn method(&self) -> &'static str {
        if self.take == Take::Max { "max pool" } else { "mean pool" }
    }

    fn tasks(&self) -> usize {
        self.output.blocks() * self.output.height
    }

    unsafe fn run(&self, task: usize, _worker: usize, memory: &Memory<'_>) {
        let (block, y) = (task / self.output.height, task % self.output.height);
        let from = memory.at(self.input.block(block).offset, self.input.block_len());
        let to = memory.at(self.output.block(block).offset, self.output.block_len());
        // SAFETY: both lie in the arena, windows are cut to the map, and tasks write different rows.
        unsafe {
            let to = to.add(y * self.output.row_len());
            self.isa.run(Row { step: self, y, from, to });
        }
    }
}

/// The work of one task: one row of one block.
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
