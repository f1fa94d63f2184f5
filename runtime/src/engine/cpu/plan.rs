//! A network as prepared: its steps and the memory that they need.

use super::memory::Memory;
use super::step::Step;
use super::workers::Workers;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// What a step is, for reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepInfo<'a> {
    /// Node of the graph that it came from.
    pub node: &'a str,
    /// Method that was chosen.
    pub method: &'a str,
    /// Multiplications and additions of the operator by its definition, whatever the method saves.
    pub flop: u64,
    /// Bytes of packed weights.
    pub bytes: usize,
}

/// A step and what it came from.
pub(super) struct Planned {
    pub node: String,
    pub step: Box<dyn Step>,
    pub flop: u64,
}

/// An output: where its planes begin, and channels, height and width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OutputPlace {
    pub offset: usize,
    pub sides: [usize; 3],
}

/// All steps, in order.
pub(super) struct Plan {
    pub steps: Vec<Planned>,
    pub outputs: Vec<OutputPlace>,
    /// Numbers of maps and outputs; the workers' scratch comes behind them.
    pub maps_len: usize,
}

impl Plan {
    /// Scratch numbers of each worker, a whole number of cache lines.
    pub fn scratch_len(&self) -> usize {
        self.steps.iter().map(|s| s.step.scratch()).max().unwrap_or(0).next_multiple_of(16)
    }

    /// Bytes of packed weights.
    pub fn weight_bytes(&self) -> usize {
        self.steps.iter().map(|s| s.step.bytes()).sum()
    }

    /// Runs all steps on one image and tells `observe` the index of each one that is done.
    #[expect(unsafe_code, reason = "this is where the promises of the steps are kept")]
    pub fn run(&self, memory: Memory<'_>, workers: &mut Workers, observe: &mut dyn FnMut(usize)) {
        for (index, planned) in self.steps.iter().enumerate() {
            // SAFETY: the pool runs every task once, with different worker numbers, and returns before the next step begins;
            // the lowering gave every step places that no other live map has.
            workers.run(planned.step.tasks(), &|task, worker| unsafe { planned.step.run(task, worker, &memory) });
            observe(index);
        }
    }
}
