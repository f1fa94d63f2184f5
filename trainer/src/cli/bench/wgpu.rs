//! Timing engine wgpu.

use super::measure::{GpuMeasured, Measured, Order, millis, noise, summary, time};
use dormouse::engine::Engine as _;
use dormouse::engine::wgpu::{Gpu, WgpuNetwork};
use dormouse::preprocess::InputShape;
use std::time::Instant;

/// Opens the GPU, prepares the network since `start` and times it on noise.
pub(super) fn measure(onnx: &[u8], input: InputShape, order: &Order, start: Instant) -> anyhow::Result<Measured> {
    let gpu = Gpu::open(order.allow_software)?;
    let mut engine = WgpuNetwork::load_whole(&gpu, onnx)?.prepare_wgpu(input, 1)?;
    let prepare_ms = millis(start);
    let noise = noise(input.len());
    let (first_ms, times) = time(order.frames, || engine.run(&noise, 1))?;
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
        dispatches: program.dispatches().len(),
        gflop,
        moved_bytes: program.moved_bytes(),
        gflop_per_s: gflop / (measured.p50_ms / 1e3).max(1e-9),
        table: program.to_string(),
    });
    Ok(measured)
}
