//! Convolutions as sums over taps: output channels in lanes, neighbouring outputs of a row in the rows of a register tile.

#![expect(unsafe_code, reason = "pointers of a leaf kernel")]
#![expect(unsafe_op_in_unsafe_fn, reason = "each function has one proof, under its Safety heading")]

use super::phase::Tap;
use super::{Field, Phase};
use crate::engine::cpu::activation;
use crate::engine::cpu::isa::Isa;
use crate::engine::cpu::map::Map;
use crate::engine::cpu::memory::Memory;
use crate::engine::cpu::micro::{self, Operands, RowSink, Run, Sink};
use crate::engine::cpu::pack::Groups;
use crate::engine::cpu::step::Step;
use crate::engine::cpu::vector::{Kernel, Vector};
use crate::graph::{Activation, Floats};
use alloc::vec::Vec;

/// Outputs of a row that one task makes at most: several register tiles.
const COLUMNS: usize = 224;

/// Weights as the graph holds them.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine::cpu) struct Weights<'a> {
    /// `[out][in / groups][rows][columns]`, transposed `[in][out / groups][rows][columns]`.
    pub numbers: &'a Floats<'a>,
    /// One number per output channel.
    pub bias: Option<&'a Floats<'a>>,
    /// Rows and columns.
    pub kernel: [usize; 2],
    /// Input channels.
    pub channels_in: usize,
    /// Output channels.
    pub channels_out: usize,
    /// Parts that do not see each other.
    pub groups: usize,
    /// Whether input channels come first.
    pub transposed: bool,
}

impl Weights<'_> {
    /// Input channels that an output channel sees.
    fn seen_by(&self, out: usize) -> core::ops::Range<usize> {
        let (of_in, of_out) = (self.channels_in / self.groups, self.channels_out / self.groups);
        let group = out / of_out;
        group * of_in..(group + 1) * of_in
    }

    /// One weight; 0 between channels of different groups.
    fn at(&self, out: usize, input: usize, [ky, kx]: [usize; 2]) -> f32 {
        if !self.seen_by(out).contains(&input) {
            return 0.0;
        }
        let (of_in, of_out) = (self.channels_in / self.groups, self.channels_out / self.groups);
        let channels = if self.transposed { input * of_out + out % of_out } else { out * of_in + input % of_in };
        self.numbers.at((channels * self.kernel[0] + ky) * self.kernel[1] + kx)
    }
}

/// How the outputs lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine::cpu) enum Layout {
    /// In blocks, as all maps that are read again.
    Blocks,
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
    tasks: usize,
}

/// A phase with its weights, per group of output blocks.
struct PackedPhase {
    phase: Phase,
    parts: Vec<Part>,
    /// Tasks of the phases before.
    first_task: usize,
}

struct Part {
    runs: Vec<Run>,
    weights: Vec<f32>,
}

impl Direct {
    /// Prepares `out = activation(sum over taps + bias)` for all phases; `other`, a map of the output's size, is added to blocks.
    pub fn new(
        isa: Isa,
        (field, output, layout): (Field, Map, Layout),
        phases: Vec<Phase>,
        weights: &Weights<'_>,
        (activation, other): (Activation, Option<Map>),
    ) -> Self {
        let groups = Groups::new(output.channels, isa.lanes());
        let mut tasks = 0;
        let mut packed = Vec::with_capacity(phases.len());
        for phase in phases.into_iter().map(|phase| flatten(phase, &field, &output)) {
            let parts = groups.each().map(|(first, blocks)| part(&field, &phase.taps, weights, (first, blocks), isa)).collect();
            let first_task = tasks;
            tasks += phase.count[0] * phase.count[1].div_ceil(COLUMNS);
            packed.push(PackedPhase { phase, parts, first_task });
        }
        let bias = groups.per_lane(weights.bias);
        Self { isa, field, output, layout, groups, bias, activation, other, phases: packed, tasks }
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

/// Runs and weights of one group of output blocks: planes that none of its channels sees are left out.
fn part(field: &Field, taps: &[Tap], weights: &Weights<'_>, (first, blocks): (usize, usize), isa: Isa) -> Part {
    let lanes = blocks * isa.lanes();
    let outs = first * isa.lanes()..(first * isa.lanes() + lanes).min(weights.channels_out);
    let seen = weights.seen_by(outs.start).start..weights.seen_by(outs.end - 1).end;
    let mut part = Part { runs: Vec::new(), weights: Vec::with_capacity((seen.len() + 2 * isa.lanes()) * taps.len() * lanes) };
    let mut channel = 0;
    for plane in &field.planes {
        let channels = channel..channel + plane.channels;
        channel = channels.end;
        if channels.end <= seen.start || channels.start >= seen.end {
            continue;
        }
        for tap in taps {
            let offset = plane.offset + tap.at[0] * field.row_len() + tap.at[1] * field.column;
            match part.runs.last_mut() {
                Some(run) if run.offset + run.len == offset => run.len += plane.channels,
                _ => part.runs.push(Run { offset, len: plane.channels }),
            }
            for input in channels.clone() {
                let row = part.weights.len();
                part.weights.resize(row + lanes, 0.0);
                for (lane, out) in part.weights[row..].iter_mut().zip(outs.clone()) {
                    *lane = weights.at(out, input, tap.kernel);
                }
            }
        }
    }
    part
}

impl Step for Direct {
    fn method(&self) -> &'static str {
        match self.layout {
            Layout::Blocks if self.other.is_some() => "direct, add",
            Layout::Blocks => "direct",
            Layout::Planes => "direct, planes",
        }
    }

    fn tasks(&self) -> usize {
        self.tasks
    }

    fn bytes(&self) -> usize {
        let parts = self.phases.iter().flat_map(|p| &p.parts);
        parts.map(|p| size_of_val(&p.weights[..]) + size_of_val(&p.runs[..])).sum::<usize>() + size_of_val(&self.bias[..])
    }

    fn scratch(&self) -> usize {
        match self.layout {
            Layout::Blocks => 0,
            Layout::Planes => 2 * COLUMNS * self.isa.lanes(),
        }
    }

    unsafe fn run(&self, task: usize, worker: usize, memory: &Memory<'_>) {
        for plane in &self.field.planes {
            memory.at(plane.offset, self.field.plane_len());
        }
        let Map { offset, channels, height, width, .. } = self.output;
        let to = match self.layout {
            Layout::Blocks => {
                let other = self.other.map(|other| memory.at(other.offset, self.output.len()).cast_const());
                To::Blocks(memory.at(offset, self.output.len()), other)
            }
            Layout::Planes => {
                let len = channels * height * width;
                To::Planes(memory.at(offset + memory.index() * len, len), memory.scratch(worker, self.scratch()))
            }
        };
        let index = self.phases.partition_point(|p| p.first_task <= task) - 1;
        let packed = &self.phases[index];
        let per_row = packed.phase.count[1].div_ceil(COLUMNS);
        let within = task - packed.first_task;
        let (row, first) = (within / per_row, within % per_row * COLUMNS);
        let row = Row { step: self, packed, row, first, arena: memory.at(0, 0), to };
        // SAFETY: all planes and the output lie in the arena (checked above), phases keep their taps inside the planes, tasks
        // write different outputs, and the scratch is this worker's and holds what one group makes of a task.
        unsafe { self.isa.run(row) }
    }
}

/// The work of one task: part of a row of outputs.
#[derive(Clone, Copy)]
struct Row<'a> {
    step: &'a Direct,
    packed: &'a PackedPhase,
    row: usize,
    first: usize,
    arena: *mut f32,
    to: To,
}

/// Where a row goes.
#[derive(Clone, Copy)]
enum To {
    /// The map's first number, and that of the map to be added.
    Blocks(*mut f32, Option<*const f32>),
    /// The image's first plane, and room for what one group makes of a task.
    Planes(*mut f32, *mut f32),
}

impl Kernel for Row<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let Direct { field, output, groups, bias, activation, .. } = self.step;
        let Phase { input_step, start, step, count, .. } = &self.packed.phase;
        let columns = (count[1] - self.first).min(COLUMNS);
        let input = self.row * input_step[0] * field.row_len() + self.first * input_step[1] * field.column;
        let y = start[0] + self.row * step[0];
        let x = start[1] + self.first * step[1];
        for ((first, blocks), part) in groups.each().zip(&self.packed.parts) {
            let from = Operands {
                input: self.arena.add(input),
                step: input_step[1] * field.column,
                runs: &part.runs,
                weights: part.weights.as_ptr(),
            };
            let (to, other, step, block) = match self.to {
                To::Blocks(map, other) => {
                    let at = first * output.block_len() + y * output.row_len() + x * V::LANES;
                    (map.add(at), other.map(|other| other.wrapping_add(at)), step[1] * V::LANES, output.block_len())
                }
                To::Planes(_, room) => (room, None, V::LANES, COLUMNS * V::LANES),
            };
            let bias = bias[first * V::LANES..].as_ptr();
            micro::rows::<V>(from, columns, blocks, &Outputs { to, other, step, block, bias, activation: *activation });
            if let To::Planes(planes, room) = self.to {
                self.spread::<V>(room, planes.add(y * output.width + x), first * V::LANES, columns);
            }
        }
    }
}

impl Row<'_> {
    /// Copies what one group made of a task from lanes to planes: `first` is the group's first channel, `to` the place of its
    /// first output in the first plane.
    ///
    /// # Safety
    /// As for [`Step::run`]; `room` holds `columns` vectors of each of the group's blocks.
    #[inline(always)]
    unsafe fn spread<V: Vector>(&self, room: *const f32, to: *mut f32, first: usize, columns: usize) {
        let Map { channels, height, width, .. } = self.step.output;
        for channel in first..channels.min(first + 2 * V::LANES) {
            let (block, lane) = ((channel - first) / V::LANES, (channel - first) % V::LANES);
            let (from, to) = (room.add(block * COLUMNS * V::LANES + lane), to.add(channel * height * width));
            for column in 0..columns {
                *to.add(column) = *from.add(column * V::LANES);
            }
        }
    }
}

/// Where sums of one group go: rows are neighbouring outputs.
#[derive(Clone, Copy)]
struct Outputs {
    to: *mut f32,
    /// What is added, where the outputs are in its map.
    other: Option<*const f32>,
    step: usize,
    block: usize,
    bias: *const f32,
    activation: Activation,
}

impl Sink for Outputs {
    #[inline(always)]
    unsafe fn put<V: Vector>(&self, row: usize, block: usize, sum: V) {
        let sum = sum.add(V::load(self.bias.add(block * V::LANES)));
        let (at, mut sum) = (block * self.block + row * self.step, activation::apply(self.activation, sum));
        if let Some(other) = self.other {
            sum = V::load(other.add(at)).add(sum);
        }
        sum.store(self.to.add(at));
    }
}

impl RowSink for Outputs {
    #[inline(always)]
    unsafe fn at_row<V: Vector>(&self, row: usize) -> impl Sink {
        let other = self.other.map(|other| other.wrapping_add(row * self.step));
        Self { to: self.to.add(row * self.step), other, ..*self }
    }
}
