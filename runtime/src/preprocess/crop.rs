//! Square crops around points, as inputs of a network that looks at one animal at a time.

use super::plan::InputShape;
use super::resize::AxisTaps;
use super::window::{Window, WindowSampler};
use crate::config::{InputColor, PreprocessConfig};
use crate::error::Error;
use crate::frame::Frame;
use crate::geometry::{CropMap, ImageMap, ImagePoint};
use core::ops::Range;

/// Corners of crops are kept within this many input pixels, far outside any frame, so that no sum with them overflows.
const FARTHEST_PX: f64 = (1_u32 << 20) as f64;

/// Cuts square windows out of frames of one size, with the colour and scale of the network that gets them.
///
/// A crop is a window of the frame *after* scaling and starts at a whole pixel of it: its values are those that the whole
/// frame's input has there, bit for bit, and [`CropMap`] adds back the very origin that was sampled. What lies outside
/// the frame is zero. Training cuts its samples with this code too.
#[derive(Debug, Clone)]
pub struct CropSampler {
    sampler: WindowSampler,
    input: ImageMap,
    shape: InputShape,
}

impl CropSampler {
    /// Plans crops of `crop_size_px` input pixels a side from frames of `width_px` x `height_px` pixels.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a bad configuration or a crop size that is no positive multiple of its
    /// `pad_to_stride_px`; [`Error::FrameSize`] for a size that a [`Frame`] cannot have or whose scaled form would be
    /// larger than one.
    pub fn new(config: &PreprocessConfig, crop_size_px: u32, width_px: u32, height_px: u32) -> Result<Self, Error> {
        let side = crop_size_px as usize;
        let sampler = WindowSampler::new(config, width_px, height_px, (side, side))?;
        if !(1..=Frame::MAX_SIDE_PX).contains(&crop_size_px) || !crop_size_px.is_multiple_of(config.pad_to_stride_px) {
            let what = "must be a positive multiple of pad_to_stride_px and at most 16384";
            return Err(Error::InvalidConfig { field: "crop_size_px", what });
        }
        let shape = InputShape { channels: config.color.channels(), height: side, width: side };
        Ok(Self { sampler, input: ImageMap::new(config.input_scale), shape })
    }

    /// Shape of one crop.
    pub fn shape(&self) -> InputShape {
        self.shape
    }

    /// Width and height of the frames it takes.
    pub fn frame_px(&self) -> (u32, u32) {
        self.sampler.frame_px()
    }

    /// Width and height of the scaled frame.
    pub fn content_px(&self) -> (usize, usize) {
        self.sampler.content()
    }

    /// Taps of the columns and of the rows of the scaled frame; `None` if the frame keeps its size.
    pub fn taps(&self) -> Option<[&AxisTaps; 2]> {
        self.sampler.taps()
    }

    /// Channels of a crop.
    pub fn color(&self) -> InputColor {
        self.sampler.color()
    }

    /// The way between the scaled frame and the caller's.
    pub fn image_map(&self) -> ImageMap {
        self.input
    }

    /// Where the crop around `centre` lies: of all whole origins the one that brings `centre` nearest to the middle of the
    /// crop, which is at `(size - 1) / 2` (between two pixels for an even size), so at most half an input pixel off it.
    pub fn crop_map(&self, centre: ImagePoint) -> CropMap {
        let centre = self.input.to_input(centre);
        let origin = |c: f32| {
            let corner = libm::floor(f64::from(c) - (self.shape.width as f64 - 1.0) / 2.0 + 0.5);
            // A centre that is not a number becomes 0 here: some crop, but no panic.
            corner.clamp(-FARTHEST_PX, FARTHEST_PX) as i32
        };
        CropMap::new(origin(centre.x_px), origin(centre.y_px), self.input)
    }

    /// Writes the crop around `centre` into `input`, `[channels, size, size]`, values 0 to 1, and says where it lies.
    ///
    /// # Errors
    /// [`Error::SizeChanged`] for a frame of another size; [`Error::FrameBuffer`] if `input` has not `shape().len()` values.
    pub fn run(&mut self, frame: &Frame<'_>, centre: ImagePoint, input: &mut [f32]) -> Result<CropMap, Error> {
        let side = self.shape.width;
        self.sampler.check(frame, input, self.shape.len(), side)?;
        let map = self.crop_map(centre);
        let (left_px, top_px) = map.origin_px();
        let (content_width, content_height) = self.sampler.content();
        let (columns, from_left) = overlap(left_px, side, content_width);
        let (rows, from_top) = overlap(top_px, side, content_height);
        input.fill(0.0);
        if columns.is_empty() || rows.is_empty() {
            return Ok(map);
        }
        let window = Window { columns, rows };
        for (channel, plane) in input.chunks_exact_mut(side * side).enumerate() {
            let inside = plane.chunks_exact_mut(side).skip(from_top).take(window.rows.len());
            let inside = inside.map(|row| &mut row[from_left..from_left + window.columns.len()]);
            self.sampler.fill(frame, channel, &window, inside);
        }
        Ok(map)
    }
}

/// The pixels of a frame's axis of `content` pixels that a crop of `side` pixels from `origin` on covers, and how many
/// pixels of the crop come before them.
fn overlap(origin: i32, side: usize, content: usize) -> (Range<usize>, usize) {
    let (origin, side, content) = (i64::from(origin), side as i64, content as i64);
    let start = origin.clamp(0, content);
    let end = (origin + side).clamp(start, content);
    (start as usize..end as usize, (start - origin).clamp(0, side) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ResizeFilter;
    use crate::frame::PixelFormat;
    use crate::geometry::CropPoint;
    use crate::preprocess::Preprocessor;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn config(color: InputColor, input_scale: f32, resize: ResizeFilter) -> PreprocessConfig {
        PreprocessConfig { color, input_scale, resize, pad_to_stride_px: 1 }
    }

    fn at(x_px: f32, y_px: f32) -> ImagePoint {
        ImagePoint { x_px, y_px }
    }

    /// The definition: a window of the whole frame's input, pixel by pixel, zero outside.
    fn naive(config: &PreprocessConfig, frame: &Frame<'_>, origin: (i32, i32), side: usize) -> Vec<f32> {
        let mut whole = Preprocessor::new(config, frame.width_px(), frame.height_px()).unwrap();
        let shape = whole.shape();
        let mut input = alloc::vec![0.0; shape.len()];
        whole.run(frame, &mut input).unwrap();
        let mut crop = Vec::new();
        for channel in 0..shape.channels {
            for y in 0..side as i32 {
                for x in 0..side as i32 {
                    let (x, y) = (x + origin.0, y + origin.1);
                    let inside = (0..shape.width as i32).contains(&x) && (0..shape.height as i32).contains(&y);
                    let index = || (channel * shape.height + y as usize) * shape.width + x as usize;
                    crop.push(if inside { input[index()] } else { 0.0 });
                }
            }
        }
        crop
    }

    #[test]
    fn quarter_pixels_of_the_centre_move_the_origin_by_whole_pixels_only() {
        let sampler = |side| CropSampler::new(&config(InputColor::Gray, 1.0, ResizeFilter::Bilinear), side, 64, 64).unwrap();
        let origins = |side| (0..9).map(move |i| sampler(side).crop_map(at(20.0 + 0.25 * i as f32, 30.0)).origin_px().0);
        // Even: the middle is between two pixels, so every centre from 20 to 20.75 is nearest to it from origin 20 - 7 on.
        assert_eq!(origins(16).collect::<Vec<_>>(), [13, 13, 13, 13, 14, 14, 14, 14, 15]);
        // Odd: the middle is pixel 7, and the centre is rounded.
        assert_eq!(origins(15).collect::<Vec<_>>(), [13, 13, 14, 14, 14, 14, 15, 15, 15]);
    }

    #[test]
    fn a_dot_is_mapped_back_to_where_it_is_wherever_the_centre_moves() {
        let mut pixels = alloc::vec![0_u8; 50 * 40];
        pixels[21 * 50 + 30] = 255;
        let frame = Frame::gray8(&pixels, 50, 40).unwrap();
        let mut sampler = CropSampler::new(&config(InputColor::Gray, 1.0, ResizeFilter::Bilinear), 16, 50, 40).unwrap();
        let mut input = alloc::vec![0.0; 256];
        for i in 0..17 {
            let centre = at(27.0 + 0.25 * i as f32, 24.0 - 0.25 * i as f32);
            let map = sampler.run(&frame, centre, &mut input).unwrap();
            let found = input.iter().position(|&v| v == 1.0).unwrap();
            let p = CropPoint { x_px: (found % 16) as f32, y_px: (found / 16) as f32 };
            assert_eq!(map.to_image(p), at(30.0, 21.0));
            let middle = map.to_crop(centre);
            assert!((middle.x_px - 7.5).abs() <= 0.5 && (middle.y_px - 7.5).abs() <= 0.5, "{middle:?}");
        }
    }

    #[test]
    fn centres_that_are_nowhere_give_empty_crops() {
        let frame = Frame::gray8(&[255; 12], 4, 3).unwrap();
        let mut sampler = CropSampler::new(&config(InputColor::Gray, 1.0, ResizeFilter::Bilinear), 2, 4, 3).unwrap();
        let mut input = [7.0; 4];
        for far in [1e9, -1e9, f32::INFINITY, f32::NEG_INFINITY] {
            sampler.run(&frame, at(far, 1.0), &mut input).unwrap();
            assert_eq!(input, [0.0; 4], "{far}");
        }
        assert!(sampler.run(&frame, at(f32::NAN, f32::NAN), &mut input).is_ok());
    }

    #[test]
    fn wrong_sizes_are_refused() {
        let new = |side| CropSampler::new(&PreprocessConfig { pad_to_stride_px: 8, ..gray() }, side, 64, 64);
        assert!(new(0).is_err() && new(12).is_err() && new(16_392).is_err() && new(16).is_ok());
        let mut sampler = new(8).unwrap();
        let frame = Frame::gray8(&[0; 16], 4, 4).unwrap();
        assert!(matches!(sampler.run(&frame, at(0.0, 0.0), &mut [0.0; 64]), Err(Error::SizeChanged { .. })));
        let bytes = alloc::vec![0; 64 * 64];
        let frame = Frame::gray8(&bytes, 64, 64).unwrap();
        assert!(matches!(sampler.run(&frame, at(0.0, 0.0), &mut [0.0; 63]), Err(Error::FrameBuffer { .. })));
    }

    fn gray() -> PreprocessConfig {
        config(InputColor::Gray, 1.0, ResizeFilter::Bilinear)
    }

    proptest! {
        #[test]
        fn a_crop_is_a_window_of_the_whole_input(
            (width, height) in (1_usize..24, 1_usize..24),
            side in 1_usize..20,
            (x, y) in (-12.0_f32..36.0, -12.0_f32..36.0),
            scale in prop_oneof![Just(1.0_f32), Just(0.5), Just(2.0), 0.1_f32..3.0],
            antialias: bool,
            rgb: bool,
            format in 0_usize..5,
            bytes in prop::collection::vec(any::<u8>(), 24 * 24 * 4),
        ) {
            use PixelFormat::{Bgr8, Bgra8, Gray8, Rgb8, Rgba8};
            let resize = if antialias { ResizeFilter::BilinearAntialias } else { ResizeFilter::Bilinear };
            let config = config(if rgb { InputColor::Rgb } else { InputColor::Gray }, scale, resize);
            let format = [Gray8, Rgb8, Bgr8, Rgba8, Bgra8][format];
            let frame = Frame::packed(format, &bytes, width as u32, height as u32).unwrap();
            let mut sampler = CropSampler::new(&config, side as u32, width as u32, height as u32).unwrap();
            let mut input = alloc::vec![f32::NAN; sampler.shape().len()];
            let map = sampler.run(&frame, at(x, y), &mut input).unwrap();
            prop_assert_eq!(&input, &naive(&config, &frame, map.origin_px(), side));
            let middle = map.to_crop(at(x, y));
            let off = (side as f32 - 1.0) / 2.0;
            prop_assert!((middle.x_px - off).abs() < 0.5001 && (middle.y_px - off).abs() < 0.5001);
        }
    }
}
