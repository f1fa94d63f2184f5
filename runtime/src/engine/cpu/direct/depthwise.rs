//! Depthwise convolutions: every channel has a kernel of its own, so channels stay in their lanes.

#![expect(unsafe_code, reason = "pointers of a leaf kernel")]
#![expect(unsafe_op_in_unsafe_fn, reason = "each function has one proof, under its Safety heading")]

use super::{Field, Phase, Weights};
use crate::engine::cpu::activation;
use crate::engine::cpu::isa::Isa;
use crate::engine::cpu::map::Map;
use crate::engine::cpu::memory::Memory;
use crate::engine::cpu::step::Step;
use crate::engine::cpu::vector::{Kernel, Vector};
use crate::graph::{Activation, Floats};
use alloc::vec;
use alloc::vec::Vec;

/// Outputs of a row whose sums are in registers at the same time.
const TOGETHER: usize = 8;

/// A prepared depthwise convolution.
pub(in crate::engine::cpu) struct Depthwise {
    isa: Isa,
    field: Field,
    output: Map,
    phase: Phase,
    /// From an output's first input to each tap.
    offsets: Vec<usize>,
    /// `[block][tap][lane]`.
    weights: Vec<f32>,
    bias: Vec<f32>,
    activation: Activation,
}

impl Depthwise {
    /// Prepares a convolution whose groups, input and output channels are as many. The field's planes are the blocks of one
    /// map, so that each output block has the channels of the input block with the same index.
    pub fn new(isa: Isa, (field, output): (Field, Map), phase: Phase, weights: &Weights<'_>, activation: Activation) -> Self {
        let (lanes, taps) = (isa.lanes(), phase.taps.len());
        let offsets = phase.taps.iter().map(|t| t.at[0] * field.row_len() + t.at[1] * field.column).collect();
        let mut packed = vec![0.0; output.blocks() * taps * lanes];
        let mut bias = weights.bias.map(Floats::to_vec).unwrap_or_default();
        bias.resize(output.blocks() * lanes, 0.0);
        for channel in 0..output.channels {
            for (tap, _) in phase.taps.iter().enumerate() {
                packed[(channel / lanes * taps + tap) * lanes + channel % lanes] = weights.numbers.at(channel * taps + tap);
            }
        }
        Self { isa, field, output, phase, offsets, weights: packed, bias, activation }
    }
}

impl Step for Depthwise {
    fn method(&self) -> &'static str {
        "depthwise"
    }

    fn tasks(&self) -> usize {
        self.output.blocks() * self.output.height
    }

    fn bytes(&self) -> usize {
        size_of_val(&self.weights[..]) + size_of_val(&self.bias[..])
    }

    unsafe fn run(&self, task: usize, _worker: usize, memory: &Memory<'_>) {
        let (block, y) = (task / self.output.height, task % self.output.height);
        let from = memory.at(self.field.planes[block].offset, self.field.plane_len());
        let to = memory.at(self.output.offset + block * self.output.block_len(), self.output.block_len());
        // SAFETY: both lie in the arena, the phase keeps its taps inside the plane, and tasks write different rows.
        unsafe {
            let from = from.add(y * self.phase.input_step[0] * self.field.row_len());
            let to = to.add(y * self.output.row_len());
            self.isa.run(Row { step: self, block, from, to });
        }
    }
}

/// The work of one task: one row of one block.
struct Row<'a> {
    step: &'a Depthwise,
    block: usize,
    from: *const f32,
    to: *mut f32,
}

impl Kernel for Row<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let width = self.step.output.width;
        let mut x = 0;
        while x + TOGETHER <= width {
            self.outputs::<V, TOGETHER>(x);
            x += TOGETHER;
        }
        for x in x..width {
            self.outputs::<V, 1>(x);
        }
    }
}

impl Row<'_> {
    /// `N` neighbouring outputs.
    ///
    /// # Safety
    /// As for [`Step::run`], and all of them lie in the row.
    #[inline(always)]
    unsafe fn outputs<V: Vector, const N: usize>(&self, x: usize) {
        let Depthwise { offsets, weights, bias, phase, activation, .. } = self.step;
        let step = phase.input_step[1] * V::LANES;
        let from = self.from.add(x * step);
        let weights = weights[self.block * offsets.len() * V::LANES..].as_ptr();
        let mut sums = [V::load(bias[self.block * V::LANES..].as_ptr()); N];
        for (tap, offset) in offsets.iter().enumerate() {
            let w = V::load(weights.add(tap * V::LANES));
            for (n, sum) in sums.iter_mut().enumerate() {
                *sum = V::load(from.add(offset + n * step)).mul_add(w, *sum);
            }
        }
        for (n, sum) in sums.into_iter().enumerate() {
            activation::apply(*activation, sum).store(self.to.add((x + n) * V::LANES));
        }
    }
}
