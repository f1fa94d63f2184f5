//! A network as prepared: its steps and the memory that they need.

use super::memory::Memory;
use super::step::Step;
use super::workers::Workers;
use crate::error::Error;
use crate::graph::{Buffer, MemoryPlan, Shape};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// What a step is, for reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepInfo<'a> {
    /// Node of the graph that it came from.
    pub node: &'a str,
    /// The node's operator.
    pub op: &'a str,
    /// Method that was chosen.
    pub method: &'a str,
    /// Channels, height and width of what the node makes.
    pub shape: [usize; 3],
    /// Multiplications and additions of the operator by its definition, whatever the method saves.
    pub flop: u64,
    /// Bytes of packed weights.
    pub bytes: usize,
    /// Bytes of maps that the step writes.
    pub written: usize,
}

/// What a step came from.
#[derive(Debug, Clone, Default)]
pub(super) struct Planned {
    pub node: String,
    pub op: &'static str,
    pub shape: [usize; 3],
    pub flop: u64,
    pub written: usize,
}

impl Planned {
    /// A node by its name, its operator and what it makes; nothing counted yet.
    pub fn of(node: &str, op: &'static str, shape: Shape) -> Self {
        Self { node: String::from(node), op, shape: [shape.channels, shape.height, shape.width], flop: 0, written: 0 }
    }
}

/// An output: where its planes begin, and channels, height and width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OutputPlace {
    pub offset: usize,
    pub sides: [usize; 3],
}

/// All steps, in order.
pub(super) struct Plan {
    pub steps: Vec<(Planned, Box<dyn Step>)>,
    pub outputs: Vec<OutputPlace>,
    /// Maps and outputs by step; then the workers' scratch, if [`Self::add_scratch`] was called.
    pub memory: MemoryPlan,
}

impl Plan {
    /// Plans scratch for that many workers behind all maps. Returns where it begins and how much each worker has, in numbers.
    ///
    /// # Errors
    /// As for [`MemoryPlan::append`].
    pub fn add_scratch(&mut self, workers: usize) -> Result<[usize; 2], Error> {
        let start = self.memory.peak_bytes() / size_of::<f32>();
        // Whole cache lines.
        let each = self.steps.iter().map(|(_, step)| step.scratch()).max().unwrap_or(0).next_multiple_of(16);
        let bytes = (workers * each).saturating_mul(size_of::<f32>());
        let last = self.steps.len().saturating_sub(1);
        let name = alloc::format!("scratch of {workers} threads");
        self.memory.append(Buffer { name, bytes, first: 0, last })?;
        Ok([start, each])
    }

    /// The steps, for reports.
    pub fn infos(&self) -> impl ExactSizeIterator<Item = StepInfo<'_>> {
        self.steps.iter().map(|(planned, step)| StepInfo {
            node: &planned.node,
            op: planned.op,
            method: step.method(),
            shape: planned.shape,
            flop: planned.flop,
            bytes: step.bytes(),
            written: planned.written,
        })
    }

    /// Bytes of packed weights.
    pub fn weight_bytes(&self) -> usize {
        self.steps.iter().map(|(_, step)| step.bytes()).sum()
    }

    /// Runs all steps on one image and tells `observe` the index of each one that is done.
    #[expect(unsafe_code, reason = "this is where the promises of the steps are kept")]
    pub fn run(&self, memory: Memory<'_>, workers: &mut Workers, observe: &mut dyn FnMut(usize)) {
        for (index, (_, step)) in self.steps.iter().enumerate() {
            // SAFETY: the pool runs every task once, with different worker numbers, and returns before the next step begins;
            // the memory plan gave every buffer a place that no other one has while both are needed.
            workers.run(step.tasks(), &|task, worker| unsafe { step.run(task, worker, &memory) });
            observe(index);
        }
    }
}
