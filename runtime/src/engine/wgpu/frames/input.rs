//! A frame's way to the device, and what makes a network's input of it.

use super::step::Step;
use crate::config::InputColor;
use crate::engine::wgpu::prepared::Prepared;
use crate::engine::wgpu::program::{Dispatch, Program, Slot};
use crate::error::Error;
use crate::frame::{Frame, PixelFormat};
use crate::preprocess::{AxisTaps, CropSampler, InputShape, Preprocessor};
use alloc::vec;
use alloc::vec::Vec;
use dormouse_shaders::{Kernel, PreprocessParams};

/// The 256 levels come first in the tables.
const LEVELS: usize = 256;

/// Side of the workgroups of the kernel.
const SIDE: usize = 8;

/// The format that a program's parameters are for before the first frame.
pub(super) const PREPARED_FORMAT: PixelFormat = PixelFormat::Gray8;

/// What a network sees of frames of one size.
pub(super) struct Source<'a> {
    frame_px: (u32, u32),
    content_px: (usize, usize),
    taps: Option<[&'a AxisTaps; 2]>,
    color: InputColor,
    shape: InputShape,
}

impl<'a> From<&'a Preprocessor> for Source<'a> {
    fn from(whole: &'a Preprocessor) -> Self {
        let (frame_px, content_px) = (whole.frame_px(), whole.content_px());
        Self { frame_px, content_px, taps: whole.taps(), color: whole.color(), shape: whole.shape() }
    }
}

impl<'a> From<&'a CropSampler> for Source<'a> {
    fn from(crop: &'a CropSampler) -> Self {
        let (frame_px, content_px) = (crop.frame_px(), crop.content_px());
        Self { frame_px, content_px, taps: crop.taps(), color: crop.color(), shape: crop.shape() }
    }
}

impl Source<'_> {
    /// Makes inputs of the frame's bytes, one for each place in the scaled frame where an image begins.
    pub fn dispatch(&self, program: &mut Program, [frame, origins]: [Slot; 2], output: Slot) -> Result<Dispatch, Error> {
        let tables = program.constant(&self.tables());
        let InputShape { channels, height, width } = self.shape;
        // Written again for frames of another format.
        let params = self.params(PREPARED_FORMAT);
        let step = Step {
            kernel: Kernel::Preprocess,
            overrides: vec![("SCALED", u32::from(self.taps.is_some()))],
            params: bytemuck::bytes_of(&params),
            constants: vec![tables],
            inputs: vec![frame, origins],
            output,
            grid: [width.div_ceil(SIDE), height.div_ceil(SIDE), channels],
            moved: [u64::from(self.frame_px.0) * u64::from(self.frame_px.1), 4 * self.shape.len() as u64],
        };
        step.dispatch()
    }

    /// All levels divided by 255 as the CPU divides them, then first source pixel and weights of each column and of each row.
    fn tables(&self) -> Vec<u32> {
        let mut tables: Vec<u32> = (0..=255_u8).map(|level| (f32::from(level) / 255.0).to_bits()).collect();
        for axis in self.taps.into_iter().flatten() {
            let (starts, weights, _) = axis.tables();
            tables.extend_from_slice(starts);
            tables.extend(weights.iter().map(|weight| weight.to_bits()));
        }
        tables
    }

    /// What the kernel reads for frames of that format.
    pub fn params(&self, format: PixelFormat) -> PreprocessParams {
        let [red, green, blue] = format.rgb_offsets().map(|offset| offset as u32);
        let axis = |index: usize| {
            let taps = self.taps.map(|axes| axes[index].tables());
            taps.map_or((0, 0), |(starts, weights, taps)| (starts.len() + weights.len(), taps))
        };
        let ((columns, x_taps), (_, y_taps)) = (axis(0), axis(1));
        PreprocessParams {
            frame_width: self.frame_px.0,
            pixel_bytes: format.bytes_per_pixel() as u32,
            red,
            green,
            blue,
            luma: u32::from(self.color == InputColor::Gray && format != PixelFormat::Gray8),
            content_width: self.content_px.0 as u32,
            content_height: self.content_px.1 as u32,
            to_width: self.shape.width as u32,
            to_height: self.shape.height as u32,
            to_channels: self.shape.channels as u32,
            x_taps: x_taps as u32,
            y_taps: y_taps as u32,
            x_table: LEVELS as u32,
            y_table: (LEVELS + columns) as u32,
            zero: 0,
        }
    }

    /// Bytes of the buffer for frames in any format.
    pub fn frame_bytes(&self) -> u64 {
        u64::from(self.frame_px.0) * u64::from(self.frame_px.1) * PixelFormat::Rgba8.bytes_per_pixel() as u64
    }
}

/// Queues the bytes of a frame, rows without gaps; false if the driver refuses.
pub(super) fn upload(prepared: &Prepared, slot: Slot, frame: &Frame<'_>) -> bool {
    let row = frame.width_px() as usize * frame.format().bytes_per_pixel();
    let bytes = row * frame.height_px() as usize;
    prepared.write_with(slot, bytes.next_multiple_of(4), |view| {
        for (y, start) in (0..frame.height_px()).zip((0..bytes).step_by(row)) {
            view.slice(start..start + row).copy_from_slice(frame.row(y));
        }
        // The last word may be longer than the frame.
        view.slice(bytes..).copy_from_slice(&[0; 4][..bytes.next_multiple_of(4) - bytes]);
    })
}
