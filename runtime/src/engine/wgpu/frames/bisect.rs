//! Stages that the CPU does instead of the GPU, to find which of them differs (`DORMOUSE_GPU_FROM`). Slow, and it allocates.

use super::program::FrameProgram;
use crate::engine::cpu::CpuNetwork;
use crate::engine::network::{Engine, Network as _};
use crate::engine::wgpu::gpu::failure;
use crate::engine::wgpu::places::{BLOCK, Place};
use crate::engine::wgpu::prepared::Prepared;
use crate::engine::wgpu::program::Slot;
use crate::engine::{DecodePlan, FrameStage, PeakLists, ScorePlan};
use crate::error::Error;
use crate::frame::Frame;
use crate::preprocess::Preprocessor;
use crate::tensor::Maps;
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

/// What the CPU does of a frame.
pub(in crate::engine::wgpu) struct CpuPart {
    /// The first stage on the GPU.
    pub(super) from: FrameStage,
    preprocessor: Preprocessor,
    input: Vec<f32>,
    network: Option<Box<dyn Engine>>,
    plan: DecodePlan,
    places: Vec<Place>,
}

impl CpuPart {
    /// `None` if the CPU does nothing.
    pub fn new(
        from: FrameStage,
        network: Option<&CpuNetwork>,
        preprocessor: &Preprocessor,
        plan: &DecodePlan,
        places: Vec<Place>,
    ) -> Result<Option<Self>, Error> {
        if from == FrameStage::Preprocess {
            return Ok(None);
        }
        let network = network.map(|network| network.prepare(preprocessor.shape(), 1)).transpose()?;
        let input = vec![0.0; preprocessor.shape().len()];
        Ok(Some(Self { from, preprocessor: preprocessor.clone(), input, network, plan: plan.clone(), places }))
    }

    /// Does the stages before the first one on the GPU and queues what the others read.
    pub fn run(&mut self, frame: &Frame<'_>, prepared: &Prepared, frames: &FrameProgram) -> Result<(), Error> {
        self.preprocessor.run(frame, &mut self.input)?;
        let Some(network) = &mut self.network else {
            prepared.write(Slot::Image, 0, bytemuck::cast_slice(&self.input));
            return Ok(());
        };
        network.run(&self.input, 1)?;
        let mut wanted = vec![self.plan.peaks.output];
        match &self.plan.scores {
            Some(ScorePlan::Lines(lines)) => wanted.push(lines.output),
            Some(ScorePlan::Classes { output, .. }) => wanted.push(*output),
            None => {}
        }
        for output in wanted {
            let (maps, place) = output_of(network.as_ref(), &self.places, output)?;
            prepared.write(Slot::Maps(place.buffer), 16 * place.offset() as usize, bytemuck::cast_slice(&blocks(&maps)));
        }
        let (maps, _) = output_of(network.as_ref(), &self.places, self.plan.peaks.output)?;
        let refined = self.from > FrameStage::Refine;
        if self.from >= FrameStage::Refine {
            let lists = (self.plan.peaks.on_cpu)(&maps, &self.plan.peaks, refined);
            let head: Vec<u32> = lists.counts.iter().chain(&lists.totals).copied().collect();
            let (slot, words) = if refined {
                (Slot::Results, refined_words(head, &lists))
            } else {
                (frames.cells, cell_words(head, &lists, frames.layout.room, maps.width()))
            };
            prepared.write(slot, 0, bytemuck::cast_slice(&words));
        }
        Ok(())
    }
}

fn output_of<'m>(network: &'m dyn Engine, places: &[Place], output: usize) -> Result<(Maps<'m>, Place), Error> {
    let missing = || failure("run the network", "an output that is decoded is missing");
    Ok((network.output(output, 0).ok_or_else(missing)?, places.get(output).copied().ok_or_else(missing)?))
}

/// Planes to blocks of four channels.
fn blocks(maps: &Maps<'_>) -> Vec<f32> {
    let cells = maps.height() * maps.width();
    let mut blocks = vec![0.0; maps.channels().next_multiple_of(BLOCK) * cells];
    for channel in 0..maps.channels() {
        let start = channel / BLOCK * BLOCK * cells + channel % BLOCK;
        let lanes = blocks[start..].iter_mut().step_by(BLOCK);
        lanes.zip(maps.channel(channel)).for_each(|(to, from)| *to = *from);
    }
    blocks
}

/// Refined peaks as `refine` leaves them.
fn refined_words(mut words: Vec<u32>, lists: &PeakLists) -> Vec<u32> {
    words.extend(lists.peaks.iter().flatten().map(|number| number.to_bits()));
    words
}

/// Peaks on the grid as `peaks` leaves them: lists at equal distances.
fn cell_words(mut words: Vec<u32>, lists: &PeakLists, room: usize, width: usize) -> Vec<u32> {
    let mut rest = lists.peaks.as_slice();
    for &count in &lists.counts {
        let (list, behind) = rest.split_at((count as usize).min(rest.len()));
        rest = behind;
        let end = words.len() + 2 * room;
        words.extend(list.iter().flat_map(|&[x, y, value]| [y as u32 * width as u32 + x as u32, value.to_bits()]));
        words.resize(end, 0);
    }
    words
}
