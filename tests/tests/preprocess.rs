//! Preprocessing against a naive oracle, pixel by pixel in double precision.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use dormouse::config::{InputColor, PreprocessConfig, ResizeFilter};
use dormouse::preprocess::Preprocessor;
use dormouse::{Frame, ImageMap, ImagePoint, PixelFormat};
use dormouse_tests::heap::{CountingHeap, heap_use};
use dormouse_tests::tolerance::{LUMA_LEVELS, MAP_ROUND_TRIP, PIXEL, SCALED_LEVELS};
use proptest::prelude::*;

#[global_allocator]
static HEAP: CountingHeap = CountingHeap;

const FORMATS: [PixelFormat; 5] =
    [PixelFormat::Gray8, PixelFormat::Rgb8, PixelFormat::Bgr8, PixelFormat::Rgba8, PixelFormat::Bgra8];

/// A frame with padding behind each row, all of it filled with noise.
#[derive(Debug, Clone)]
struct Picture {
    format: PixelFormat,
    width: usize,
    height: usize,
    stride: usize,
    bytes: Vec<u8>,
}

impl Picture {
    fn frame(&self) -> Frame<'_> {
        Frame::new(self.format, &self.bytes, self.width as u32, self.height as u32, self.stride).unwrap()
    }

    /// Red, green or blue as the format's documentation orders them.
    fn color(&self, x: usize, y: usize, color: usize) -> u8 {
        let (size, order) = match self.format {
            PixelFormat::Gray8 => (1, [0, 0, 0]),
            PixelFormat::Rgb8 => (3, [0, 1, 2]),
            PixelFormat::Bgr8 => (3, [2, 1, 0]),
            PixelFormat::Rgba8 => (4, [0, 1, 2]),
            PixelFormat::Bgra8 => (4, [2, 1, 0]),
        };
        self.bytes[y * self.stride + x * size + order[color]]
    }

    /// Level of an input channel, exact.
    fn level(&self, x: usize, y: usize, input: InputColor, channel: usize) -> f64 {
        let [r, g, b] = [0, 1, 2].map(|c| f64::from(self.color(x, y, c)));
        match input {
            InputColor::Rgb => [r, g, b][channel],
            InputColor::Gray if self.format == PixelFormat::Gray8 => r,
            InputColor::Gray => 0.2989 * r + 0.5870 * g + 0.1140 * b,
        }
    }
}

fn pictures(side: usize) -> impl Strategy<Value = Picture> {
    (0..FORMATS.len(), 1..=side, 1..=side, 0_usize..7).prop_flat_map(|(format, width, height, padding)| {
        let format = FORMATS[format];
        let stride = width * format.bytes_per_pixel() + padding;
        let bytes = proptest::collection::vec(any::<u8>(), stride * height);
        bytes.prop_map(move |bytes| Picture { format, width, height, stride, bytes })
    })
}

fn colors() -> impl Strategy<Value = InputColor> {
    prop_oneof![Just(InputColor::Gray), Just(InputColor::Rgb)]
}

fn run(config: &PreprocessConfig, picture: &Picture) -> (Preprocessor, Vec<f32>) {
    let mut preprocessor = Preprocessor::new(config, picture.width as u32, picture.height as u32).unwrap();
    // Whatever was in the buffer must not matter.
    let mut input = vec![f32::NAN; preprocessor.shape().len()];
    preprocessor.run(&picture.frame(), &mut input).unwrap();
    (preprocessor, input)
}

/// Weight of source sample `at` for output `index`: a triangle of half-width 1 or, when shrinking with antialias, `ratio`.
fn weight(at: usize, index: usize, source: usize, target: usize, filter: ResizeFilter) -> f64 {
    let ratio = source as f64 / target as f64;
    let centre = (index as f64 + 0.5) * ratio - 0.5;
    let (centre, width) = match filter {
        ResizeFilter::Bilinear => (centre.max(0.0).min(source as f64 - 1.0), 1.0),
        ResizeFilter::BilinearAntialias => (centre, ratio.max(1.0)),
    };
    (1.0 - (at as f64 - centre).abs() / width).max(0.0)
}

/// Weighted mean over the whole picture.
fn resized(
    picture: &Picture,
    level: impl Fn(usize, usize) -> f64,
    out: (usize, usize),
    to: (usize, usize),
    f: ResizeFilter,
) -> f64 {
    let (mut sum, mut weights) = (0.0, 0.0);
    for y in 0..picture.height {
        for x in 0..picture.width {
            let w = weight(x, out.0, picture.width, to.0, f) * weight(y, out.1, picture.height, to.1, f);
            sum += w * level(x, y);
            weights += w;
        }
    }
    sum / weights
}

proptest! {
    #[test]
    fn unscaled_inputs_are_the_levels_over_255(picture in pictures(20), color in colors(), stride in 1_u32..40) {
        let config =
            PreprocessConfig { color, input_scale: 1.0, resize: ResizeFilter::Bilinear, pad_to_stride_px: stride };
        let (preprocessor, input) = run(&config, &picture);
        let shape = preprocessor.shape();
        let padded = |side: usize| side.div_ceil(stride as usize) * stride as usize;
        prop_assert_eq!((shape.channels, shape.width, shape.height), (color.channels(), padded(picture.width), padded(picture.height)));
        for (index, &value) in input.iter().enumerate() {
            let (x, y, channel) = (index % shape.width, index / shape.width % shape.height, index / shape.width / shape.height);
            if x >= picture.width || y >= picture.height {
                prop_assert_eq!(value, 0.0);
                continue;
            }
            let level = picture.level(x, y, color, channel);
            if level.fract() == 0.0 {
                prop_assert!((f64::from(value) - level / 255.0).abs() <= f64::from(PIXEL), "{} for {}", value, level);
            }
            prop_assert!((f64::from(value) * 255.0 - level).abs() <= LUMA_LEVELS, "{} for {}", value * 255.0, level);
        }
    }

    #[test]
    fn scaled_inputs_are_the_weighted_means(
        picture in pictures(14),
        color in colors(),
        scale in prop_oneof![Just(0.5_f32), Just(0.25), Just(2.0), 0.08_f32..3.0],
        antialias: bool,
        stride in prop_oneof![Just(1_u32), Just(8)],
    ) {
        let resize = if antialias { ResizeFilter::BilinearAntialias } else { ResizeFilter::Bilinear };
        let config = PreprocessConfig { color, input_scale: scale, resize, pad_to_stride_px: stride };
        let (preprocessor, input) = run(&config, &picture);
        let shape = preprocessor.shape();
        let content = |side: usize| ((side as f64 * f64::from(scale)).floor() as usize).max(1);
        let to = (content(picture.width), content(picture.height));
        // Colour is coerced to whole levels before scaling, as 8-bit images are; luma near a half may go either way.
        let side = |side: f64, channel: usize, out: (usize, usize)| {
            let level = |x: usize, y: usize| (picture.level(x, y, color, channel) + side * (LUMA_LEVELS - 0.5)).round();
            resized(&picture, level, out, to, resize)
        };
        for (index, &value) in input.iter().enumerate() {
            let out = (index % shape.width, index / shape.width % shape.height);
            let channel = index / shape.width / shape.height;
            if out.0 >= to.0 || out.1 >= to.1 {
                prop_assert_eq!(value, 0.0);
                continue;
            }
            let (low, high) = (side(-1.0, channel, out), side(1.0, channel, out));
            let got = f64::from(value) * 255.0;
            prop_assert!(got >= low - SCALED_LEVELS && got <= high + SCALED_LEVELS, "{} for {}..{} at {:?}", got, low, high, out);
            prop_assert!((got - got.round()).abs() < 1e-4, "{} lies between grey levels", got);
        }
    }

    #[test]
    fn bytes_between_rows_and_alpha_do_not_matter(picture in pictures(12), color in colors(), noise: u8) {
        let config =
            PreprocessConfig { color, input_scale: 0.75, resize: ResizeFilter::Bilinear, pad_to_stride_px: 4 };
        let mut other = picture.clone();
        let size = picture.format.bytes_per_pixel();
        for (at, byte) in other.bytes.iter_mut().enumerate() {
            let x = at % picture.stride;
            if x >= picture.width * size || (size == 4 && x % 4 == 3) {
                *byte = noise;
            }
        }
        prop_assert_eq!(run(&config, &picture).1, run(&config, &other).1);
    }

    #[test]
    fn points_go_there_and_back(x_px in -20_000.0_f32..20_000.0, y_px in -20_000.0_f32..20_000.0, scale in 0.01_f32..8.0) {
        let map = ImageMap::new(scale);
        let back = map.to_image(map.to_input(ImagePoint { x_px, y_px }));
        prop_assert!((back.x_px - x_px).abs() <= x_px.abs() * MAP_ROUND_TRIP);
        prop_assert!((back.y_px - y_px).abs() <= y_px.abs() * MAP_ROUND_TRIP);
        prop_assert!(!map.to_image(map.to_input(ImagePoint::MISSING)).is_finite());
    }
}

#[test]
fn a_run_asks_for_no_memory() {
    for (color, scale) in [(InputColor::Gray, 1.0), (InputColor::Rgb, 1.0), (InputColor::Gray, 0.5), (InputColor::Rgb, 1.5)] {
        let config =
            PreprocessConfig { color, input_scale: scale, resize: ResizeFilter::BilinearAntialias, pad_to_stride_px: 16 };
        let mut preprocessor = Preprocessor::new(&config, 50, 40).unwrap();
        let mut input = vec![0.0; preprocessor.shape().len()];
        for format in FORMATS {
            let bytes = vec![9; 50 * 40 * format.bytes_per_pixel()];
            let frame = Frame::packed(format, &bytes, 50, 40).unwrap();
            let (result, heap) = heap_use(|| preprocessor.run(&frame, &mut input));
            assert_eq!((result, heap.requests), (Ok(()), 0), "{format:?} to {color:?} at {scale}");
        }
    }
}

#[test]
fn the_counting_heap_counts() {
    let (kept, heap) = heap_use(|| vec![1_u8; 1000]);
    assert_eq!((kept.len(), heap.requests, heap.largest), (1000, 1, 1000));
}
