//! The dispatches of a whole frame: plain data, made without a GPU.

use super::crops::CropPart;
use super::find::{Lists, find_peaks};
use super::input::Source;
use super::layout::Layout;
use super::step::{Step, at};
use crate::engine::wgpu::places::Place;
use crate::engine::wgpu::program::{Program, Slot};
use crate::engine::{DecodePlan, FrameStage, LinePlan, ScorePlan};
use crate::error::Error;
use crate::preprocess::Preprocessor;
use alloc::vec;
use alloc::vec::Vec;
use dormouse_shaders::{ClassParams, Kernel, LineParams};

/// A network's program with what stands before and behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameProgram {
    pub(super) program: Program,
    pub(super) layout: Layout,
    /// First dispatch of each of [`FrameStage::ALL`].
    pub(super) starts: [usize; 6],
    /// The frame's bytes.
    pub(super) frame: Slot,
    /// Peaks on the grid.
    pub(super) cells: Slot,
    /// The crops of top-down models.
    pub(super) crops: Option<CropPart>,
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
        let source = Source::from(preprocessor);
        let frame = program.buffer(source.frame_bytes());
        // One whole image: it begins where the frame does, and buffers begin as zeros.
        let origins = program.buffer(8);
        let cells = program.buffer(Lists::cell_bytes(layout.lists, layout.room));
        program.result_bytes = (4 * layout.most_words()) as u64;
        let first = source.dispatch(&mut program, [frame, origins], Slot::Image)?;
        program.dispatches.insert(0, first);
        let network = program.dispatches.len();
        let lists = Lists { lists: layout.lists, room: layout.room, cells, found: Slot::Results };
        find_peaks(&mut program, &plan.peaks, &confmaps, &lists)?;
        let behind = program.dispatches.len();
        let starts = [0, 1, network, behind - 1, behind, behind];
        let mut made = Self { program, layout, starts, frame, cells, crops: None };
        if let Some(scores) = &plan.scores {
            made.scores(scores, places)?;
        }
        made.starts[FrameStage::Crop as usize] = made.program.dispatches.len();
        Ok(Some(made))
    }

    /// The dispatches in order.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The first dispatch of a stage; without crops that of the stage before them.
    pub fn start(&self, stage: FrameStage) -> usize {
        let last = if self.crops.is_some() { FrameStage::Crop } else { FrameStage::Paf };
        self.starts[stage.min(last) as usize]
    }

    /// Sums of the times of the dispatches of each stage that has any; empty without times.
    pub(super) fn stage_times(&self, times: &[f64]) -> Vec<(FrameStage, f64)> {
        let ends = self.starts[1..].iter().copied().chain([self.program.dispatches.len()]);
        let stages = FrameStage::ALL.into_iter().zip(self.starts.into_iter().zip(ends));
        let mut sums: Vec<_> = stages.filter_map(|(stage, (start, end))| Some((stage, times.get(start..end)?))).collect();
        sums.retain(|(_, times)| !times.is_empty());
        sums.into_iter().map(|(stage, times)| (stage, times.iter().sum())).collect()
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

    pub(super) fn push(&mut self, step: Step<'_>) -> Result<(), Error> {
        self.program.dispatches.push(step.dispatch()?);
        Ok(())
    }
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
