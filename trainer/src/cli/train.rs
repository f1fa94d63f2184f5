//! `dormouse train`: a run from a TOML configuration.

use super::interrupt::{EXIT_INTERRUPTED, interrupt_flag};
use super::output::print_result;
use super::run_report::{run_json, run_text};
use super::text::default_threads;
use super::video_search::VideoSearchArgs;
use crate::config::TrainConfig;
use crate::session::{RunFolder, RunOptions, run_training};
use crate::terminal::tell;
use crate::train::progress::TerminalProgress;
use clap::Args;
use std::path::PathBuf;

/// Arguments of `dormouse train`.
#[derive(Debug, Args)]
#[command(
    after_help = "The run folder receives config.asked.toml, config.toml (as resolved), run.json (versions, seeds), best.ckpt, last.ckpt, training_log.csv,
learning_curve.csv, the bundle, metrics and predictions of every split (metrics.val.json, ...), predictions.val.png and charts
(plot.*.png); models with two networks have their checkpoints and logs in centroid/ and instance/. Accuracy on the way is measured
every train.evaluate_every_minutes; the clock of the training (train.max_minutes) stands still meanwhile. Ctrl-C ends after the present step, exports what was reached and leaves a checkpoint for --resume.

Examples:
  dormouse train model-zoo/recipes/flies-bottomup.toml --out runs/flies
  dormouse train flies.toml --set train.epochs=50 --set model.filters=24
  dormouse train flies.toml --device cuda:0
  dormouse train flies.toml --out runs/flies --resume"
)]
pub(super) struct TrainArgs {
    /// Configuration (TOML); every key has a default, see model-zoo/recipes
    config: PathBuf,
    /// Set a key of the configuration, for example model.pafs.sigma=30 (repeatable)
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// cpu, cuda[:n] or vulkan[:n]; short for --set train.device=...
    #[arg(long)]
    device: Option<String>,
    /// Run folder (default: runs/ and the configuration's file name)
    #[arg(short, long)]
    out: Option<PathBuf>,
    /// Go on from the run folder's last checkpoint
    #[arg(long)]
    resume: bool,
    #[command(flatten)]
    search: VideoSearchArgs,
    /// Print one JSON line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &TrainArgs) -> anyhow::Result<u8> {
    let mut overrides = args.set.clone();
    overrides.extend(args.device.iter().map(|device| format!("train.device={device}")));
    let text = std::fs::read_to_string(&args.config).map_err(|e| crate::Error::io("read", &args.config, e))?;
    let config = TrainConfig::parse(&text, &overrides)?;
    let set: String = overrides.iter().map(|set| format!("# --set {set}\n")).collect();
    let asked = format!("# {}\n{set}{text}", args.config.display());
    let stem = args.config.file_stem().unwrap_or_default();
    let folder = RunFolder::new(args.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(stem)));
    let interrupted = interrupt_flag()?;
    let threads = default_threads();
    let options = RunOptions {
        folder,
        asked: Some(asked),
        resume: args.resume,
        search: args.search.to_search()?,
        threads,
        interrupted: &interrupted,
    };
    let outcome = run_training(&config, &options, &mut TerminalProgress::new(), &mut |line| tell(line))?;
    print_result(args.json, &run_json(&outcome), &run_text(&outcome, threads))?;
    Ok(if outcome.was_interrupted() { EXIT_INTERRUPTED } else { 0 })
}
