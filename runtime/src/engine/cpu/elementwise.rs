//! Functions of each number, sums and products of maps, and factors per channel.

#![expect(unsafe_code, reason = "pointers of a leaf kernel")]
#![expect(unsafe_op_in_unsafe_fn, reason = "each function has one proof, under its Safety heading")]

use super::activation;
use super::isa::Isa;
use super::map::Map;
use super::memory::Memory;
use super::step::Step;
use super::strips::Strips;
use super::vector::{Kernel, Vector};
use crate::graph::Activation;
use alloc::vec::Vec;

/// What is done with each number.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Work {
    /// A function of it.
    Activate(Activation),
    /// `scale * x + shift`: one factor and one summand per lane of the output.
    ScaleShift(Vec<f32>, Vec<f32>),
    /// Sum with a second map.
    Add(Operand),
    /// Product with a second map.
    Mul(Operand),
}

/// A map whose sides of 1 are repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Operand {
    /// Place of the block that meets each output block.
    pub blocks: Vec<usize>,
    /// Whether one channel stands for all.
    pub one_channel: bool,
    /// Rows and columns: those of the output, or 1.
    pub sides: [usize; 2],
}

/// A prepared elementwise step.
pub(super) struct Elementwise {
    isa: Isa,
    input: Operand,
    output: Map,
    work: Work,
    strips: Strips,
}

impl Operand {
    /// A map seen by an output with `blocks` blocks.
    pub fn of(map: &Map, blocks: usize) -> Self {
        let one_channel = map.channels == 1;
        let block = |index: usize| map.block(if one_channel { 0 } else { index }).offset;
        Self { blocks: (0..blocks).map(block).collect(), one_channel, sides: [map.height, map.width] }
    }

    /// First number of a row of a block, and the numbers from one column to the next.
    fn row(&self, block: usize, y: usize, lanes: usize, memory: &Memory<'_>) -> (*const f32, usize) {
        let [height, width] = self.sides;
        let row = if height == 1 { 0 } else { y };
        let from = memory.at(self.blocks[block] + row * width * lanes, width * lanes);
        (from, if width == 1 { 0 } else { lanes })
    }
}

impl Elementwise {
    /// Prepares `output = work(input)`; both operands' sides are those of the output, or 1. Tasks are cut so that `workers` have
    /// something to do.
    pub fn new((isa, workers): (Isa, usize), input: Operand, output: Map, work: Work) -> Self {
        let strips = Strips::new(output.height, output.blocks() * output.row_len(), workers);
        Self { isa, input, output, work, strips }
    }
}

impl Step for Elementwise {
    fn method(&self) -> &'static str {
        match self.work {
            Work::Activate(_) => "activate",
            Work::ScaleShift(..) => "scale and shift",
            Work::Add(_) => "add",
            Work::Mul(_) => "multiply",
        }
    }

    fn tasks(&self) -> usize {
        self.strips.count()
    }

    unsafe fn run(&self, task: usize, _worker: usize, memory: &Memory<'_>) {
        let lanes = self.isa.lanes();
        for block in 0..self.output.blocks() {
            for y in self.strips.rows(task) {
                let to = memory.at(self.output.block(block).offset + y * self.output.row_len(), self.output.row_len());
                let first = self.input.row(block, y, lanes, memory);
                let second = match &self.work {
                    Work::Add(operand) | Work::Mul(operand) => Some((operand.row(block, y, lanes, memory), operand.one_channel)),
                    _ => None,
                };
                // SAFETY: rows lie in the arena (checked), and tasks write different ones.
                unsafe { self.isa.run(Row { step: self, block, first, second, to }) }
            }
        }
    }
}

/// One row of one block.
struct Row<'a> {
    step: &'a Elementwise,
    block: usize,
    first: (*const f32, usize),
    second: Option<((*const f32, usize), bool)>,
    to: *mut f32,
}

impl Kernel for Row<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let Elementwise { output, work, input, .. } = self.step;
        let channel = self.block * V::LANES;
        for x in 0..output.width {
            let a = read::<V>(self.first, x, input.one_channel);
            let b = match self.second {
                Some((from, one_channel)) => read::<V>(from, x, one_channel),
                None => a,
            };
            let result = match work {
                Work::Activate(function) => activation::apply(*function, a),
                Work::ScaleShift(scale, shift) => {
                    a.mul_add(V::load(scale[channel..].as_ptr()), V::load(shift[channel..].as_ptr()))
                }
                Work::Add(_) => a.add(b),
                Work::Mul(_) => a.mul(b),
            };
            result.store(self.to.add(x * V::LANES));
        }
    }
}

/// The vector of column `x`; the first lane in all lanes where one channel stands for all.
///
/// # Safety
/// The instructions of `V` are available and the column is readable.
#[inline(always)]
unsafe fn read<V: Vector>((from, column): (*const f32, usize), x: usize, one_channel: bool) -> V {
    let at = from.add(x * column);
    if one_channel { V::splat(*at) } else { V::load(at) }
}
