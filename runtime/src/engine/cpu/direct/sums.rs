//! Sums over taps for neighbouring outputs: what every convolution but Winograd's is made of.

#![expect(unsafe_code, reason = "pointers of a leaf kernel")]
#![expect(unsafe_op_in_unsafe_fn, reason = "each function has one proof, under its Safety heading")]

use super::part::Part;
use crate::engine::cpu::activation;
use crate::engine::cpu::micro::{self, Operands, RowSink, Sink};
use crate::engine::cpu::pack::Groups;
use crate::engine::cpu::vector::{Kernel, Vector};
use crate::graph::Activation;

/// The sums of `count` neighbouring outputs, all groups of output channels.
#[derive(Clone, Copy)]
pub(super) struct Sums<'a> {
    pub groups: Groups,
    /// One per group.
    pub parts: &'a [Part],
    /// One number per lane of all blocks.
    pub bias: &'a [f32],
    pub activation: Activation,
    /// Input of the first output, and numbers from one output's input to the next one's.
    pub input: (*const f32, usize),
    pub count: usize,
    pub to: Target,
}

/// Where outputs go, in blocks.
#[derive(Clone, Copy)]
pub(super) struct Target {
    /// The first output.
    pub to: *mut f32,
    /// What is added to it, in an equal arrangement.
    pub other: Option<*const f32>,
    /// Numbers from one output to the next.
    pub step: usize,
    /// Numbers from one block of channels to the next.
    pub block: usize,
}

impl Target {
    /// The same, some numbers further on.
    pub fn at(self, numbers: usize) -> Self {
        Self { to: self.to.wrapping_add(numbers), other: self.other.map(|other| other.wrapping_add(numbers)), ..self }
    }
}

impl Kernel for Sums<'_> {
    /// For each run of each part, the input of every output is readable, and the targets of all of them are writable.
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let (input, step) = self.input;
        // Other functions than these are rare and large: they go over the sums a second time.
        let simple = matches!(self.activation, Activation::None | Activation::Relu);
        for ((first, blocks), part) in self.groups.each().zip(self.parts) {
            let from = Operands { input, step, runs: &part.runs, weights: part.weights.as_ptr() };
            let target = self.to.at(first * self.to.block);
            let sink = Outputs {
                to: if simple { target } else { Target { other: None, ..target } },
                bias: self.bias[first * V::LANES..].as_ptr(),
                relu: self.activation == Activation::Relu,
            };
            micro::rows::<V>(from, self.count, blocks, &sink);
            if !simple {
                self.finish::<V>(target, blocks);
            }
        }
    }
}

impl Sums<'_> {
    /// Applies the function to one group's sums and adds what is to be added.
    ///
    /// # Safety
    /// As for [`Kernel::run`].
    #[inline(always)]
    unsafe fn finish<V: Vector>(&self, target: Target, blocks: usize) {
        for block in 0..blocks {
            for index in 0..self.count {
                let Target { to, other, .. } = target.at(block * target.block + index * target.step);
                let mut value = activation::apply(self.activation, V::load(to));
                if let Some(other) = other {
                    value = V::load(other).add(value);
                }
                value.store(to);
            }
        }
    }
}

/// Where sums of one group go: rows are neighbouring outputs.
#[derive(Clone, Copy)]
struct Outputs {
    to: Target,
    bias: *const f32,
    relu: bool,
}

impl Sink for Outputs {
    #[inline(always)]
    unsafe fn put<V: Vector, const R: usize, const B: usize>(&self, mut sums: [[V; B]; R]) {
        for sums in &mut sums {
            for (block, sum) in sums.iter_mut().enumerate() {
                *sum = sum.add(V::load(self.bias.add(block * V::LANES)));
            }
        }
        // One decision for all of them.
        if self.relu {
            for sum in sums.as_flattened_mut() {
                *sum = V::splat(0.0).max(*sum);
            }
        }
        let at = |row: usize, block: usize| block * self.to.block + row * self.to.step;
        if let Some(other) = self.to.other {
            for (row, sums) in sums.iter_mut().enumerate() {
                for (block, sum) in sums.iter_mut().enumerate() {
                    *sum = V::load(other.add(at(row, block))).add(*sum);
                }
            }
        }
        for (row, sums) in sums.into_iter().enumerate() {
            for (block, sum) in sums.into_iter().enumerate() {
                sum.store(self.to.to.add(at(row, block)));
            }
        }
    }
}

impl RowSink for Outputs {
    #[inline(always)]
    unsafe fn at_row<V: Vector>(&self, row: usize) -> impl Sink {
        Self { to: self.to.at(row * self.to.step), ..*self }
    }
}
