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

    /// The square of `side_px` pixels whose first pixel is (`left`, `top`), black where it lies outside. A side beyond what a frame
    /// can have is cut to that.
    pub fn window(&self, [left, top]: [i64; 2], side_px: usize) -> Self {
        let side = side_px.clamp(1, Frame::MAX_SIDE_PX as usize);
        let mut pixels = vec![0; side * side * self.channels];
        let inside = |start: i64, most: usize| (start.clamp(0, most as i64), (start + side as i64).clamp(0, most as i64));
        let ((x_first, x_end), (y_first, y_end)) = (inside(left, self.width_px), inside(top, self.height_px));
        let len = (x_end - x_first) as usize * self.channels;
        for y in y_first..y_end {
            let from = (y as usize * self.width_px + x_first as usize) * self.channels;
            let to = ((y - top) as usize * side + (x_first - left).max(0) as usize) * self.channels;
            if len > 0 {
                pixels[to..to + len].copy_from_slice(&self.pixels[from..from + len]);
            }
        }
        Self { width_px: side, height_px: side, channels: self.channels, pixels }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_black_outside() {
        for channels in [1, 3] {
            let pixels: Vec<u8> = (0..5 * 4 * channels).map(|i| i as u8 + 1).collect();
            let image = Image::new(5, 4, channels, pixels).unwrap();
            for left in -9..9_i64 {
                for top in -9..9_i64 {
                    let window = image.window([left, top], 3);
                    for (i, &value) in window.pixels().iter().enumerate() {
                        let (x, y) = ((i / channels % 3) as i64 + left, (i / channels / 3) as i64 + top);
                        let inside = (0..5).contains(&x) && (0..4).contains(&y);
                        let index = || (y as usize * 5 + x as usize) * channels + i % channels;
                        assert_eq!(value, if inside { image.pixels()[index()] } else { 0 }, "{left} {top} {i}");
                    }
                }
            }
        }
    }
}
