//! One step of a prepared network.

#![expect(unsafe_code, reason = "tasks of one step share the arena")]

use super::memory::Memory;

/// A kernel with all its sizes, places and packed weights: what one node of the graph became.
///
/// A step is cut into tasks that any worker may run in any order at the same time; the cut never changes a number.
pub(super) trait Step: Send + Sync {
    /// Name of the method, for reports.
    fn method(&self) -> &'static str;

    /// Number of tasks; 0 is allowed.
    fn tasks(&self) -> usize;

    /// Scratch numbers that each worker needs.
    fn scratch(&self) -> usize {
        0
    }

    /// Bytes that the step keeps besides the arena: packed weights and tables.
    fn bytes(&self) -> usize {
        0
    }

    /// Runs one task.
    ///
    /// # Safety
    /// Every task of a step runs at most once at a time, workers have different numbers, and no other step runs meanwhile.
    unsafe fn run(&self, task: usize, worker: usize, memory: &Memory<'_>);
}
