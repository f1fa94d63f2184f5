//! Whole frames on our own GPU engine: every pixel format and scale, peaks, refinement, line scores and classes as on the CPU.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use dormouse::PixelFormat;
use dormouse::config::*;
use dormouse::engine::FrameStage;
use dormouse_tests::frames_suite::{Head, Model, noise, noise_frame};

const FORMATS: [PixelFormat; 5] =
    [PixelFormat::Gray8, PixelFormat::Rgb8, PixelFormat::Bgr8, PixelFormat::Rgba8, PixelFormat::Bgra8];
const WHOLE: [FrameStage; 1] = [FrameStage::Preprocess];
const BIG: usize = 700_000;

fn scale(color: InputColor, input_scale: f32, resize: ResizeFilter, pad_to_stride_px: u32) -> PreprocessConfig {
    PreprocessConfig { color, input_scale, resize, pad_to_stride_px }
}

/// Nothing but the input itself, as confidence maps.
fn plain(preprocess: PreprocessConfig, max_peaks: u32) -> Model {
    let gray: &[&[f32]] = &[&[1.0], &[0.5]];
    let rgb: &[&[f32]] = &[&[1.0, 0.0, 0.0], &[0.0, 1.0, 0.0], &[0.0, 0.0, 1.0]];
    let weights = if preprocess.color == InputColor::Gray { gray } else { rgb };
    let fields: &[&[f32]] = &[&[1.0], &[-1.0]];
    let rgb_fields: &[&[f32]] = &[&[1.0, 0.0, -1.0], &[0.0, 1.0, -1.0], &[-1.0, 0.0, 1.0], &[0.5, -1.0, 0.0]];
    let fields = if preprocess.color == InputColor::Gray { fields } else { rgb_fields };
    let heads = [
        Head { kind: HeadKind::ConfidenceMaps, weights, stride_px: 1 },
        Head { kind: HeadKind::PartAffinityFields, weights: fields, stride_px: 2 },
    ];
    Model::new(ModelType::BottomUp, preprocess, &heads, Limits { max_instances: 8, max_peaks })
}

#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn every_format_and_scale() {
    let bytes = noise(BIG, 1);
    let mut peaks = 0;
    for color in [InputColor::Gray, InputColor::Rgb] {
        for (input_scale, pad) in [(1.0, 2), (1.0, 16), (0.5, 2), (0.37, 4), (0.25, 2), (1.6, 8)] {
            for resize in [ResizeFilter::Bilinear, ResizeFilter::BilinearAntialias] {
                let model = plain(scale(color, input_scale, resize, pad), 1024);
                for (index, format) in FORMATS.into_iter().enumerate() {
                    let sizes = [[33, 18], [7, 5], [16, 47], [1, 1], [2, 31]];
                    let size = sizes[(index + pad as usize) % sizes.len()];
                    let case = format!("{format:?} to {color:?}, scale {input_scale} {resize:?}, {size:?}");
                    peaks += model.same_as_cpu(&case, &noise_frame(&bytes, format, size), &WHOLE).0;
                }
            }
        }
    }
    assert!(peaks > 5_000, "{peaks} peaks compared");
}

#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn one_estimator_takes_every_format() {
    let bytes = noise(BIG, 2);
    let model = plain(scale(InputColor::Rgb, 0.5, ResizeFilter::BilinearAntialias, 4), 64);
    for format in FORMATS {
        model.same_as_cpu(&format!("{format:?}"), &noise_frame(&bytes, format, [61, 35]), &WHOLE);
    }
}

/// Gray levels are few, so that many peaks are equal: of more than there is room for the strongest stay, of equals the first.
#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn more_peaks_than_room() {
    let bytes = noise(BIG, 3);
    for max_peaks in [1, 2, 7, 64, 300] {
        for [width, height] in [[40, 30], [161, 97], [300, 260]] {
            let mut model = plain(scale(InputColor::Gray, 1.0, ResizeFilter::Bilinear, 2), max_peaks);
            for threshold in [0.0, 0.2, 0.98] {
                model.config.peaks.threshold = threshold;
                let case = format!("room {max_peaks}, {width}x{height}, threshold {threshold}");
                model.same_as_cpu(&case, &noise_frame(&bytes, PixelFormat::Gray8, [width, height]), &WHOLE);
            }
        }
    }
}

/// So many pairs that their scores are read in several pieces.
#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn more_scores_than_one_piece() {
    let bytes = noise(BIG, 4);
    let model = plain(scale(InputColor::Rgb, 1.0, ResizeFilter::Bilinear, 2), 256);
    let (_, scores) = model.same_as_cpu("noise", &noise_frame(&bytes, PixelFormat::Rgb8, [129, 97]), &WHOLE);
    assert!(scores > 4 * 16 * 1024, "{scores} scores");
}

/// Whichever stage the GPU begins with, and with each refinement.
#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn every_stage_and_refinement() {
    let bytes = noise(BIG, 5);
    let frame = noise_frame(&bytes, PixelFormat::Bgr8, [75, 52]);
    for refinement in [Refinement::None, Refinement::Integral, Refinement::QuarterPixel] {
        let mut model = plain(scale(InputColor::Rgb, 0.8, ResizeFilter::Bilinear, 4), 48);
        model.config.peaks.refinement = refinement;
        let (peaks, scores) = model.same_as_cpu(&format!("{refinement:?}"), &frame, &FrameStage::ALL);
        assert!(peaks > 100 && scores > 1_000);
    }
}

#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn one_animal_and_known_animals() {
    let bytes = noise(BIG, 6);
    let five: &[&[f32]] = &[&[1.0, 0.0, 0.0], &[0.0, 1.0, 0.0], &[0.0, 0.0, -1.0], &[0.5, 0.0, 0.0], &[0.0, 0.0, 0.0]];
    let confmaps = |stride_px| Head { kind: HeadKind::ConfidenceMaps, weights: five, stride_px };
    let classes = Head { kind: HeadKind::ClassMaps, weights: five, stride_px: 4 };
    let limits = Limits { max_instances: 5, max_peaks: 20 };
    let preprocess = scale(InputColor::Rgb, 1.0, ResizeFilter::Bilinear, 8);
    for size in [[96, 64], [33, 41], [5, 3]] {
        let frame = noise_frame(&bytes, PixelFormat::Rgba8, size);
        let mut single = Model::new(ModelType::SingleInstance, preprocess, &[confmaps(2)], limits);
        for threshold in [0.0, 0.4, 1.0] {
            single.config.peaks.threshold = threshold;
            single.same_as_cpu(&format!("single {size:?} {threshold}"), &frame, &FrameStage::ALL);
        }
        let heads = [confmaps(1), Head { weights: classes.weights, ..classes }];
        let known = Model::new(ModelType::BottomUpId, preprocess, &heads, limits);
        known.same_as_cpu(&format!("classes {size:?}"), &frame, &FrameStage::ALL);
    }
}

#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn a_lost_device_costs_no_frame() {
    let bytes = noise(BIG, 7);
    let model = plain(scale(InputColor::Rgb, 0.5, ResizeFilter::BilinearAntialias, 4), 64);
    model.survives_a_lost_device(&noise_frame(&bytes, PixelFormat::Bgr8, [61, 35]), &FrameStage::ALL);
}
