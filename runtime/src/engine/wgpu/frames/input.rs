//! A frame's way to the device, and what the kernel of the network's input reads.

use crate::config::InputColor;
use crate::engine::wgpu::prepared::Prepared;
use crate::engine::wgpu::program::Slot;
use crate::frame::{Frame, PixelFormat};
use crate::preprocess::Preprocessor;
use alloc::vec::Vec;
use dormouse_shaders::PreprocessParams;

/// The 256 levels come first in the tables.
const LEVELS: usize = 256;

/// All levels divided by 255 as the CPU divides them, then first source pixel and weights of each column and of each row.
pub(super) fn tables(preprocessor: &Preprocessor) -> Vec<u32> {
    let mut tables: Vec<u32> = (0..=255_u8).map(|level| (f32::from(level) / 255.0).to_bits()).collect();
    for axis in preprocessor.taps().into_iter().flatten() {
        let (starts, weights, _) = axis.tables();
        tables.extend_from_slice(starts);
        tables.extend(weights.iter().map(|weight| weight.to_bits()));
    }
    tables
}

/// What the kernel reads for frames of that format.
pub(super) fn params(preprocessor: &Preprocessor, format: PixelFormat) -> PreprocessParams {
    let shape = preprocessor.shape();
    let (content_width, content_height) = preprocessor.content_px();
    let [red, green, blue] = format.rgb_offsets().map(|offset| offset as u32);
    let axis = |index: usize| {
        let taps = preprocessor.taps().map(|axes| axes[index].tables());
        taps.map_or((0, 0), |(starts, weights, taps)| (starts.len() + weights.len(), taps))
    };
    let ((columns, x_taps), (_, y_taps)) = (axis(0), axis(1));
    PreprocessParams {
        frame_width: preprocessor.frame_px().0,
        pixel_bytes: format.bytes_per_pixel() as u32,
        red,
        green,
        blue,
        luma: u32::from(preprocessor.color() == InputColor::Gray && format != PixelFormat::Gray8),
        content_width: content_width as u32,
        content_height: content_height as u32,
        to_width: shape.width as u32,
        to_height: shape.height as u32,
        to_channels: shape.channels as u32,
        x_taps: x_taps as u32,
        y_taps: y_taps as u32,
        x_table: LEVELS as u32,
        y_table: (LEVELS + columns) as u32,
        zero: 0,
    }
}

/// Bytes of the buffer for frames of that size in any format.
pub(super) fn frame_bytes((width_px, height_px): (u32, u32)) -> u64 {
    u64::from(width_px) * u64::from(height_px) * PixelFormat::Rgba8.bytes_per_pixel() as u64
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
