//! Time of preprocessing one 1280 x 1024 camera frame. Each case checks its answer before it is timed.

#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]
#![allow(clippy::unwrap_used, reason = "a bench may fail by panicking")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dormouse::config::{InputColor, PreprocessConfig, ResizeFilter};
use dormouse::preprocess::Preprocessor;
use dormouse::{Frame, PixelFormat};
use std::hint::black_box;

const WIDTH_PX: u32 = 1280;
const HEIGHT_PX: u32 = 1024;

/// Deterministic, uneven pixels.
fn pixels(format: PixelFormat) -> Vec<u8> {
    let len = WIDTH_PX as usize * HEIGHT_PX as usize * format.bytes_per_pixel();
    (0..len).map(|i| (i * 31 + i / 977) as u8).collect()
}

/// Compares one input value with the same value computed by hand from the frame.
fn check(input: &[f32], at: usize, expected_level: f32) {
    let got = input[at] * 255.0;
    assert!((got - expected_level).abs() <= 0.51, "value {at} is {got}, expected {expected_level}");
}

fn bench_case(c: &mut Criterion, name: &str, format: PixelFormat, scale: f32, expected: impl Fn(&[u8], usize, usize) -> f32) {
    let config =
        PreprocessConfig { color: InputColor::Gray, input_scale: scale, resize: ResizeFilter::Bilinear, pad_to_stride_px: 32 };
    let bytes = pixels(format);
    let frame = Frame::packed(format, &bytes, WIDTH_PX, HEIGHT_PX).unwrap();
    let mut preprocessor = Preprocessor::new(&config, WIDTH_PX, HEIGHT_PX).unwrap();
    let shape = preprocessor.shape();
    let mut input = vec![0.0; shape.len()];
    preprocessor.run(&frame, &mut input).unwrap();
    for (x, y) in [(0, 0), (shape.width - 1, 0), (17, 300), (shape.width - 1, shape.height - 1)] {
        check(&input, y * shape.width + x, expected(&bytes, x, y));
    }
    let mut group = c.benchmark_group("preprocess");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function(name, |b| b.iter(|| preprocessor.run(black_box(&frame), black_box(&mut input))));
    group.finish();
}

fn preprocess(c: &mut Criterion) {
    let width = WIDTH_PX as usize;
    bench_case(c, "gray_1280x1024", PixelFormat::Gray8, 1.0, |b, x, y| f32::from(b[y * width + x]));
    bench_case(c, "rgb_to_gray_1280x1024", PixelFormat::Rgb8, 1.0, |b, x, y| {
        let p = &b[(y * width + x) * 3..][..3];
        0.2989 * f32::from(p[0]) + 0.5870 * f32::from(p[1]) + 0.1140 * f32::from(p[2])
    });
    bench_case(c, "gray_half_scale_1280x1024", PixelFormat::Gray8, 0.5, |b, x, y| {
        let at = 2 * y * width + 2 * x;
        [at, at + 1, at + width, at + width + 1].map(|i| f32::from(b[i])).iter().sum::<f32>() / 4.0
    });
}

criterion_group!(benches, preprocess);
criterion_main!(benches);
