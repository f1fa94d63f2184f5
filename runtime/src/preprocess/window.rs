//! Windows of the scaled frame: colour, scale and `[0, 1]` floats for all of it or for a part.

use super::color::levels_from_row;
use super::resize::{AxisTaps, mix_rows, resize_row};
use crate::config::{InputColor, PreprocessConfig};
use crate::error::Error;
use crate::frame::{Frame, PixelFormat};
use alloc::vec::Vec;
use core::ops::Range;

/// Part of the scaled frame, in its pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Window {
    pub columns: Range<usize>,
    pub rows: Range<usize>,
}

/// Fills windows from frames of one size; a window's values do not depend on where it is cut off.
#[derive(Debug, Clone)]
pub(super) struct WindowSampler {
    config: PreprocessConfig,
    frame_px: (u32, u32),
    content: (usize, usize),
    scaling: Option<Scaling>,
    /// One channel of a colour frame, as bytes: a row of the window, or with scaling all source pixels of the window.
    levels: Vec<u8>,
}

/// What only resizing needs.
#[derive(Debug, Clone)]
struct Scaling {
    x_taps: AxisTaps,
    y_taps: AxisTaps,
    /// A row of the window's source width that is a weighted sum of frame rows.
    mixed: Vec<f32>,
}

impl WindowSampler {
    /// Plans for windows of at most `largest` (width, height) pixels in frames of `width_px` x `height_px`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a bad configuration, [`Error::FrameSize`] for a size that a [`Frame`] cannot have or
    /// whose scaled form would be larger than one.
    pub fn new(config: &PreprocessConfig, width_px: u32, height_px: u32, largest: (usize, usize)) -> Result<Self, Error> {
        let content = scaled_sides(config, width_px, height_px)?;
        let (width, height) = (width_px as usize, height_px as usize);
        let mut level_count = largest.0.min(content.0);
        let scaling = (content != (width, height)).then(|| {
            let x_taps = AxisTaps::new(width, content.0, config.resize);
            let y_taps = AxisTaps::new(height, content.1, config.resize);
            let columns = x_taps.largest_source(largest.0);
            level_count = columns * y_taps.largest_source(largest.1);
            Scaling { x_taps, y_taps, mixed: alloc::vec![0.0; columns] }
        });
        Ok(Self { config: *config, frame_px: (width_px, height_px), content, scaling, levels: alloc::vec![0; level_count] })
    }

    /// Width and height of the frames it takes.
    pub fn frame_px(&self) -> (u32, u32) {
        self.frame_px
    }

    /// Width and height of the scaled frame.
    pub fn content(&self) -> (usize, usize) {
        self.content
    }

    /// Taps of the columns and of the rows; `None` if the frame keeps its size.
    pub fn taps(&self) -> Option<[&AxisTaps; 2]> {
        self.scaling.as_ref().map(|s| [&s.x_taps, &s.y_taps])
    }

    /// Channels of the input.
    pub fn color(&self) -> InputColor {
        self.config.color
    }

    /// Refuses frames of another size.
    pub fn check_frame(&self, frame: &Frame<'_>) -> Result<(), Error> {
        let (width_px, height_px) = self.frame_px;
        if (frame.width_px(), frame.height_px()) == self.frame_px {
            return Ok(());
        }
        let (got_width_px, got_height_px) = (frame.width_px(), frame.height_px());
        Err(Error::SizeChanged { width_px, height_px, got_width_px, got_height_px })
    }

    /// Refuses frames of another size and buffers that do not hold `len` values in rows of `row`.
    pub fn check(&self, frame: &Frame<'_>, input: &[f32], len: usize, row: usize) -> Result<(), Error> {
        self.check_frame(frame)?;
        let (width_px, height_px) = self.frame_px;
        if input.len() != len {
            let (expected, got) = (len, input.len());
            return Err(Error::FrameBuffer { width_px, height_px, row_stride: row, expected, got });
        }
        Ok(())
    }

    /// Fills the rows of one channel of a window, which must lie inside the scaled frame; `out` gives the rows in order,
    /// each as wide as the window. The frame was [checked](Self::check).
    pub fn fill<'o>(&mut self, frame: &Frame<'_>, channel: usize, window: &Window, out: impl Iterator<Item = &'o mut [f32]>) {
        if self.scaling.is_some() {
            self.scale(frame, channel, window, out);
        } else {
            self.convert(frame, channel, window, out);
        }
    }

    /// Without scaling; gray frames go straight from their buffer.
    fn convert<'o>(&mut self, frame: &Frame<'_>, channel: usize, window: &Window, out: impl Iterator<Item = &'o mut [f32]>) {
        for (y, out) in window.rows.clone().zip(out) {
            let row = pixels_of(frame, y, &window.columns);
            let levels = if frame.format() == PixelFormat::Gray8 {
                row
            } else {
                let levels = &mut self.levels[..window.columns.len()];
                levels_from_row(frame.format(), self.config.color, channel, row, levels);
                levels
            };
            out.iter_mut().zip(levels).for_each(|(out, &v)| *out = f32::from(v) / 255.0);
        }
    }

    /// With scaling: along y first, so that shrinking leaves fewer rows for the slower way along x.
    fn scale<'o>(&mut self, frame: &Frame<'_>, channel: usize, window: &Window, out: impl Iterator<Item = &'o mut [f32]>) {
        let Some(Scaling { x_taps, y_taps, mixed }) = &mut self.scaling else { return };
        let x_taps = x_taps.window(window.columns.clone());
        let y_taps = y_taps.window(window.rows.clone());
        let (columns, rows) = (x_taps.source(), y_taps.source());
        let width = columns.len();
        let gray = frame.format() == PixelFormat::Gray8;
        if !gray {
            for (y, levels) in rows.clone().zip(self.levels.chunks_exact_mut(width)) {
                levels_from_row(frame.format(), self.config.color, channel, pixels_of(frame, y, &columns), levels);
            }
        }
        let levels = &self.levels;
        let row_at = |y: usize| if gray { pixels_of(frame, rows.start + y, &columns) } else { &levels[y * width..][..width] };
        let mixed = &mut mixed[..width];
        for (index, out) in out.take(window.rows.len()).enumerate() {
            mix_rows(&y_taps, index, row_at, mixed);
            resize_row(&x_taps, mixed, out);
        }
    }
}

/// The bytes of some pixels of a row.
fn pixels_of<'f>(frame: &Frame<'f>, y: usize, columns: &Range<usize>) -> &'f [u8] {
    let size = frame.format().bytes_per_pixel();
    &frame.row(y as u32)[columns.start * size..columns.end * size]
}

/// Width and height of a frame after scaling: truncated to whole pixels (SLEAP's rule), at least 1.
fn scaled_sides(config: &PreprocessConfig, width_px: u32, height_px: u32) -> Result<(usize, usize), Error> {
    config.validate()?;
    let scaled = |side: u32| ((f64::from(side) * f64::from(config.input_scale)) as usize).max(1);
    let limit = Frame::MAX_SIDE_PX as usize;
    let content = (scaled(width_px), scaled(height_px));
    let frame_ok = |side| (1..=Frame::MAX_SIDE_PX).contains(&side);
    if !frame_ok(width_px) || !frame_ok(height_px) || content.0 > limit || content.1 > limit {
        return Err(Error::FrameSize { width_px, height_px, max_px: Frame::MAX_SIDE_PX });
    }
    Ok(content)
}
