//! Preparing an engine and timing it.

use super::interface::{input_channels, output_specs};
use crate::terminal::tell;
#[cfg(not(feature = "wgpu"))]
use anyhow::bail;
use dormouse::bundle::NetworkBytes;
use dormouse::engine::cpu::{CpuEngine, CpuNetwork, Isa};
use dormouse::engine::{EngineOptions, PipelineCacheReport, load_network};
use dormouse::preprocess::InputShape;
use dormouse::{Backend, Precision};
use serde::Serialize;
use std::time::Instant;

/// What is to be timed.
pub(super) struct Order {
    pub backend: Backend,
    pub threads: usize,
    pub frames: usize,
    pub width_px: usize,
    pub height_px: usize,
    pub isa: Option<Isa>,
    pub allow_software: bool,
    /// Where engine wgpu keeps compiled pipelines.
    pub pipeline_cache: Option<String>,
    /// How engine wgpu keeps maps and weights.
    pub precision: Precision,
    /// Memory of this program before it read the network; known on Linux.
    pub start_bytes: Option<usize>,
}

/// What was found, times in milliseconds.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Measured {
    pub backend: &'static str,
    /// Instructions of engine cpu.
    pub isa: Option<&'static str>,
    pub threads: usize,
    pub width_px: usize,
    pub height_px: usize,
    pub frames: usize,
    pub prepare_ms: f64,
    pub first_ms: f64,
    pub p50_ms: f64,
    pub p90_ms: f64,
    pub p99_ms: f64,
    pub p999_ms: f64,
    pub max_ms: f64,
    pub min_ms: f64,
    /// Bytes that a run of engine cpu writes, and bytes of its packed weights.
    pub arena_bytes: Option<usize>,
    pub weight_bytes: Option<usize>,
    /// Most memory that this program had at any time, preparation included; known on Linux.
    pub process_peak_bytes: Option<usize>,
    /// The same before it read the network.
    pub process_start_bytes: Option<usize>,
    /// Steps of engine cpu, or dispatches of engine wgpu where the adapter can time them.
    pub layers: Vec<Layer>,
    /// What engine wgpu ran on and what it ran.
    pub gpu: Option<GpuMeasured>,
    /// Frames from their bytes to poses.
    pub whole: Option<super::whole::Whole>,
}

/// What is known of a run of engine wgpu beside its times.
#[derive(Debug, Clone, Serialize)]
pub(super) struct GpuMeasured {
    pub adapter: String,
    pub driver: String,
    pub api: &'static str,
    /// The adapter computes on the CPU: the times say nothing about a GPU.
    pub software: bool,
    /// The file of compiled pipelines that the preparation began with, if one was named.
    pub pipelines: Option<Pipelines>,
    /// How maps and weights are kept.
    pub precision: &'static str,
    pub dispatches: usize,
    pub gflop: f64,
    /// Bytes that a frame moves, each map and weight once a dispatch.
    pub moved_bytes: u64,
    /// The fewest bytes that a plan of one layer after another can move.
    pub least_bytes: u64,
    /// Time of all dispatches by the device's clock, the fastest of each; what a frame takes beyond it is upload, read-back and
    /// waiting.
    pub dispatches_ms: Option<f64>,
    /// Operations of a frame by its median time, upload and read-back included.
    pub gflop_per_s: f64,
    /// One line a dispatch.
    pub table: String,
}

/// What became of the file of compiled pipelines.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Pipelines {
    pub read_bytes: usize,
    pub written_bytes: usize,
    /// Why it was not read or not written.
    pub fault: Option<String>,
    /// The same in words.
    #[serde(skip)]
    pub text: String,
}

impl From<PipelineCacheReport> for Pipelines {
    fn from(report: PipelineCacheReport) -> Self {
        let text = report.to_string();
        let PipelineCacheReport { read_bytes, written_bytes, fault } = report;
        Self { read_bytes, written_bytes, fault, text }
    }
}

/// One step of engine cpu or dispatch of engine wgpu.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Layer {
    pub node: String,
    pub method: String,
    /// Operations by the operator's definition, whatever the method saves.
    pub gflop: f64,
    /// Fastest of all frames.
    pub min_ms: f64,
    pub gflop_per_s: f64,
}

/// Prepares the network and times it on noise.
pub(super) fn measure(onnx: NetworkBytes, order: &Order) -> anyhow::Result<Measured> {
    let start = Instant::now();
    let channels = input_channels(&onnx)?;
    let input = InputShape { channels, height: order.height_px, width: order.width_px };
    match order.backend {
        Backend::Wgpu => return measure_wgpu(&onnx, input, order, start),
        Backend::Auto if cfg!(feature = "wgpu") => match measure_wgpu(&onnx, input, order, start) {
            Ok(measured) => return Ok(measured),
            Err(error) => tell(format_args!("note: no GPU is timed: {error:#}")),
        },
        _ => {}
    }
    // What was tried on a GPU is not the CPU's time.
    let start = Instant::now();
    if order.backend != Backend::Tract {
        match CpuNetwork::load_whole(onnx.clone(), order.threads) {
            Ok(network) => {
                let network = network.with_isa(order.isa.unwrap_or_else(Isa::best));
                let mut engine = network.prepare_cpu(input, 1)?;
                // As a program for one size does: frames need the engine alone.
                drop((network, onnx));
                let prepare_ms = millis(start);
                return time_cpu(&mut engine, input, order, prepare_ms);
            }
            Err(error) if order.backend == Backend::Cpu || order.isa.is_some() => return Err(error.into()),
            Err(error) => tell(format_args!("engine cpu does not run this network ({error}); timing tract")),
        }
    }
    let options = EngineOptions { backend: Backend::Tract, threads: order.threads, ..EngineOptions::default() };
    let network = load_network(&options, onnx.clone(), output_specs(&onnx, input)?)?;
    let mut engine = network.prepare(input, 1)?;
    let prepare_ms = millis(start);
    let noise = noise(input.len());
    let (first_ms, times) = time(order.frames, || engine.run(&noise, 1))?;
    Ok(summary(order, "tract", (prepare_ms, first_ms), times))
}

#[cfg(feature = "wgpu")]
fn measure_wgpu(onnx: &[u8], input: InputShape, order: &Order, start: Instant) -> anyhow::Result<Measured> {
    super::wgpu::measure(onnx, input, order, start)
}

#[cfg(not(feature = "wgpu"))]
fn measure_wgpu(_onnx: &[u8], _input: InputShape, _order: &Order, _start: Instant) -> anyhow::Result<Measured> {
    bail!(dormouse::Error::EngineMissing("wgpu"))
}

fn time_cpu(engine: &mut CpuEngine, input: InputShape, order: &Order, prepare_ms: f64) -> anyhow::Result<Measured> {
    let noise = noise(input.len());
    let mut best_ms = vec![f64::INFINITY; engine.steps().len()];
    let (first_ms, times) = time(order.frames, || {
        let mut last = Instant::now();
        engine.run_observed(&noise, 1, &mut |step| {
            best_ms[step] = best_ms[step].min(millis(last));
            last = Instant::now();
        })
    })?;
    let layer = |(step, min_ms): (dormouse::engine::cpu::StepInfo<'_>, f64)| Layer {
        node: step.node.to_owned(),
        method: step.method.to_owned(),
        gflop: step.flop as f64 / 1e9,
        min_ms,
        gflop_per_s: step.flop as f64 / min_ms.max(1e-6) / 1e6,
    };
    let mut measured = summary(order, "cpu", (prepare_ms, first_ms), times);
    measured.isa = Some(engine.isa().name());
    measured.threads = engine.threads();
    measured.arena_bytes = Some(engine.arena_bytes());
    measured.weight_bytes = Some(engine.weight_bytes());
    measured.layers = engine.steps().zip(best_ms).map(layer).collect();
    Ok(measured)
}

/// The first frame's time, and those of the others in ascending order.
pub(super) fn time(frames: usize, mut run: impl FnMut() -> Result<(), dormouse::Error>) -> anyhow::Result<(f64, Vec<f64>)> {
    let mut once = || {
        let start = Instant::now();
        run().map(|()| millis(start))
    };
    let first = once()?;
    let mut times = (0..frames).map(|_| once()).collect::<Result<Vec<_>, _>>()?;
    times.sort_by(f64::total_cmp);
    Ok((first, times))
}

/// The time that a share of the frames does not exceed, of times in ascending order. Nearest rank: one that was really seen.
pub(super) fn rank(times: &[f64], share: f64) -> f64 {
    times.get(((times.len() as f64 * share).ceil() as usize).saturating_sub(1)).copied().unwrap_or(0.0)
}

pub(super) fn summary(order: &Order, backend: &'static str, (prepare_ms, first_ms): (f64, f64), times: Vec<f64>) -> Measured {
    let rank = |p: f64| rank(&times, p);
    Measured {
        backend,
        isa: None,
        threads: order.threads,
        width_px: order.width_px,
        height_px: order.height_px,
        frames: times.len(),
        prepare_ms,
        first_ms,
        p50_ms: rank(0.5),
        p90_ms: rank(0.9),
        p99_ms: rank(0.99),
        p999_ms: rank(0.999),
        max_ms: rank(1.0),
        min_ms: times.first().copied().unwrap_or(0.0),
        arena_bytes: None,
        weight_bytes: None,
        process_peak_bytes: process_bytes("VmHWM:"),
        process_start_bytes: order.start_bytes,
        layers: Vec::new(),
        gpu: None,
        whole: None,
    }
}

/// A field of proc(5): `VmRSS:` is the resident set of this program, `VmHWM:` its largest.
pub(super) fn process_bytes(field: &str) -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes = status.lines().find_map(|line| line.strip_prefix(field))?.trim().strip_suffix(" kB")?;
    kilobytes.trim().parse::<usize>().ok()?.checked_mul(1024)
}

pub(super) fn millis(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

/// Numbers from 0 to 1 that look random and are the same every time.
pub(super) fn noise(len: usize) -> Vec<f32> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32
    };
    (0..len).map(|_| next()).collect()
}
