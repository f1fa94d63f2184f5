//! An owned image, 8 bits a channel, gray or red-green-blue.

use dormouse::{Frame, PixelFormat};

/// Row-major, tightly packed pixels with 1 (gray) or 3 (red, green, blue) interleaved channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    width_px: usize,
    height_px: usize,
    channels: usize,
    pixels: Vec<u8>,
}

impl Image {
    /// Wraps pixels; `None` unless there are 1 or 3 channels, sides of 1 to 16384 and just the right number of bytes.
    pub fn new(width_px: usize, height_px: usize, channels: usize, pixels: Vec<u8>) -> Option<Self> {
        let side_ok = |side| (1..=Frame::MAX_SIDE_PX as usize).contains(&side);
        let fits = side_ok(width_px) && side_ok(height_px) && (channels == 1 || channels == 3);
        (fits && pixels.len() == width_px * height_px * channels).then_some(Self { width_px, height_px, channels, pixels })
    }

    /// Width in pixels.
    pub fn width_px(&self) -> usize {
        self.width_px
    }

    /// Height in pixels.
    pub fn height_px(&self) -> usize {
        self.height_px
    }

    /// 1 or 3.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// All bytes, row by row.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// All bytes, to be changed in place.
    pub fn pixels_mut(&mut self) -> &mut [u8] {
        &mut self.pixels
    }

    /// The same pixels as the runtime wants them.
    ///
    /// # Errors
    /// Never in practice: the constructor checked the same rules.
    pub fn frame(&self) -> Result<Frame<'_>, dormouse::Error> {
        let format = if self.channels == 1 { PixelFormat::Gray8 } else { PixelFormat::Rgb8 };
        Frame::packed(format, &self.pixels, self.width_px as u32, self.height_px as u32)
    }
}
