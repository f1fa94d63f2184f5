//! The dispatches of a whole frame: plain data, made without a GPU.

use super::engine::PREPARED_FORMAT;
use super::input;
use super::layout::Layout;
use crate::config::Refinement;
use crate::engine::wgpu::places::Place;
use crate::engine::wgpu::program::{Dispatch, Program, Slot};
use crate::engine::{DecodePlan, Find, FrameStage, LinePlan, ScorePlan};
use crate::error::{Error, Text};
use crate::preprocess::Preprocessor;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;
use dormouse_shaders::{ClassParams, Kernel, LineParams, PeakParams};

/// Side of the workgroups of the preprocessing kernel, and cells of a workgroup of `peak_bits`.
const SIDE: usize = 8;
const GROUP: usize = 256;

/// A network's program with what stands before and behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameProgram {
    pub(super) program: Program,
    pub(super) layout: Layout,
    /// First dispatch of each of [`FrameStage::ALL`].
    pub(super) starts: [usize; 5],
    /// The frame's bytes.
    pub(super) frame: Slot,
    /// Peaks on the grid.
    pub(super) cells: Slot,
}

/// What a dispatch of these needs.
struct Step<'a> {
    kernel: Kernel,
    overrides: Vec<(&'static str, u32)>,
    params: &'a [u8],
    constants: Vec<Range<usize>>,
    inputs: Vec<Slot>,
    output: Slot,
    grid: [usize; 3],
    /// Bytes that it reads and writes at least.
    moved: [u64; 2],
}

impl FrameProgram {
    /// Puts preprocessing before a network's program and finding behind it; `places` are those of its outputs, in the order that
    /// the plan counts. `None` for more scores than are worth their memory.
    pub(in crate::engine::wgpu) fn new(
        mut program: Program,
        places: &[Place],
        preprocessor: &Preprocessor,
        plan: &DecodePlan,
    ) -> Result<Option<Self>, Error> {
        let confmaps = at(places, plan.peaks.output)?;
        let Some(layout) = Layout::new(plan, confmaps.shape.channels) else { return Ok(None) };
        let mut work = |bytes: u64| {
            program.buffers.push(bytes);
            Slot::Maps(program.buffers.len() - 1)
        };
        let frame = work(input::frame_bytes(preprocessor.frame_px()));
        let origins = work(8);
        let words = confmaps.cells().div_ceil(32);
        let bits = work((4 * layout.lists * words) as u64);
        let cells = work((4 * (layout.head() + 2 * layout.lists * layout.room)) as u64);
        program.result_bytes = (4 * layout.most_words()) as u64;
        let mut made = Self { program, layout, starts: [0; 5], frame, cells };
        made.preprocess(preprocessor, origins)?;
        let network = made.program.dispatches.len();
        made.peaks(plan, &confmaps, words as u32, bits)?;
        let peaks = made.program.dispatches.len() - 1;
        if let Some(scores) = &plan.scores {
            made.scores(scores, places)?;
        }
        made.starts = [0, 1, network, peaks, peaks + 1];
        Ok(Some(made))
    }

    /// The dispatches in order.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The first dispatch of a stage.
    pub fn start(&self, stage: FrameStage) -> usize {
        self.starts[stage as usize]
    }

    /// Before the network.
    fn preprocess(&mut self, preprocessor: &Preprocessor, origins: Slot) -> Result<(), Error> {
        let tables = self.program.constant(&input::tables(preprocessor));
        let shape = preprocessor.shape();
        let (frame_width, frame_height) = preprocessor.frame_px();
        // Written again for frames of another format.
        let params = input::params(preprocessor, PREPARED_FORMAT);
        let step = Step {
            kernel: Kernel::Preprocess,
            overrides: vec![("SCALED", u32::from(preprocessor.taps().is_some()))],
            params: bytemuck::bytes_of(&params),
            constants: vec![tables],
            inputs: vec![self.frame, origins],
            output: Slot::Image,
            grid: [shape.width.div_ceil(SIDE), shape.height.div_ceil(SIDE), shape.channels],
            moved: [u64::from(frame_width) * u64::from(frame_height), 4 * shape.len() as u64],
        };
        let dispatch = step.dispatch()?;
        self.program.dispatches.insert(0, dispatch);
        Ok(())
    }

    /// Finds and refines.
    fn peaks(&mut self, plan: &DecodePlan, maps: &Place, words: u32, bits: Slot) -> Result<(), Error> {
        let (lists, room) = (self.layout.lists, self.layout.room);
        let params = PeakParams {
            from_offset: maps.offset(),
            from_image: maps.image(),
            channels: maps.shape.channels as u32,
            height: maps.shape.height as u32,
            width: maps.shape.width as u32,
            max_peaks: room as u32,
            lists: lists as u32,
            words,
            // Of both zeros that without a sign.
            threshold: (plan.peaks.threshold + 0.0).max(0.0).to_bits(),
        };
        let (slot, cells) = (Slot::Maps(maps.buffer), self.cells);
        let map_bytes = 4 * maps.shape.numbers() as u64;
        let list_bytes = (8 * lists * room) as u64;
        let bit_bytes = 4 * u64::from(words) * lists as u64;
        let step = |kernel, inputs, output, grid, moved| Step {
            kernel,
            overrides: Vec::new(),
            params: bytemuck::bytes_of(&params),
            constants: Vec::new(),
            inputs,
            output,
            grid,
            moved,
        };
        match plan.peaks.find {
            Find::Local { .. } => {
                let grid = [maps.cells().div_ceil(GROUP), 1, maps.blocks()];
                self.push(step(Kernel::PeakBits, vec![slot], bits, grid, [map_bytes, bit_bytes]))?;
                let moved = [bit_bytes, list_bytes];
                self.push(step(Kernel::Peaks, vec![bits, slot], cells, [1, 1, lists], moved))?;
            }
            Find::Global => {
                self.push(step(Kernel::GlobalPeaks, vec![slot], cells, [1, 1, lists], [map_bytes, list_bytes]))?;
            }
        }
        let method = match plan.peaks.refinement {
            Refinement::None => 0,
            Refinement::Integral => 1,
            Refinement::QuarterPixel => 2,
        };
        let moved = [list_bytes, 12 * (lists * room) as u64];
        let step = step(Kernel::Refine, vec![cells, slot], Slot::Results, [1, 1, lists], moved);
        self.push(Step { overrides: vec![("METHOD", method)], ..step })
    }

    /// Asks the second output at the peaks.
    fn scores(&mut self, plan: &ScorePlan, places: &[Place]) -> Result<(), Error> {
        let lists = self.layout.lists;
        match plan {
            ScorePlan::Lines(lines) => {
                let maps = at(places, lines.output)?;
                if lines.edges.is_empty() {
                    return Ok(());
                }
                let params = line_params(lines, &maps, lists);
                let table = self.program.constant(&line_table(lines));
                self.push(Step {
                    kernel: Kernel::Paf,
                    overrides: Vec::new(),
                    params: bytemuck::bytes_of(&params),
                    constants: vec![table],
                    inputs: vec![Slot::Maps(maps.buffer)],
                    output: Slot::Results,
                    grid: [self.layout.room, lines.edges.len(), 1],
                    moved: [0, 0],
                })
            }
            ScorePlan::Classes { output, classes, cells_per_cell } => {
                let maps = at(places, *output)?;
                let params = ClassParams {
                    from_offset: maps.offset(),
                    height: maps.shape.height as u32,
                    width: maps.shape.width as u32,
                    classes: *classes as u32,
                    lists: lists as u32,
                    cells_per_cell: *cells_per_cell,
                };
                self.push(Step {
                    kernel: Kernel::Classes,
                    overrides: Vec::new(),
                    params: bytemuck::bytes_of(&params),
                    constants: Vec::new(),
                    inputs: vec![Slot::Maps(maps.buffer)],
                    output: Slot::Results,
                    grid: [1, 1, lists],
                    moved: [0, 0],
                })
            }
        }
    }

    fn push(&mut self, step: Step<'_>) -> Result<(), Error> {
        self.program.dispatches.push(step.dispatch()?);
        Ok(())
    }
}

impl Step<'_> {
    fn dispatch(self) -> Result<Dispatch, Error> {
        let node = Text::new(self.kernel.name());
        let mut grid = [0; 3];
        for (to, from) in grid.iter_mut().zip(self.grid) {
            let what = "it needs more workgroups than a GPU gives";
            *to = u32::try_from(from).map_err(|_| Error::NetworkNode { node, what })?;
        }
        let [read_bytes, write_bytes] = self.moved;
        Ok(Dispatch {
            node: String::from(self.kernel.name()),
            kernel: self.kernel,
            overrides: self.overrides,
            params: self.params.to_vec(),
            constants: self.constants,
            inputs: self.inputs,
            output: self.output,
            grid,
            flop: 0,
            read_bytes,
            write_bytes,
        })
    }
}

/// The place of an output that a plan counts.
fn at(places: &[Place], output: usize) -> Result<Place, Error> {
    let what = "the plan names an output that the network does not have";
    places.get(output).copied().ok_or(Error::NetworkNode { node: Text::new("output"), what })
}

/// The longest line without penalty as in `PafScorer`.
fn line_params(lines: &LinePlan, maps: &Place, lists: usize) -> LineParams {
    let shape = &maps.shape;
    let stride_px = lines.stride_px as f32;
    let largest = shape.width.max(shape.height).max(shape.channels) as f32;
    LineParams {
        from_offset: maps.offset(),
        height: shape.height as u32,
        width: shape.width as u32,
        lists: lists as u32,
        edges: lines.edges.len() as u32,
        samples: lines.grouping.line_samples,
        cells_per_cell: lines.peak_stride_px as f32 / stride_px,
        stride_px,
        max_length_px: lines.grouping.max_edge_length_ratio * largest * stride_px,
        penalty_weight: lines.grouping.dist_penalty_weight,
        zero: 0,
    }
}

/// The edges, then the fractions of the way.
fn line_table(lines: &LinePlan) -> Vec<u32> {
    let samples = lines.grouping.line_samples;
    let edges = lines.edges.iter().flatten().map(|&number| number as u32);
    edges.chain((0..samples).map(|i| (i as f32 / (samples - 1) as f32).to_bits())).collect()
}
