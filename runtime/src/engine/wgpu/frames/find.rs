//! The dispatches that find peaks and refine them: in the maps of a frame, or in those of each crop.

use super::step::Step;
use crate::config::Refinement;
use crate::engine::wgpu::places::Place;
use crate::engine::wgpu::program::{Program, Slot};
use crate::engine::{Find, PeakPlan};
use crate::error::Error;
use alloc::vec;
use alloc::vec::Vec;
use dormouse_shaders::{Kernel, PeakParams};

/// Cells of a workgroup of `peak_bits`.
const GROUP: usize = 256;

/// Where peaks go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lists {
    /// One for each channel of each image.
    pub lists: usize,
    /// Room of a list in peaks.
    pub room: usize,
    /// Peaks on the grid.
    pub cells: Slot,
    /// Refined peaks.
    pub found: Slot,
}

impl Lists {
    /// Bytes of peaks on the grid.
    pub fn cell_bytes(lists: usize, room: usize) -> u64 {
        (4 * (2 * lists + 2 * lists * room)) as u64
    }
}

/// Appends what finds and refines the peaks of `maps`.
pub(super) fn find_peaks(program: &mut Program, plan: &PeakPlan, maps: &Place, to: &Lists) -> Result<(), Error> {
    let channels = maps.shape.channels;
    let words = maps.cells().div_ceil(32);
    let params = PeakParams {
        from_offset: maps.offset(),
        from_image: maps.image(),
        channels: channels as u32,
        height: maps.shape.height as u32,
        width: maps.shape.width as u32,
        max_peaks: to.room as u32,
        lists: to.lists as u32,
        words: words as u32,
        // Of both zeros that without a sign.
        threshold: (plan.threshold + 0.0).max(0.0).to_bits(),
    };
    let (slot, cells) = (Slot::Maps(maps.buffer), to.cells);
    let map_bytes = 4 * maps.shape.numbers() as u64;
    let list_bytes = (8 * channels * to.room) as u64;
    let bit_bytes = (4 * words * channels) as u64;
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
    let lists = [1, 1, channels];
    match plan.find {
        Find::Local { .. } => {
            let bits = program.buffer(bit_bytes * (to.lists / channels.max(1)) as u64);
            let grid = [maps.cells().div_ceil(GROUP), 1, maps.blocks()];
            program.dispatches.push(step(Kernel::PeakBits, vec![slot], bits, grid, [map_bytes, bit_bytes]).dispatch()?);
            let moved = [bit_bytes, list_bytes];
            program.dispatches.push(step(Kernel::Peaks, vec![bits, slot], cells, lists, moved).dispatch()?);
        }
        Find::Global => {
            let moved = [map_bytes, list_bytes];
            program.dispatches.push(step(Kernel::GlobalPeaks, vec![slot], cells, lists, moved).dispatch()?);
        }
    }
    let method = match plan.refinement {
        Refinement::None => 0,
        Refinement::Integral => 1,
        Refinement::QuarterPixel => 2,
    };
    let moved = [list_bytes, (12 * channels * to.room) as u64];
    let step = step(Kernel::Refine, vec![cells, slot], to.found, lists, moved);
    program.dispatches.push(Step { overrides: vec![("METHOD", method)], ..step }.dispatch()?);
    Ok(())
}
