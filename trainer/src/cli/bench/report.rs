//! The figures for people.

use super::measure::{GpuMeasured, Measured};
use super::whole::Whole;
use crate::report::number_of;
use dormouse::{Backend, Precision};
use std::fmt::Write as _;

/// A table of the times and, with `layers`, one line per step.
pub(super) fn text(measured: &Measured, layers: bool) -> String {
    let m = measured;
    let mut text = String::new();
    let isa = m.isa.map(|isa| format!(" ({isa})")).unwrap_or_default();
    let threads = number_of(m.threads, "thread");
    if let Some(gpu) = &m.gpu {
        text.push_str(&adapter(gpu));
    }
    let half = if m.gpu.as_ref().is_some_and(|gpu| gpu.precision == Precision::Half.name()) { ", half precision" } else { "" };
    let _ = writeln!(text, "{}{isa}{half}, {threads}, {}x{} px, {} frames", m.backend, m.width_px, m.height_px, m.frames);
    let _ = writeln!(text, "  prepare     {:9.2} ms", m.prepare_ms);
    if let Some(pipelines) = m.gpu.as_ref().and_then(|gpu| gpu.pipelines.as_ref()) {
        let _ = writeln!(text, "  pipelines   {}", pipelines.text);
    }
    let _ = writeln!(text, "  first frame {:9.2} ms", m.first_ms);
    let rows = [("p50", m.p50_ms), ("p90", m.p90_ms), ("p99", m.p99_ms), ("p99.9", m.p999_ms), ("max", m.max_ms)];
    for (name, ms) in rows {
        let _ = writeln!(text, "  {name:11} {ms:9.2} ms");
    }
    let mb = |bytes: usize| bytes as f64 / 1e6;
    if let (Some(arena), Some(weights)) = (m.arena_bytes, m.weight_bytes) {
        let _ = writeln!(text, "  memory      {:9.1} MB of maps, {:.1} MB of weights", mb(arena), mb(weights));
    }
    if let (Some(peak), Some(start)) = (m.process_peak_bytes, m.process_start_bytes) {
        let more = mb(peak.saturating_sub(start));
        let _ =
            writeln!(text, "  program     {:9.1} MB at its peak, {more:.1} MB more than before it read the network", mb(peak));
    }
    if let Some(gpu) = &m.gpu {
        let _ = writeln!(
            text,
            "  work        {} dispatches, {:.3} GFLOP; {:.1} MB moved a frame, the least is {:.1} MB",
            gpu.dispatches,
            gpu.gflop,
            gpu.moved_bytes as f64 / 1e6,
            gpu.least_bytes as f64 / 1e6
        );
        let _ = writeln!(text, "  dispatches  {}", dispatches(gpu));
        let _ = writeln!(text, "  speed       {:9.1} GFLOP/s at the median, upload and read-back included", gpu.gflop_per_s);
        if layers {
            let _ = writeln!(text, "\n{}", gpu.table);
        }
    }
    if layers && !m.layers.is_empty() {
        let width = m.layers.iter().map(|l| l.node.chars().count()).max().unwrap_or(0).max(4);
        let _ = writeln!(text, "\n  {:width$}  {:15}  {:>8}  {:>7}  {:>7}", "node", "method", "best ms", "GFLOP", "GFLOP/s");
        for layer in &m.layers {
            let speed = if layer.gflop > 0.0 { format!("{:7.4}  {:7.1}", layer.gflop, layer.gflop_per_s) } else { String::new() };
            let _ = writeln!(text, "  {:width$}  {:15}  {:8.3}  {speed}", layer.node, layer.method, layer.min_ms);
        }
    }
    if let Some(whole) = &m.whole {
        text.push_str(&whole_frames(whole));
    }
    text
}

/// Frames from their bytes to poses.
fn whole_frames(whole: &Whole) -> String {
    let w = whole;
    let (bytes, animals) = (number_of(w.pixel_bytes, "byte"), number_of(w.animals, "animal"));
    let half = if w.precision == Precision::Half.name() { ", half precision (the self-test agrees)" } else { "" };
    let mut text = format!("\nwhole frames on {}{half}, {bytes} a pixel, {animals} in each\n", w.backend);
    if let Some(reason) = &w.fallback {
        let instead = if w.backend == Backend::Wgpu.name() { "in single precision" } else { "not on a GPU" };
        let _ = writeln!(text, "  {instead}: {reason}");
    }
    let rows = [("first frame", w.first_ms), ("p50", w.p50_ms), ("p99", w.p99_ms), ("max", w.max_ms)];
    for (name, ms) in rows {
        let _ = writeln!(text, "  {name:11} {ms:9.2} ms");
    }
    let (pre, infer, decode) = (w.preprocess_ms, w.infer_ms, w.decode_ms);
    let _ = writeln!(
        text,
        "  on average  {pre:9.2} ms of preprocessing, {infer:.2} ms of the engine, {decode:.2} ms of decoding, on the CPU's clock"
    );
    if let Some(device) = &w.device {
        let warning = if device.software { "; these times are not a GPU's" } else { "" };
        let _ = writeln!(text, "  device      {}{warning}", device.adapter);
        let _ = writeln!(
            text,
            "  a frame     {:9.1} KB up, {:.1} KB back, {} dispatches, one submission",
            device.upload_bytes as f64 / 1e3,
            device.read_bytes as f64 / 1e3,
            device.dispatches
        );
        for (stage, ms) in &device.stages {
            let _ = writeln!(text, "  {stage:11} {ms:9.3} ms by the device's clock");
        }
    }
    if let Some(flying) = &w.camera_loop {
        let _ = writeln!(
            text,
            "  two at once {:9.1} frames/s; {:.2} ms from a frame to its poses, p99 {:.2} ms",
            flying.frames_per_s, flying.p50_ms, flying.p99_ms
        );
    }
    text
}

/// Time on the device alone.
fn dispatches(gpu: &GpuMeasured) -> String {
    let Some(ms) = gpu.dispatches_ms else { return "not timed: the adapter has no timestamps".to_owned() };
    let seconds = (ms / 1e3).max(1e-9);
    let (speed, rate) = (gpu.gflop / seconds, gpu.moved_bytes as f64 / 1e9 / seconds);
    format!("{ms:9.3} ms by the device's clock, the fastest of each: {speed:.1} GFLOP/s, {rate:.1} GB/s")
}

/// Where engine wgpu ran. A software adapter is not passed off as a GPU.
fn adapter(gpu: &GpuMeasured) -> String {
    let warning =
        if gpu.software { "SOFTWARE ADAPTER: the CPU computes what a GPU should; these times are not a GPU's\n" } else { "" };
    format!("{warning}adapter {}, driver {}, {}\n", gpu.adapter, gpu.driver, gpu.api)
}
