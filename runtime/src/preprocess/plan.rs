//! The preparation for one frame size, and the work on each frame.

use super::resize::AxisTaps;
use super::window::{Window, WindowSampler};
use crate::config::{InputColor, PreprocessConfig};
use crate::error::Error;
use crate::frame::Frame;
use crate::geometry::ImageMap;

/// Shape of a network input for one frame: `[1, channels, height, width]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputShape {
    /// 1 or 3.
    pub channels: usize,
    /// Rows, padding included.
    pub height: usize,
    /// Columns, padding included.
    pub width: usize,
}

impl InputShape {
    /// Number of values.
    pub fn len(self) -> usize {
        self.channels * self.height * self.width
    }

    /// Never true for a planned shape.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// Turns frames of one size into network inputs; everything it needs is allocated by [`Preprocessor::new`].
#[derive(Debug, Clone)]
pub struct Preprocessor {
    sampler: WindowSampler,
    input: ImageMap,
    shape: InputShape,
}

impl Preprocessor {
    /// Plans for frames of `width_px` x `height_px`.
    ///
    /// Scaled sides are truncated to whole pixels (SLEAP's rule) but at least 1; then zeros are appended at right and
    /// bottom up to the next multiple of the stride.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a bad configuration, [`Error::FrameSize`] for a size that a [`Frame`] cannot have or
    /// whose input would be larger than one.
    pub fn new(config: &PreprocessConfig, width_px: u32, height_px: u32) -> Result<Self, Error> {
        let whole = (usize::MAX, usize::MAX);
        let sampler = WindowSampler::new(config, width_px, height_px, whole)?;
        let (width, height) = sampler.content();
        let stride = config.pad_to_stride_px as usize;
        let shape = InputShape {
            channels: config.color.channels(),
            height: height.next_multiple_of(stride),
            width: width.next_multiple_of(stride),
        };
        Ok(Self { sampler, input: ImageMap::new(config.input_scale), shape })
    }

    /// Shape of the input it produces.
    pub fn shape(&self) -> InputShape {
        self.shape
    }

    /// Width and height of the frames it takes.
    pub fn frame_px(&self) -> (u32, u32) {
        self.sampler.frame_px()
    }

    /// Width and height of the scaled frame, without padding.
    pub fn content_px(&self) -> (usize, usize) {
        self.sampler.content()
    }

    /// Taps of the columns and of the rows; `None` if the frame keeps its size.
    pub fn taps(&self) -> Option<[&AxisTaps; 2]> {
        self.sampler.taps()
    }

    /// Channels of the input.
    pub fn color(&self) -> InputColor {
        self.sampler.color()
    }

    /// Refuses frames of another size.
    ///
    /// # Errors
    /// [`Error::SizeChanged`].
    pub fn check_frame(&self, frame: &Frame<'_>) -> Result<(), Error> {
        self.sampler.check_frame(frame)
    }

    /// The way from input coordinates back to the caller's frame.
    pub fn image_map(&self) -> ImageMap {
        self.input
    }

    /// Writes the input of `frame` into `input`, `[channels, height, width]`, values 0 to 1.
    ///
    /// # Errors
    /// [`Error::SizeChanged`] for a frame of another size; [`Error::FrameBuffer`] if `input` has not `shape().len()` values.
    pub fn run(&mut self, frame: &Frame<'_>, input: &mut [f32]) -> Result<(), Error> {
        self.sampler.check(frame, input, self.shape.len(), self.shape.width)?;
        let (width, height) = self.sampler.content();
        let window = Window { columns: 0..width, rows: 0..height };
        for (channel, plane) in input.chunks_exact_mut(self.shape.height * self.shape.width).enumerate() {
            let (content, padding) = plane.split_at_mut(height * self.shape.width);
            let rows = content.chunks_exact_mut(self.shape.width).map(|row| {
                let (row, padding) = row.split_at_mut(width);
                padding.fill(0.0);
                row
            });
            self.sampler.fill(frame, channel, &window, rows);
            padding.fill(0.0);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{InputColor, ResizeFilter};
    use crate::frame::PixelFormat;

    fn config(color: InputColor, input_scale: f32, pad_to_stride_px: u32) -> PreprocessConfig {
        PreprocessConfig { color, input_scale, resize: ResizeFilter::Bilinear, pad_to_stride_px }
    }

    #[test]
    fn pads_right_and_bottom_with_zeros() {
        let mut p = Preprocessor::new(&config(InputColor::Gray, 1.0, 4), 3, 2).unwrap();
        assert_eq!(p.shape(), InputShape { channels: 1, height: 4, width: 4 });
        let mut input = alloc::vec![7.0; 16];
        p.run(&Frame::gray8(&[255, 51, 0, 102, 153, 204], 3, 2).unwrap(), &mut input).unwrap();
        let expected = [1.0, 0.2, 0.0, 0.0, 0.4, 0.6, 0.8, 0.0];
        assert_eq!(&input[..8], &expected);
        assert!(input[8..].iter().all(|&v| v == 0.0));
    }

    #[test]
    fn pads_390_to_416_as_the_reference_says() {
        let p = Preprocessor::new(&config(InputColor::Gray, 1.0, 32), 390, 384).unwrap();
        assert_eq!((p.shape().width, p.shape().height), (416, 384));
    }

    #[test]
    fn colour_goes_to_planes_in_rgb_order() {
        let mut p = Preprocessor::new(&config(InputColor::Rgb, 1.0, 1), 2, 1).unwrap();
        let frame = Frame::new(PixelFormat::Bgr8, &[0, 51, 255, 255, 0, 102], 2, 1, 6).unwrap();
        let mut input = [0.0; 6];
        p.run(&frame, &mut input).unwrap();
        assert_eq!(input, [1.0, 0.4, 0.2, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn scaling_is_separable_bilinear_rounded_to_grey_levels() {
        let mut p = Preprocessor::new(&config(InputColor::Gray, 0.5, 1), 4, 4).unwrap();
        let pixels: [u8; 16] = [0, 10, 20, 40, 10, 21, 20, 40, 1, 2, 3, 4, 5, 6, 7, 8];
        let mut input = [0.0; 4];
        p.run(&Frame::gray8(&pixels, 4, 4).unwrap(), &mut input).unwrap();
        // Means of 2x2 blocks: 10.25, 30, 3.5, 5.5.
        let levels = input.map(|v| v * 255.0);
        assert!(levels.iter().zip([10.0, 30.0, 4.0, 6.0]).all(|(a, b)| (a - b).abs() < 1e-4), "{levels:?}");
    }

    #[test]
    fn refuses_other_sizes_and_huge_inputs() {
        let mut p = Preprocessor::new(&config(InputColor::Gray, 1.0, 1), 2, 2).unwrap();
        let frame = Frame::gray8(&[0; 6], 3, 2).unwrap();
        assert!(matches!(p.run(&frame, &mut [0.0; 4]), Err(Error::SizeChanged { got_width_px: 3, .. })));
        assert!(Preprocessor::new(&config(InputColor::Gray, 8.0, 1), 16_000, 10).is_err());
        assert!(Preprocessor::new(&config(InputColor::Gray, 1.0, 1), 0, 10).is_err());
    }
}
