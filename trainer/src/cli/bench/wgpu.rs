//! Timing engine wgpu.

use super::measure::{GpuMeasured, Layer, Measured, Order, millis, noise, summary, time};
use dormouse::engine::Engine as _;
use dormouse::engine::wgpu::{Dispatch, Gpu, WgpuEngine, WgpuNetwork};
use dormouse::preprocess::InputShape;
use std::time::Instant;

/// Most frames whose dispatches are timed one by one.
const TIMED_FRAMES: usize = 50;

/// Opens the GPU, prepares the network since `start` and times it on noise.
pub(super) fn measure(onnx: &[u8], input: InputShape, order: &Order, start: Instant) -> anyhow::Result<Measured> {
    let gpu = Gpu::open_with(order.allow_software, order.pipeline_cache.as_deref())?;
    let network = WgpuNetwork::load_whole(&gpu, onnx)?.with_precision(order.precision)?;
    let mut engine = network.prepare_wgpu(input, 1)?;
    let prepare_ms = millis(start);
    let noise = noise(input.len());
    let (first_ms, times) = time(order.frames, || engine.run(&noise, 1))?;
    let best_ms = best_of_dispatches(&mut engine, order.frames)?;
    let (program, report) = (engine.program(), gpu.report());
    let mut measured = summary(order, "wgpu", (prepare_ms, first_ms), times);
    measured.threads = 1;
    measured.arena_bytes = usize::try_from(program.arena_bytes()).ok();
    measured.weight_bytes = Some(program.constant_bytes());
    let gflop = program.flop() as f64 / 1e9;
    measured.gpu = Some(GpuMeasured {
        adapter: report.name.clone(),
        driver: report.driver.clone(),
        api: report.api,
        software: report.software,
        pipelines: gpu.pipeline_cache().map(Into::into),
        precision: order.precision.name(),
        dispatches: program.dispatches().len(),
        gflop,
        moved_bytes: program.moved_bytes(),
        least_bytes: program.least_bytes(),
        dispatches_ms: best_ms.as_ref().map(|ms| ms.iter().sum()),
        gflop_per_s: gflop / (measured.p50_ms / 1e3).max(1e-9),
        table: program.to_string(),
    });
    let layer = |(dispatch, min_ms): (&Dispatch, f64)| Layer {
        node: dispatch.node.clone(),
        method: dispatch.kernel.name().to_owned(),
        gflop: dispatch.flop as f64 / 1e9,
        min_ms,
        gflop_per_s: dispatch.flop as f64 / min_ms.max(1e-6) / 1e6,
    };
    measured.layers = program.dispatches().iter().zip(best_ms.unwrap_or_default()).map(layer).collect();
    Ok(measured)
}

/// Fastest of some frames for each dispatch, by the device's clock; `None` if the adapter has none.
fn best_of_dispatches(engine: &mut WgpuEngine, frames: usize) -> anyhow::Result<Option<Vec<f64>>> {
    let mut best: Option<Vec<f64>> = None;
    for _ in 0..frames.clamp(1, TIMED_FRAMES) {
        let Some(times) = engine.time_dispatches()? else { return Ok(None) };
        best = Some(match best {
            Some(best) => best.into_iter().zip(times).map(|(a, b)| a.min(b)).collect(),
            None => times,
        });
    }
    Ok(best)
}
