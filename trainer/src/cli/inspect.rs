//! `dormouse inspect`: what is in a file.

mod bundle;
mod graph;
#[cfg(feature = "wgpu")]
mod kernels;
mod labels;
mod onnx;

use super::bench::parse_size;
use super::output::print_result;
use anyhow::{bail, ensure};
use clap::Args;
use dormouse::Precision;
use serde_json::Value;
use std::path::PathBuf;

/// Arguments of `dormouse inspect`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dormouse inspect flies.dorm
  dormouse inspect labels.slp
  dormouse inspect pose.onnx --json
  dormouse inspect --graph flies.dorm                      # steps, methods and memory of engine cpu
  dormouse inspect --graph pose.onnx --size 384x384 --threads 2
  dormouse inspect flies.dorm --kernels 384x384            # kernels of engine wgpu; a build with --features wgpu
  dormouse inspect flies.dorm --kernels 384x384 --half     # the bytes of numbers of 16 bits")]
pub(super) struct InspectArgs {
    /// Bundle (.dorm), labels (.slp) or network (.onnx)
    file: PathBuf,
    /// Show what engine cpu makes of each network: steps, methods, memory plan
    #[arg(long)]
    graph: bool,
    /// Size of the network's input in pixels, WIDTHxHEIGHT; bundles know one, from their self-test
    #[arg(long, value_parser = parse_size, requires = "graph")]
    size: Option<(usize, usize)>,
    /// Threads of the engine, each with scratch memory of its own
    #[arg(long, default_value_t = 1, requires = "graph", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: u16,
    /// Show what engine wgpu would run for an input of this size in pixels, WIDTHxHEIGHT, in place of the description; no GPU is
    /// needed
    #[arg(long, value_parser = parse_size, conflicts_with = "graph")]
    kernels: Option<(usize, usize)>,
    /// With maps and weights in 16 bits
    #[arg(long, requires = "kernels")]
    half: bool,
    /// Print one JSON line
    #[arg(long)]
    json: bool,
}

/// A description twice: for programs and for people.
type Description = (Value, String);

pub(super) fn run(args: &InspectArgs) -> anyhow::Result<u8> {
    let ending = args.file.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
    ensure!(
        !args.graph || matches!(ending.as_deref(), Some("dorm" | "onnx")),
        "--graph is for networks: {} ends neither in .dorm nor in .onnx",
        args.file.display()
    );
    ensure!(
        args.kernels.is_none() || matches!(ending.as_deref(), Some("dorm" | "onnx")),
        "--kernels is for networks: {} ends neither in .dorm nor in .onnx",
        args.file.display()
    );
    if let Some(size) = args.kernels {
        let (value, text) = kernels(&args.file, size, if args.half { Precision::Half } else { Precision::Single })?;
        print_result(args.json, &value, &text)?;
        return Ok(0);
    }
    let (value, text) = match ending.as_deref() {
        _ if args.graph => graph::describe(&args.file, args.size, usize::from(args.threads))?,
        Some("dorm") => bundle::describe(&args.file)?,
        Some("slp") => labels::describe(&args.file)?,
        Some("onnx") => onnx::describe(&args.file)?,
        _ => bail!("{}: the ending must be .dorm, .slp or .onnx", args.file.display()),
    };
    print_result(args.json, &value, &text)?;
    Ok(0)
}

#[cfg(feature = "wgpu")]
fn kernels(file: &std::path::Path, size: (usize, usize), precision: Precision) -> anyhow::Result<Description> {
    kernels::describe(file, size, precision)
}

#[cfg(not(feature = "wgpu"))]
fn kernels(_file: &std::path::Path, _size: (usize, usize), _precision: Precision) -> anyhow::Result<Description> {
    bail!(dormouse::Error::EngineMissing("wgpu"))
}
