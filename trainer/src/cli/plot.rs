//! `dormouse plot`: charts of a finished or running training.

use super::output::print_result;
use crate::plot::write_plots;
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

/// Arguments of `dormouse plot`.
#[derive(Debug, Args)]
#[command(
    after_help = "Draws what the folder has figures for: loss per head, validation loss and accuracy by minutes, share of correct keypoints, and
error per node. `dormouse train` does the same at its end.

Examples:
  dormouse plot runs/flies
  dormouse plot runs/flies -o pictures"
)]
pub(super) struct PlotArgs {
    /// Run folder
    run: PathBuf,
    /// Folder for the pictures (default: the run folder)
    #[arg(short, long)]
    out: Option<PathBuf>,
    /// Print one JSON line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &PlotArgs) -> anyhow::Result<u8> {
    let written = write_plots(&args.run, args.out.as_ref().unwrap_or(&args.run))?;
    let text = written.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join("\n");
    print_result(args.json, &json!({ "plots": written }), &text)?;
    Ok(0)
}
