//! `dormouse inspect`: what is in a file.

mod bundle;
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
  dormouse inspect pose.onnx --json")]
pub(super) struct InspectArgs {
    /// Bundle (.dorm), labels (.slp) or network (.onnx)
    file: PathBuf,
    /// Print one JSON line
    #[arg(long)]
    json: bool,
}

/// A description twice: for programs and for people.
type Description = (Value, String);

pub(super) fn run(args: &InspectArgs) -> anyhow::Result<u8> {
    let ending = args.file.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
    let (value, text) = match ending.as_deref() {
        Some("dorm") => bundle::describe(&args.file)?,
        Some("slp") => labels::describe(&args.file)?,
        Some("onnx") => onnx::describe(&args.file)?,
        _ => bail!("{}: the ending must be .dorm, .slp or .onnx", args.file.display()),
    };
    print_result(args.json, &value, &text)?;
    Ok(0)
}
