//! Timing whole frames: from a frame's bytes to poses, one by one and two at a time.

use super::measure::{Order, millis, noise, rank};
use anyhow::Context as _;
use dormouse::{Bundle, Error, Estimator, Frame, Options, PixelFormat, Stage};
use serde::Serialize;
use std::time::Instant;

/// Most frames whose stages are timed by the device's clock.
const TIMED_FRAMES: usize = 20;

/// What was found, times in milliseconds.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Whole {
    pub backend: &'static str,
    /// How maps and weights are kept.
    pub precision: &'static str,
    /// Why it is no GPU, where one was looked for.
    pub fallback: Option<String>,
    /// Bytes of a pixel.
    pub pixel_bytes: usize,
    /// Animals in a frame.
    pub animals: usize,
    pub first_ms: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
    /// Means by the caller's clock. Engines that do all up to the peaks have no preprocessing of their own.
    pub preprocess_ms: f64,
    pub infer_ms: f64,
    pub decode_ms: f64,
    /// Engines with a device of their own.
    pub device: Option<Device>,
    /// Two frames on their way.
    pub camera_loop: Option<CameraLoop>,
}

/// What an engine with a device says of a frame.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Device {
    pub adapter: String,
    pub software: bool,
    pub dispatches: usize,
    pub upload_bytes: usize,
    pub read_bytes: usize,
    /// Name and time of each stage by the device's clock, the least of some frames.
    pub stages: Vec<(&'static str, f64)>,
}

/// Frames submitted while the one before them is on its way.
#[derive(Debug, Clone, Serialize)]
pub(super) struct CameraLoop {
    pub frames_per_s: f64,
    /// From submitting a frame to its poses.
    pub p50_ms: f64,
    pub p99_ms: f64,
}

/// Prepares a bundle for frames of the size ordered and times it.
pub(super) fn measure(bundle: &Bundle<'_>, order: &Order, camera_loop: bool) -> anyhow::Result<Whole> {
    let (width_px, height_px) = (u32::try_from(order.width_px)?, u32::try_from(order.height_px)?);
    let (format, pixels) = picture(bundle, order)?;
    let options = Options {
        backend: order.backend,
        threads: order.threads,
        allow_software: order.allow_software,
        precision: order.precision,
        frame_px: Some((width_px, height_px)),
        pipeline_cache: order.pipeline_cache.clone(),
        in_flight: camera_loop.then_some(format),
        ..Options::default()
    };
    let mut estimator = Estimator::new(bundle, &options).context("whole frames")?;
    let frame = Frame::packed(format, &pixels, width_px, height_px)?;
    let (mut times, mut stages, mut animals) = (Vec::with_capacity(order.frames), [0.0; 3], 0);
    let start = Instant::now();
    estimator.estimate(&frame)?;
    let first_ms = millis(start);
    for _ in 0..order.frames {
        let start = Instant::now();
        let mut last = start;
        let poses = estimator.estimate_observed(&frame, &mut |stage| {
            let index = [Stage::Preprocess, Stage::Infer, Stage::Decode].iter().position(|s| *s == stage);
            stages[index.unwrap_or(0)] += millis(last);
            last = Instant::now();
        })?;
        animals = poses.len();
        times.push(millis(start));
    }
    times.sort_by(f64::total_cmp);
    let device = device(&mut estimator, order.frames)?;
    let flying = camera_loop.then(|| fly(&mut estimator, &frame, order.frames)).transpose()?;
    let [preprocess_ms, infer_ms, decode_ms] = stages.map(|sum| sum / order.frames as f64);
    Ok(Whole {
        backend: estimator.backend().name(),
        precision: estimator.precision().name(),
        fallback: estimator.fallback().map(|reason| reason.to_string()),
        pixel_bytes: format.bytes_per_pixel(),
        animals,
        first_ms,
        p50_ms: rank(&times, 0.5),
        p99_ms: rank(&times, 0.99),
        max_ms: rank(&times, 1.0),
        preprocess_ms,
        infer_ms,
        decode_ms,
        device,
        camera_loop: flying,
    })
}

/// The frame of the self-test beside and below itself, or gray noise.
fn picture(bundle: &Bundle<'_>, order: &Order) -> anyhow::Result<(PixelFormat, Vec<u8>)> {
    let (width, height) = (order.width_px, order.height_px);
    let Some(test) = bundle.self_test()? else {
        let levels = noise(width * height).iter().map(|x| (x * 256.0) as u8).collect();
        return Ok((PixelFormat::Gray8, levels));
    };
    let (tile, bytes) = (test.frame()?, test.format.bytes_per_pixel());
    let mut pixels = Vec::with_capacity(width * height * bytes);
    for y in 0..order.height_px {
        let row = tile.row((y % tile.height_px() as usize) as u32);
        pixels.extend(row.iter().cycle().take(width * bytes));
    }
    Ok((test.format, pixels))
}

fn device(estimator: &mut Estimator, frames: usize) -> Result<Option<Device>, Error> {
    let Some(report) = estimator.device_report()? else { return Ok(None) };
    let mut stages: Vec<_> = report.stage_ms.iter().map(|(stage, ms)| (stage.name(), *ms)).collect();
    for _ in 1..frames.min(TIMED_FRAMES) {
        let Some(again) = estimator.device_report()? else { break };
        for ((_, least), (_, ms)) in stages.iter_mut().zip(again.stage_ms) {
            *least = least.min(ms);
        }
    }
    Ok(Some(Device {
        adapter: report.adapter,
        software: report.software,
        dispatches: report.dispatches,
        upload_bytes: report.upload_bytes,
        read_bytes: report.read_bytes,
        stages,
    }))
}

/// A loop that submits a frame and then waits for the one before it.
fn fly(estimator: &mut Estimator, frame: &Frame<'_>, frames: usize) -> Result<CameraLoop, Error> {
    let mut times = Vec::with_capacity(frames);
    let begin = Instant::now();
    let mut submitted = begin;
    estimator.submit(frame)?;
    for _ in 1..frames.max(2) {
        let next = Instant::now();
        estimator.submit(frame)?;
        estimator.finish()?;
        times.push(millis(submitted));
        submitted = next;
    }
    estimator.finish()?;
    times.push(millis(submitted));
    let seconds = begin.elapsed().as_secs_f64().max(1e-9);
    let frames_per_s = times.len() as f64 / seconds;
    times.sort_by(f64::total_cmp);
    Ok(CameraLoop { frames_per_s, p50_ms: rank(&times, 0.5), p99_ms: rank(&times, 0.99) })
}
