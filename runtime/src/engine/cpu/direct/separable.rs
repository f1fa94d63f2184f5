//! Depthwise convolutions, alone or together with the 1x1 convolution that mixes their channels.
//!
//! ```text
//! for each strip of rows:                                    (one task)
//!     each block of channels by its own kernels              (in the core's cache, if they are mixed)
//!     outputs = activation(1x1 convolution + bias) + other
//!     pooled  = largest of every 2x2 outputs
//! ```

#![expect(unsafe_code, reason = "pointers of a leaf kernel")]

use super::depthwise::{Depthwise, Rows};
use super::part::{Part, Weights};
use super::phase::Tap;
use super::sums::{Sums, Target};
use super::{Field, Taps};
use crate::engine::cpu::isa::Isa;
use crate::engine::cpu::map::Map;
use crate::engine::cpu::memory::Memory;
use crate::engine::cpu::pack::Groups;
use crate::engine::cpu::pool::Halve;
use crate::engine::cpu::step::Step;
use crate::engine::cpu::strips::Strips;
use crate::graph::Activation;
use alloc::vec::Vec;
use core::ops::Range;

/// Numbers of a strip between the two convolutions: 32 KiB, most of a first cache.
const STRIP_NUMBERS: usize = 1 << 13;
/// Outputs of a strip that pay for reading the weights of a 1x1 convolution: some register tiles.
const LEAST_OUTPUTS: usize = 56;

/// A 1x1 convolution and what follows it.
#[derive(Clone, Copy)]
pub(in crate::engine::cpu) struct Mix<'a> {
    pub weights: Weights<'a>,
    pub activation: Activation,
    /// A map of the output's size that is added at the end.
    pub other: Option<Map>,
    /// The largest of every 2x2 outputs as well: half as many rows and columns, rounded down.
    pub pooled: Option<Map>,
}

/// A prepared depthwise convolution.
pub(in crate::engine::cpu) struct Separable {
    isa: Isa,
    depthwise: Depthwise,
    output: Map,
    strips: Strips,
    mix: Option<Mixed>,
}

/// A prepared 1x1 convolution of a strip.
struct Mixed {
    groups: Groups,
    parts: Vec<Part>,
    bias: Vec<f32>,
    activation: Activation,
    other: Option<Map>,
    pooled: Option<Map>,
    /// Numbers of one block of the strip.
    block: usize,
}

impl Separable {
    /// Prepares a convolution whose groups, input and output channels are as many, and a `mix` of its results.
    pub fn new(
        (isa, workers): (Isa, usize),
        (input, output): (Map, Map),
        taps: Taps,
        (weights, activation): (&Weights<'_>, Activation),
        mix: Option<Mix<'_>>,
    ) -> Self {
        let depthwise = Depthwise::new(isa, (input, output.width), taps, weights, activation);
        let (blocks, row_len) = (input.blocks(), output.row_len());
        let strips = match mix {
            None => Strips::new(output.height, blocks * row_len, workers),
            Some(_) => {
                let rows = (STRIP_NUMBERS / (blocks * row_len).max(1)).max(LEAST_OUTPUTS.div_ceil(output.width.max(1)));
                Strips::of_rows(output.height, rows, 2, workers)
            }
        };
        let block = strips.most_rows() * row_len;
        let mix = mix.map(|mix| {
            let channels = (0..blocks).map(|index| input.block(index).channels);
            let field = Field::at(0, channels, [1, block / isa.lanes()], isa.lanes());
            Mixed::new(isa, output, &field, mix)
        });
        Self { isa, depthwise, output, strips, mix }
    }

    /// The depthwise convolution of some rows, blocks `block` numbers apart.
    ///
    /// # Safety
    /// As for [`Step::run`]; all that is written belongs to this task.
    unsafe fn rows(&self, rows: &Range<usize>, (to, block): (*mut f32, usize), memory: &Memory<'_>) {
        let input = self.depthwise.input;
        for index in 0..input.blocks() {
            let from = memory.at(input.block(index).offset, input.block_len()).cast_const();
            let to = to.wrapping_add(index * block);
            let work = Rows { depthwise: &self.depthwise, block: index, rows: rows.clone(), from, to };
            // SAFETY: the input lies in the arena and was made by an earlier step.
            unsafe { self.isa.run(work) };
        }
    }
}

impl Mixed {
    /// A mix of the planes of a field that begins with a worker's scratch.
    fn new(isa: Isa, output: Map, field: &Field, mix: Mix<'_>) -> Self {
        let groups = Groups::new(output.channels, isa.lanes());
        let parts = Part::all(field, &[Tap { kernel: [0; 2], at: [0; 2] }], &mix.weights, groups, isa);
        let (bias, block) = (groups.per_lane(mix.weights.bias), field.plane_len());
        let Mix { activation, other, pooled, .. } = mix;
        Self { groups, parts, bias, activation, other, pooled, block }
    }

    /// The work for a strip of `count` outputs.
    fn sums(&self, from: (*const f32, usize), count: usize, to: Target) -> Sums<'_> {
        Sums { groups: self.groups, parts: &self.parts, bias: &self.bias, activation: self.activation, input: from, count, to }
    }
}

impl Step for Separable {
    fn method(&self) -> &'static str {
        match self.mix.as_ref().map(|mix| (mix.other.is_some(), mix.pooled.is_some())) {
            None => "depthwise",
            Some((false, false)) => "depthwise, 1x1",
            Some((true, false)) => "depthwise, 1x1, add",
            Some((false, true)) => "depthwise, 1x1, pool",
            Some((true, true)) => "depthwise, 1x1, add, pool",
        }
    }

    fn tasks(&self) -> usize {
        self.strips.count()
    }

    fn bytes(&self) -> usize {
        let mix = self.mix.as_ref().map_or(0, |mix| Part::bytes(&mix.parts) + size_of_val(&mix.bias[..]));
        self.depthwise.bytes() + mix
    }

    fn scratch(&self) -> usize {
        self.mix.as_ref().map_or(0, |mix| self.depthwise.input.blocks() * mix.block)
    }

    unsafe fn run(&self, task: usize, worker: usize, memory: &Memory<'_>) {
        let (rows, output) = (self.strips.rows(task), &self.output);
        let first = rows.start * output.row_len();
        let to = memory.at(output.offset, output.len()).wrapping_add(first);
        let Some(mix) = &self.mix else {
            // SAFETY: tasks write different rows.
            return unsafe { self.rows(&rows, (to, output.block_len()), memory) };
        };
        let strip = memory.scratch(worker, self.scratch());
        let other = mix.other.map(|other| memory.at(other.offset, output.len()).cast_const().wrapping_add(first));
        let target = Target { to, other, step: output.lanes, block: output.block_len() };
        let count = rows.len() * output.width;
        // SAFETY: the strip is this worker's scratch and holds what the sums read; tasks write different rows of the outputs, and
        // strips begin at even rows, so that they do of the pooled map too.
        unsafe {
            self.rows(&rows, (strip, mix.block), memory);
            self.isa.run(mix.sums((strip, output.lanes), count, target));
            if let Some(pooled) = &mix.pooled {
                Halve::strip(self.isa, (to, [output.block_len(), output.row_len()]), pooled, rows, memory);
            }
        }
    }
}
