//! What our CPU engine makes of a network at one size: its steps, the method of each, and where everything lies in memory.

use super::Description;
use crate::cli::text::bytes;
use anyhow::{Context as _, bail};
use dormouse::Bundle;
use dormouse::config::{INSTANCE_NETWORK, NetworkConfig};
use dormouse::engine::cpu::{CpuEngine, CpuNetwork};
use dormouse::preprocess::{InputShape, Preprocessor};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;

/// Width and height in pixels.
type Size = (usize, usize);

/// A network prepared as it would run.
struct Prepared {
    name: String,
    input: InputShape,
    /// Images that one run takes at most.
    images: usize,
    engine: CpuEngine,
}

/// Describes every network of a bundle, or the one of an ONNX file.
///
/// Without `size`, whole frames are those of the bundle's self-test, and crops have the size that the bundle says.
pub(super) fn describe(path: &Path, size: Option<Size>, threads: usize) -> anyhow::Result<Description> {
    let file = || path.display().to_string();
    let content = std::fs::read(path).with_context(file)?;
    let prepared = if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("dorm")) {
        let bundle = Bundle::from_bytes(&content).with_context(file)?;
        let networks = bundle.config().networks.iter();
        networks.map(|network| prepare_from(&bundle, network, size, threads)).collect::<anyhow::Result<Vec<_>>>()
    } else {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        prepare_file(name, &content, size, threads).map(|prepared| vec![prepared])
    };
    let prepared = prepared.with_context(file)?;
    let mut text = String::new();
    for (index, network) in prepared.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        write_text(network, &mut text)?;
    }
    let values: Vec<Value> = prepared.iter().map(value).collect();
    Ok((json!({ "kind": "graph", "engine": "cpu", "networks": values }), text))
}

fn prepare_from(bundle: &Bundle<'_>, network: &NetworkConfig, size: Option<Size>, threads: usize) -> anyhow::Result<Prepared> {
    let (config, channels) = (bundle.config(), network.preprocess.color.channels());
    let top_down = config.top_down.as_ref().filter(|_| network.name == INSTANCE_NETWORK);
    let (input, images) = match (top_down, size, bundle.self_test()?) {
        (Some(top_down), ..) => {
            let side = top_down.crop_size_px as usize;
            (InputShape { channels, height: side, width: side }, config.limits.max_instances as usize)
        }
        (None, Some((width, height)), _) => (InputShape { channels, height, width }, 1),
        (None, None, Some(test)) => (Preprocessor::new(&network.preprocess, test.width_px, test.height_px)?.shape(), 1),
        (None, None, None) => bail!("the bundle has no self-test that tells a frame's size: give --size WIDTHxHEIGHT"),
    };
    prepare(network.name.clone(), bundle.network(&network.name)?, input, (images, threads))
}

fn prepare_file(name: String, onnx: &[u8], size: Option<Size>, threads: usize) -> anyhow::Result<Prepared> {
    let Some((width, height)) = size else { bail!("a network fits many sizes: give --size WIDTHxHEIGHT") };
    let channels = CpuNetwork::load_whole(onnx, 1)?.input_channels().unwrap_or(1);
    prepare(name, onnx, InputShape { channels, height, width }, (1, threads))
}

fn prepare(name: String, onnx: &[u8], input: InputShape, (images, threads): (usize, usize)) -> anyhow::Result<Prepared> {
    let engine = CpuNetwork::load_whole(onnx, threads).and_then(|network| network.prepare_cpu(input, images));
    let engine =
        engine.with_context(|| format!("engine cpu does not run network \"{name}\" at {}x{}", input.width, input.height))?;
    Ok(Prepared { name, input, images, engine })
}

fn gflop(flop: u64) -> f64 {
    flop as f64 / 1e9
}

fn total_gflop(engine: &CpuEngine) -> f64 {
    gflop(engine.steps().map(|s| s.flop).sum())
}

fn value(network: &Prepared) -> Value {
    let Prepared { name, input, images, engine } = network;
    let step = |s: dormouse::engine::cpu::StepInfo<'_>| json!({ "node": s.node, "op": s.op, "shape": s.shape, "method": s.method, "flop": s.flop, "weight_bytes": s.bytes, "written_bytes": s.written });
    let plan = engine.memory_plan();
    let buffer = |p: &dormouse::graph::Placement| {
        let b = &p.buffer;
        json!({ "name": b.name, "offset": p.offset_bytes, "bytes": b.bytes, "first_step": b.first, "last_step": b.last })
    };
    json!({
        "name": name, "input": [input.channels, input.height, input.width], "images": images,
        "isa": engine.isa().name(), "threads": engine.threads(), "gflop": total_gflop(engine), "weight_bytes": engine.weight_bytes(),
        "steps": engine.steps().map(step).collect::<Vec<_>>(),
        "peak_bytes": plan.peak_bytes(), "least_bytes": plan.least_bytes(),
        "buffers": plan.placements().iter().map(buffer).collect::<Vec<_>>(),
    })
}

fn write_text(network: &Prepared, text: &mut String) -> std::fmt::Result {
    let Prepared { name, input, images, engine } = network;
    let InputShape { channels, height, width } = input;
    writeln!(
        text,
        "network {name}: input {channels} x {height} x {width}, {images} image(s) a run, engine cpu ({}), {} thread(s)\n",
        engine.isa(),
        engine.threads()
    )?;
    let width = engine.steps().map(|s| s.node.chars().count()).max().unwrap_or(0).max(4);
    writeln!(
        text,
        "{:>4}  {:width$}  {:<13}  {:<16}  {:>16}  {:>8}  {:>9}  {:>9}",
        "step", "node", "operator", "method", "makes", "GFLOP", "weights", "writes"
    )?;
    for (index, s) in engine.steps().enumerate() {
        let [channels, rows, columns] = s.shape;
        let makes = format!("{channels} x {rows} x {columns}");
        let work = if s.flop == 0 { String::new() } else { format!("{:.3}", gflop(s.flop)) };
        let weights = if s.bytes == 0 { String::new() } else { bytes(s.bytes) };
        writeln!(
            text,
            "{index:>4}  {:width$}  {:<13}  {:<16}  {makes:>16}  {work:>8}  {weights:>9}  {:>9}",
            s.node,
            s.op,
            s.method,
            bytes(s.written)
        )?;
    }
    let plan = engine.memory_plan();
    writeln!(text, "\nmemory plan\n{plan}\n")?;
    writeln!(
        text,
        "in all {:.3} GFLOP an image, {} of weights, {} of maps and scratch",
        total_gflop(engine),
        bytes(engine.weight_bytes()),
        bytes(plan.peak_bytes())
    )
}
