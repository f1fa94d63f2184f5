//! The preparation for one frame size, and the work on each frame.

use super::color::levels_from_row;
use super::resize::{AxisTaps, mix_rows, resize_row};
use crate::config::PreprocessConfig;
use crate::error::Error;
use crate::frame::{Frame, PixelFormat};
use crate::geometry::ImageMap;
use alloc::vec::Vec;

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
    config: PreprocessConfig,
    frame_px: (u32, u32),
    content: (usize, usize),
    shape: InputShape,
    scaling: Option<Scaling>,
    /// One channel of a colour frame, as bytes: one row, or all of them with scaling.
    levels: Vec<u8>,
}

/// What only resizing needs.
#[derive(Debug, Clone)]
struct Scaling {
    x_taps: AxisTaps,
    y_taps: AxisTaps,
    /// A row of the frame's width that is a weighted sum of frame rows.
    mixed: Vec<f32>,
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
        config.validate()?;
        let scaled = |side: u32| ((f64::from(side) * f64::from(config.input_scale)) as usize).max(1);
        let limit = Frame::MAX_SIDE_PX as usize;
        let content = (scaled(width_px), scaled(height_px));
        let frame_ok = |side| (1..=Frame::MAX_SIDE_PX).contains(&side);
        if !frame_ok(width_px) || !frame_ok(height_px) || content.0 > limit || content.1 > limit {
            return Err(Error::FrameSize { width_px, height_px, max_px: Frame::MAX_SIDE_PX });
        }
        let stride = config.pad_to_stride_px as usize;
        let shape = InputShape {
            channels: config.color.channels(),
            height: content.1.next_multiple_of(stride),
            width: content.0.next_multiple_of(stride),
        };
        let (width, height) = (width_px as usize, height_px as usize);
        let scaling = (content != (width, height)).then(|| Scaling {
            x_taps: AxisTaps::new(width, content.0, config.resize),
            y_taps: AxisTaps::new(height, content.1, config.resize),
            mixed: alloc::vec![0.0; width],
        });
        let levels = alloc::vec![0; if scaling.is_some() { width * height } else { width }];
        Ok(Self { config: *config, frame_px: (width_px, height_px), content, shape, scaling, levels })
    }

    /// Shape of the input it produces.
    pub fn shape(&self) -> InputShape {
        self.shape
    }

    /// Width and height of the frames it takes.
    pub fn frame_px(&self) -> (u32, u32) {
        self.frame_px
    }

    /// The way from input coordinates back to the caller's frame.
    pub fn image_map(&self) -> ImageMap {
        ImageMap::new(self.config.input_scale)
    }

    /// Writes the input of `frame` into `input`, `[channels, height, width]`, values 0 to 1.
    ///
    /// # Errors
    /// [`Error::SizeChanged`] for a frame of another size; [`Error::FrameBuffer`] if `input` has not `shape().len()` values.
    pub fn run(&mut self, frame: &Frame<'_>, input: &mut [f32]) -> Result<(), Error> {
        let (width_px, height_px) = self.frame_px;
        if (frame.width_px(), frame.height_px()) != self.frame_px {
            let (got_width_px, got_height_px) = (frame.width_px(), frame.height_px());
            return Err(Error::SizeChanged { width_px, height_px, got_width_px, got_height_px });
        }
        if input.len() != self.shape.len() {
            let (expected, got) = (self.shape.len(), input.len());
            return Err(Error::FrameBuffer { width_px, height_px, row_stride: self.shape.width, expected, got });
        }
        let (content_width, content_height) = self.content;
        for (channel, plane) in input.chunks_exact_mut(self.shape.height * self.shape.width).enumerate() {
            let (content, padding) = plane.split_at_mut(content_height * self.shape.width);
            if self.scaling.is_some() {
                self.scale(frame, channel, content);
            } else {
                self.convert(frame, channel, content);
            }
            content.chunks_exact_mut(self.shape.width).for_each(|row| row[content_width..].fill(0.0));
            padding.fill(0.0);
        }
        Ok(())
    }

    /// Fills the rows of a channel without scaling; gray frames go straight from their buffer.
    fn convert(&mut self, frame: &Frame<'_>, channel: usize, content: &mut [f32]) {
        for (y, out) in (0..frame.height_px()).zip(content.chunks_exact_mut(self.shape.width)) {
            let row = frame.row(y);
            let levels = if frame.format() == PixelFormat::Gray8 {
                row
            } else {
                levels_from_row(frame.format(), self.config.color, channel, row, &mut self.levels);
                &self.levels
            };
            out.iter_mut().zip(levels).for_each(|(out, &v)| *out = f32::from(v) / 255.0);
        }
    }

    /// Fills the rows of a channel with scaling: along y first, so that shrinking leaves fewer rows for the slower way along x.
    fn scale(&mut self, frame: &Frame<'_>, channel: usize, content: &mut [f32]) {
        let Some(Scaling { x_taps, y_taps, mixed }) = &mut self.scaling else { return };
        let width = mixed.len();
        let gray = frame.format() == PixelFormat::Gray8;
        if !gray {
            for (y, levels) in (0..frame.height_px()).zip(self.levels.chunks_exact_mut(width)) {
                levels_from_row(frame.format(), self.config.color, channel, frame.row(y), levels);
            }
        }
        let levels = &self.levels;
        let row_at = |y: usize| if gray { frame.row(y as u32) } else { &levels[y * width..][..width] };
        for (index, out) in content.chunks_exact_mut(self.shape.width).enumerate() {
            mix_rows(y_taps, index, row_at, mixed);
            resize_row(x_taps, mixed, &mut out[..self.content.0]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{InputColor, ResizeFilter};

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
