//! Convolutions as sums over taps: output channels in lanes, neighbouring outputs of a row in the rows of a register tile.

#![expect(unsafe_code, reason = "pointers of a leaf kernel")]

use super::part::{Part, Weights};
use super::spread::Spread;
use super::sums::{Sums, Target};
use super::{Field, Phase};
use crate::engine::cpu::isa::Isa;
use crate::engine::cpu::map::Map;
use crate::engine::cpu::memory::Memory;
use crate::engine::cpu::pack::Groups;
use crate::engine::cpu::pool::Halve;
use crate::engine::cpu::step::Step;
use crate::engine::cpu::strips::Strips;
use crate::graph::Activation;
use alloc::vec::Vec;

/// Outputs of a row that one task makes at most: several register tiles.
const COLUMNS: usize = 224;
/// Outputs that are worth a task of their own: two register tiles.
const LEAST_COLUMNS: usize = 28;

/// How the outputs lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine::cpu) enum Layout {
    /// In blocks, as all maps that are read again.
    Blocks,
    /// In blocks, and the largest of every 2x2 of them in a map with half as many rows and columns, rounded down. For
    /// convolutions whose outputs are all made by one phase.
    Pooled {
        /// The smaller map.
        to: Map,
        /// Whether the outputs themselves are wanted; their place means nothing otherwise. Sums with another map are.
        stored: bool,
    },
    /// Plane by plane, one image behind the other: an output of the network. For convolutions whose outputs are all made by
    /// one phase.
    Planes,
}

/// A prepared convolution.
pub(in crate::engine::cpu) struct Direct {
    isa: Isa,
    field: Field,
    output: Map,
    layout: Layout,
    groups: Groups,
    bias: Vec<f32>,
    activation: Activation,
    /// A map of the output's size that is added at the end.
    other: Option<Map>,
    phases: Vec<PackedPhase>,
    /// Rows of a task where the outputs are pooled.
    strips: Strips,
    tasks: usize,
}

/// A phase with its weights.
struct PackedPhase {
    phase: Phase,
    parts: Vec<Part>,
    /// Outputs of a row that one task makes at most.
    columns: usize,
    /// Tasks of the phases before.
    first_task: usize,
}

impl Direct {
    /// Prepares `out = activation(sum over taps + bias)` for all phases; `other`, a map of the output's size, is added to blocks.
    /// Tasks are cut so that `workers` have something to do.
    pub fn new(
        (isa, workers): (Isa, usize),
        (field, output, layout): (Field, Map, Layout),
        phases: Vec<Phase>,
        weights: &Weights<'_>,
        (activation, other): (Activation, Option<Map>),
    ) -> Self {
        let groups = Groups::new(output.channels, isa.lanes());
        let mut tasks = 0;
        let mut packed = Vec::with_capacity(phases.len());
        let by_rows = matches!(layout, Layout::Pooled { .. });
        for phase in phases.into_iter().map(|phase| if by_rows { phase } else { flatten(phase, &field, &output) }) {
            let parts = Part::all(&field, &phase.taps, weights, groups, isa);
            let columns = if by_rows { phase.count[1].max(1) } else { columns(phase.count, workers) };
            let first_task = tasks;
            tasks += phase.count[0] * phase.count[1].div_ceil(columns);
            packed.push(PackedPhase { phase, parts, columns, first_task });
        }
        let strips = Strips::of_rows(output.height, 2, 2, 1);
        let tasks = if by_rows { strips.count() } else { tasks };
        let bias = groups.per_lane(weights.bias);
        Self { isa, field, output, layout, groups, bias, activation, other, phases: packed, strips, tasks }
    }

    /// The work for `count` outputs of a row from output `first` on, which go to `to`.
    fn sums<'a>(
        &'a self,
        packed: &'a PackedPhase,
        [row, first]: [usize; 2],
        count: usize,
        arena: *const f32,
        to: Target,
    ) -> Sums<'a> {
        let step = packed.phase.input_step;
        let input = row * step[0] * self.field.row_len() + first * step[1] * self.field.column;
        Sums {
            groups: self.groups,
            parts: &packed.parts,
            bias: &self.bias,
            activation: self.activation,
            input: (arena.wrapping_add(input), step[1] * self.field.column),
            count,
            to,
        }
    }

    /// Where the outputs go that are stored in their map, from row and column `at` on and `step` columns apart.
    fn in_map(&self, [y, x]: [usize; 2], step: usize, memory: &Memory<'_>) -> Target {
        let Map { offset, lanes, .. } = self.output;
        let other = self.other.map(|other| memory.at(other.offset, self.output.len()).cast_const());
        let to = memory.at(offset, self.output.len());
        let target = Target { to, other, step: step * lanes, block: self.output.block_len() };
        target.at(y * self.output.row_len() + x * lanes)
    }

    /// Runs one task of outputs that are not pooled.
    ///
    /// # Safety
    /// As for [`Step::run`].
    unsafe fn run_columns(&self, task: usize, worker: usize, memory: &Memory<'_>) {
        let index = self.phases.partition_point(|p| p.first_task <= task) - 1;
        let packed = &self.phases[index];
        let Phase { start, step, count, .. } = packed.phase;
        let per_row = count[1].div_ceil(packed.columns);
        let within = task - packed.first_task;
        let (row, first) = (within / per_row, within % per_row * packed.columns);
        let columns = (count[1] - first).min(packed.columns);
        let [y, x] = [start[0] + row * step[0], start[1] + first * step[1]];
        let planes = self.layout == Layout::Planes;
        let to = if planes {
            let block = packed.columns * self.isa.lanes();
            Target { to: memory.scratch(worker, self.scratch()), other: None, step: self.isa.lanes(), block }
        } else {
            self.in_map([y, x], step[1], memory)
        };
        // SAFETY: all planes and the output lie in the arena (checked by the caller and above), phases keep their taps inside the
        // planes, tasks write different outputs, and the scratch is this worker's and holds what a task makes.
        unsafe {
            self.isa.run(self.sums(packed, [row, first], columns, memory.at(0, 0), to));
            if planes {
                let Map { offset, channels, height, width, .. } = self.output;
                let (plane, len) = (height * width, channels * height * width);
                let planes = memory.at(offset + memory.index() * len, len).add(y * width + x);
                self.isa.run(Spread { from: (to.to, to.block), to: (planes, plane), channels, places: columns });
            }
        }
    }

    /// Runs one task of pooled outputs: a strip of rows and what the pool makes of it.
    ///
    /// # Safety
    /// As for [`Step::run`].
    unsafe fn run_rows(&self, task: usize, worker: usize, (pooled, stored): (&Map, bool), memory: &Memory<'_>) {
        let (rows, packed) = (self.strips.rows(task), &self.phases[0]);
        let Map { width, lanes, .. } = self.output;
        let row_len = width * lanes;
        let strip = if stored {
            self.in_map([rows.start, 0], 1, memory)
        } else {
            let block = self.strips.most_rows() * row_len;
            Target { to: memory.scratch(worker, self.scratch()), other: None, step: lanes, block }
        };
        for row in rows.clone() {
            let to = strip.at((row - rows.start) * row_len);
            // SAFETY: all planes lie in the arena (checked by the caller), phases keep their taps inside the planes, and tasks
            // write different rows or this worker's scratch, which holds a strip.
            unsafe { self.isa.run(self.sums(packed, [row, 0], width, memory.at(0, 0), to)) };
        }
        // SAFETY: the strip begins at an even row and was made above; tasks write different rows of the pooled map.
        unsafe { Halve::strip(self.isa, (strip.to, [strip.block, row_len]), pooled, rows, memory) };
    }
}

/// A phase that walks both maps without gaps, as one long row: rows shorter than a register tile lose nothing then.
fn flatten(mut phase: Phase, field: &Field, output: &Map) -> Phase {
    let whole = phase.step == [1; 2] && phase.input_step == [1; 2] && phase.start == [0; 2];
    if whole && phase.count == [field.height, field.width] && phase.count == [output.height, output.width] {
        phase.count = [1, field.height * field.width];
    }
    phase
}

/// Outputs of a row that one task makes at most, of `count` rows and columns.
fn columns([rows, columns]: [usize; 2], workers: usize) -> usize {
    let tasks = columns.div_ceil(COLUMNS);
    let more = tasks.next_multiple_of(workers).min(columns / LEAST_COLUMNS).max(tasks);
    columns.div_ceil(if rows < workers { more } else { tasks }.max(1)).max(1)
}

impl Step for Direct {
    fn method(&self) -> &'static str {
        match (self.layout, self.other.is_some()) {
            (Layout::Blocks, false) => "direct",
            (Layout::Blocks, true) => "direct, add",
            (Layout::Pooled { .. }, false) => "direct, pool",
            (Layout::Pooled { .. }, true) => "direct, add, pool",
            (Layout::Planes, _) => "direct, planes",
        }
    }

    fn tasks(&self) -> usize {
        self.tasks
    }

    fn bytes(&self) -> usize {
        self.phases.iter().map(|p| Part::bytes(&p.parts)).sum::<usize>() + size_of_val(&self.bias[..])
    }

    fn scratch(&self) -> usize {
        let columns = self.phases.iter().map(|p| p.columns).max().unwrap_or(0);
        match self.layout {
            Layout::Planes => self.groups.lanes() * columns,
            Layout::Pooled { stored: false, .. } => self.groups.lanes() * columns * self.strips.most_rows(),
            Layout::Blocks | Layout::Pooled { .. } => 0,
        }
    }

    unsafe fn run(&self, task: usize, worker: usize, memory: &Memory<'_>) {
        for plane in &self.field.planes {
            memory.at(plane.offset, self.field.plane_len());
        }
        // SAFETY: the caller's own conditions.
        unsafe {
            match &self.layout {
                Layout::Pooled { to, stored } => self.run_rows(task, worker, (to, *stored), memory),
                Layout::Blocks | Layout::Planes => self.run_columns(task, worker, memory),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::columns;

    #[test]
    fn short_maps_are_cut_for_all_workers() {
        assert_eq!([1, 2, 4].map(|workers| columns([1, 144], workers)), [144, 72, 36]);
        assert_eq!((columns([1, 30], 2), columns([1, 900], 2), columns([96, 96], 2)), (30, 150, 96));
        assert_eq!((columns([1, 0], 2), columns([0, 0], 1)), (1, 1));
    }
}
