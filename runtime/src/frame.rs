//! A camera frame, borrowed from the caller.

use crate::error::Error;
use serde::{Deserialize, Serialize};

/// Order and number of 8-bit channels of one pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PixelFormat {
    /// One luminance byte.
    Gray8,
    /// Red, green, blue.
    Rgb8,
    /// Blue, green, red.
    Bgr8,
    /// Red, green, blue, alpha (ignored).
    Rgba8,
    /// Blue, green, red, alpha (ignored).
    Bgra8,
}

impl PixelFormat {
    /// Bytes of one pixel.
    pub const fn bytes_per_pixel(self) -> usize {
        match self {
            Self::Gray8 => 1,
            Self::Rgb8 | Self::Bgr8 => 3,
            Self::Rgba8 | Self::Bgra8 => 4,
        }
    }

    /// Offsets of red, green and blue inside a pixel (all 0 for gray).
    pub const fn rgb_offsets(self) -> [usize; 3] {
        match self {
            Self::Gray8 => [0, 0, 0],
            Self::Rgb8 | Self::Rgba8 => [0, 1, 2],
            Self::Bgr8 | Self::Bgra8 => [2, 1, 0],
        }
    }
}

/// Borrowed pixels with checked dimensions: row `y` starts at byte `y * row_stride`.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    data: &'a [u8],
    width_px: u32,
    height_px: u32,
    row_stride: usize,
    format: PixelFormat,
}

impl<'a> Frame<'a> {
    /// Largest accepted side in pixels.
    pub const MAX_SIDE_PX: u32 = 16_384;

    /// Wraps pixels of any format with an explicit row stride in bytes.
    ///
    /// # Errors
    /// [`Error::FrameSize`] for a zero or too large side, [`Error::RowStride`] for a stride shorter than a row,
    /// [`Error::FrameBuffer`] for a buffer that does not reach the last pixel (the last row needs no padding).
    pub fn new(format: PixelFormat, data: &'a [u8], width_px: u32, height_px: u32, row_stride: usize) -> Result<Self, Error> {
        let side_ok = |side| (1..=Self::MAX_SIDE_PX).contains(&side);
        if !side_ok(width_px) || !side_ok(height_px) {
            return Err(Error::FrameSize { width_px, height_px, max_px: Self::MAX_SIDE_PX });
        }
        let row = width_px as usize * format.bytes_per_pixel();
        if row_stride < row {
            return Err(Error::RowStride { expected: row, got: row_stride });
        }
        // A stride near usize::MAX must not wrap round to a small need.
        let expected = (height_px as usize - 1).checked_mul(row_stride).and_then(|n| n.checked_add(row)).unwrap_or(usize::MAX);
        if data.len() < expected {
            return Err(Error::FrameBuffer { width_px, height_px, row_stride, expected, got: data.len() });
        }
        Ok(Self { data, width_px, height_px, row_stride, format })
    }

    /// Wraps tightly packed gray pixels.
    ///
    /// # Errors
    /// As [`Frame::new`].
    pub fn gray8(data: &'a [u8], width_px: u32, height_px: u32) -> Result<Self, Error> {
        Self::packed(PixelFormat::Gray8, data, width_px, height_px)
    }

    /// Wraps tightly packed red-green-blue pixels.
    ///
    /// # Errors
    /// As [`Frame::new`].
    pub fn rgb8(data: &'a [u8], width_px: u32, height_px: u32) -> Result<Self, Error> {
        Self::packed(PixelFormat::Rgb8, data, width_px, height_px)
    }

    /// Wraps tightly packed pixels of any format.
    ///
    /// # Errors
    /// As [`Frame::new`].
    pub fn packed(format: PixelFormat, data: &'a [u8], width_px: u32, height_px: u32) -> Result<Self, Error> {
        Self::new(format, data, width_px, height_px, width_px as usize * format.bytes_per_pixel())
    }

    /// Width in pixels.
    pub fn width_px(&self) -> u32 {
        self.width_px
    }

    /// Height in pixels.
    pub fn height_px(&self) -> u32 {
        self.height_px
    }

    /// Pixel format.
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// The bytes of row `y`, without padding.
    ///
    /// # Panics
    /// If `y` is not below the height.
    pub fn row(&self, y: u32) -> &'a [u8] {
        assert!(y < self.height_px, "row {y} of a frame with {} rows", self.height_px);
        let start = y as usize * self.row_stride;
        &self.data[start..start + self.width_px as usize * self.format.bytes_per_pixel()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_checked() {
        let data = [0_u8; 24];
        assert!(Frame::gray8(&data, 6, 4).is_ok());
        assert!(matches!(Frame::gray8(&data, 5, 5), Err(Error::FrameBuffer { expected: 25, got: 24, .. })));
        assert!(matches!(Frame::gray8(&data, 0, 4), Err(Error::FrameSize { .. })));
        assert!(matches!(Frame::gray8(&data, 20_000, 1), Err(Error::FrameSize { .. })));
        assert!(matches!(Frame::new(PixelFormat::Rgb8, &data, 3, 2, 8), Err(Error::RowStride { expected: 9, got: 8 })));
        assert!(matches!(Frame::new(PixelFormat::Gray8, &data, 1, 3, usize::MAX), Err(Error::FrameBuffer { .. })));
    }

    #[test]
    fn the_last_row_needs_no_padding() {
        let data: [u8; 19] = core::array::from_fn(|i| i as u8);
        let frame = Frame::new(PixelFormat::Rgb8, &data, 3, 2, 10).unwrap();
        assert_eq!(frame.row(1), &data[10..19]);
    }
}
