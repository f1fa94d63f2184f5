//! Depthwise convolutions: every channel has a kernel of its own, so channels stay in their lanes.

#![expect(unsafe_code, reason = "pointers of a leaf kernel")]
#![expect(unsafe_op_in_unsafe_fn, reason = "each function has one proof, under its Safety heading")]

use super::Weights;
use crate::engine::cpu::activation;
use crate::engine::cpu::isa::Isa;
use crate::engine::cpu::map::Map;
use crate::engine::cpu::memory::Memory;
use crate::engine::cpu::step::Step;
use crate::engine::cpu::vector::{Kernel, Vector};
use crate::graph::{Activation, Floats};
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

/// Outputs of a row whose sums are in registers at the same time.
const TOGETHER: usize = 8;
/// Numbers that one task makes at least, if a block has as many: handing out a task takes as long as some hundred of them.
const TASK_NUMBERS: usize = 1 << 13;

/// Which places an output sees; what lies beyond the map is left out, which is the same as zeros there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine::cpu) struct Taps {
    /// Rows and columns of the kernel.
    pub kernel: [usize; 2],
    /// From one output's place to the next one's.
    pub stride: [usize; 2],
    /// From one tap to the next.
    pub dilation: [usize; 2],
    /// Rows and columns of padding above and to the left.
    pub pads: [usize; 2],
}

impl Taps {
    /// Taps of output `at` that lie inside `side` rows (axis 0) or columns (axis 1).
    fn inside(&self, axis: usize, at: usize, side: usize) -> Range<usize> {
        let (start, step, pad) = (at * self.stride[axis], self.dilation[axis], self.pads[axis]);
        let end = (side + pad).saturating_sub(start).div_ceil(step).min(self.kernel[axis]);
        pad.saturating_sub(start).div_ceil(step).min(end)..end
    }

    /// Columns of outputs, of `outputs` in all, that see no padding in a map of `width` columns.
    fn whole(&self, width: usize, outputs: usize) -> Range<usize> {
        let reach = (self.kernel[1] - 1) * self.dilation[1];
        let first = self.pads[1].div_ceil(self.stride[1]).min(outputs);
        let end = (width + self.pads[1]).checked_sub(reach + 1).map_or(0, |last| last / self.stride[1] + 1);
        first..end.clamp(first, outputs)
    }
}

/// A prepared depthwise convolution.
pub(in crate::engine::cpu) struct Depthwise {
    isa: Isa,
    input: Map,
    output: Map,
    taps: Taps,
    /// Columns that see no padding.
    whole: Range<usize>,
    /// Rows that one task makes.
    rows: usize,
    /// `[block][tap][lane]`.
    weights: Vec<f32>,
    bias: Vec<f32>,
    activation: Activation,
}

impl Depthwise {
    /// Prepares a convolution whose groups, input and output channels are as many.
    pub fn new(isa: Isa, (input, output): (Map, Map), taps: Taps, weights: &Weights<'_>, activation: Activation) -> Self {
        let (lanes, count) = (isa.lanes(), taps.kernel[0] * taps.kernel[1]);
        let mut packed = vec![0.0; output.blocks() * count * lanes];
        let mut bias = weights.bias.map(Floats::to_vec).unwrap_or_default();
        bias.resize(output.blocks() * lanes, 0.0);
        for channel in 0..output.channels {
            for tap in 0..count {
                packed[(channel / lanes * count + tap) * lanes + channel % lanes] = weights.numbers.at(channel * count + tap);
            }
        }
        let whole = taps.whole(input.width, output.width);
        let rows = (TASK_NUMBERS / output.row_len().max(1)).clamp(1, output.height.max(1));
        Self { isa, input, output, taps, whole, rows, weights: packed, bias, activation }
    }

    /// Tasks per block.
    fn strips(&self) -> usize {
        self.output.height.div_ceil(self.rows)
    }
}

impl Step for Depthwise {
    fn method(&self) -> &'static str {
        "depthwise"
    }

    fn tasks(&self) -> usize {
        self.output.blocks() * self.strips()
    }

    fn bytes(&self) -> usize {
        size_of_val(&self.weights[..]) + size_of_val(&self.bias[..])
    }

    unsafe fn run(&self, task: usize, _worker: usize, memory: &Memory<'_>) {
        let (block, strip) = (task / self.strips(), task % self.strips());
        let from = memory.at(self.input.block(block).offset, self.input.block_len());
        let to = memory.at(self.output.block(block).offset, self.output.block_len());
        let rows = strip * self.rows..self.output.height.min((strip + 1) * self.rows);
        // SAFETY: both lie in the arena, taps outside of the input are left out, and tasks write different rows.
        unsafe { self.isa.run(Strip { step: self, block, rows, from, to }) }
    }
}

/// The work of one task: some rows of one block.
struct Strip<'a> {
    step: &'a Depthwise,
    block: usize,
    rows: Range<usize>,
    from: *const f32,
    to: *mut f32,
}

impl Kernel for Strip<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let Taps { kernel, stride, dilation, .. } = self.step.taps;
        // The common kernels know their taps while compiling.
        match (kernel[1], stride[1], dilation[1]) {
            (3, 1, 1) => self.all::<V, 3>(),
            (5, 1, 1) => self.all::<V, 5>(),
            _ => self.all::<V, 0>(),
        }
    }
}

/// SAFETY of all methods: [`Step::run`] made the strip; places given to them lie in it, and what they see in the map.
impl Strip<'_> {
    /// All rows; `K` is the number of columns of a kernel with stride and dilation 1, or 0 for any other.
    #[inline(always)]
    unsafe fn all<V: Vector, const K: usize>(self) {
        let Depthwise { input, output, taps, whole, .. } = self.step;
        for y in self.rows.clone() {
            let rows = taps.inside(0, y, input.height);
            for x in 0..whole.start {
                self.outputs::<V, 1, 0>([y, x], [rows.clone(), taps.inside(1, x, input.width)]);
            }
            let mut x = whole.start;
            while whole.len() >= TOGETHER && x < whole.end {
                // The last ones once more, rather than the rest one by one.
                let first = x.min(whole.end - TOGETHER);
                self.outputs::<V, TOGETHER, K>([y, first], [rows.clone(), 0..taps.kernel[1]]);
                x += TOGETHER;
            }
            let rest = if whole.len() >= TOGETHER { whole.end } else { whole.start };
            for x in rest..output.width {
                self.outputs::<V, 1, 0>([y, x], [rows.clone(), taps.inside(1, x, input.width)]);
            }
        }
    }

    /// `N` neighbouring outputs from row and column `at` on, as sums over the rows and columns of taps in `seen`; all columns if
    /// `K` is their number.
    #[inline(always)]
    unsafe fn outputs<V: Vector, const N: usize, const K: usize>(&self, at: [usize; 2], seen: [Range<usize>; 2]) {
        let Depthwise { input, output, taps, weights, bias, activation, .. } = self.step;
        let [rows, columns] = seen;
        let weights = weights[self.block * taps.kernel[0] * taps.kernel[1] * V::LANES..].as_ptr();
        let mut sums = [V::load(bias[self.block * V::LANES..].as_ptr()); N];
        let column = at[1] * taps.stride[1] + columns.start * taps.dilation[1] - taps.pads[1];
        for ky in rows {
            let row = at[0] * taps.stride[0] + ky * taps.dilation[0] - taps.pads[0];
            let from = self.from.add(row * input.row_len() + column * V::LANES);
            let weights = weights.add((ky * taps.kernel[1] + columns.start) * V::LANES);
            if K > 0 {
                for kx in 0..K {
                    let w = V::load(weights.add(kx * V::LANES));
                    for (n, sum) in sums.iter_mut().enumerate() {
                        *sum = V::load(from.add((n + kx) * V::LANES)).mul_add(w, *sum);
                    }
                }
            } else {
                for kx in 0..columns.len() {
                    let (w, from) = (V::load(weights.add(kx * V::LANES)), from.add(kx * taps.dilation[1] * V::LANES));
                    for (n, sum) in sums.iter_mut().enumerate() {
                        *sum = V::load(from.add(n * taps.stride[1] * V::LANES)).mul_add(w, *sum);
                    }
                }
            }
        }
        let to = self.to.add(at[0] * output.row_len() + at[1] * V::LANES);
        for (n, sum) in sums.into_iter().enumerate() {
            activation::apply(*activation, sum).store(to.add(n * V::LANES));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_without_padding() {
        let taps = |kernel: usize, stride: usize, pad: usize| Taps {
            kernel: [kernel; 2],
            stride: [stride; 2],
            dilation: [1; 2],
            pads: [pad; 2],
        };
        assert_eq!(taps(5, 1, 2).whole(9, 9), 2..7);
        assert_eq!(taps(3, 2, 1).whole(9, 5), 1..4);
        assert!(taps(5, 1, 2).whole(3, 3).is_empty());
        assert_eq!((taps(5, 1, 2).inside(1, 0, 3), taps(5, 1, 2).inside(1, 2, 3)), (2..5, 0..3));
    }
}
