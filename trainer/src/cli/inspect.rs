//! `dormouse inspect`: what is in a file.

mod bundle;
#[cfg(feature = "wgpu")]
mod kernels;
mod labels;
mod onnx;

use super::output::print_result;
use anyhow::bail;
use clap::Args;
use serde_json::Value;
use std::path::PathBuf;

/// Arguments of `dormouse inspect`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dormouse inspect flies.dorm
  dormouse inspect labels.slp
  dormouse inspect pose.onnx --json
  dormouse inspect flies.dorm --kernels 384x384     # a build with --features wgpu")]
pub(super) struct InspectArgs {
    /// Bundle (.dorm), labels (.slp) or network (.onnx)
    file: PathBuf,
    /// Show what engine wgpu would run for an input of this size in pixels, WIDTHxHEIGHT, in place of the description; no GPU is
    /// needed
    #[arg(long, value_parser = super::bench::parse_size)]
    kernels: Option<(usize, usize)>,
    /// Print one JSON line
    #[arg(long)]
    json: bool,
}

/// A description twice: for programs and for people.
type Description = (Value, String);

pub(super) fn run(args: &InspectArgs) -> anyhow::Result<u8> {
    let ending = args.file.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
    let (value, text) = match (ending.as_deref(), args.kernels) {
        (Some("dorm" | "onnx"), Some(size)) => kernels(&args.file, size)?,
        (_, Some(_)) => bail!("{}: --kernels is for networks (.dorm, .onnx)", args.file.display()),
        (Some("dorm"), None) => bundle::describe(&args.file)?,
        (Some("slp"), None) => labels::describe(&args.file)?,
        (Some("onnx"), None) => onnx::describe(&args.file)?,
        _ => bail!("{}: the ending must be .dorm, .slp or .onnx", args.file.display()),
    };
    print_result(args.json, &value, &text)?;
    Ok(0)
}

#[cfg(feature = "wgpu")]
fn kernels(file: &std::path::Path, size: (usize, usize)) -> anyhow::Result<Description> {
    kernels::describe(file, size)
}

#[cfg(not(feature = "wgpu"))]
fn kernels(_file: &std::path::Path, _size: (usize, usize)) -> anyhow::Result<Description> {
    bail!(dormouse::Error::EngineMissing("wgpu"))
}
