//! `dormouse demo`: the whole path on a drawn scene.

use super::interrupt::{EXIT_INTERRUPTED, interrupt_flag};
use super::output::print_result;
use super::overlay;
use super::run_report::indented;
use super::text::{self, default_threads};
use crate::config::TrainConfig;
use crate::dataset::synth::{SynthConfig, SynthScenes};
use crate::dataset::{SampleSource, VideoSearch};
use crate::draw::{contact_sheet, save_png};
use crate::predict::Predictor;
use crate::session::{Evaluation, RunFolder, RunOptions, RunOutcome, evaluate_source, run_training};
use crate::terminal::tell;
use crate::train::progress::TerminalProgress;
use anyhow::ensure;
use clap::Args;
use dormouse::Bundle;
use serde_json::json;
use std::path::{Path, PathBuf};

/// The recipe of the demo; the same file trains with `dormouse train`.
const RECIPE: &str = include_str!("../../../model-zoo/recipes/demo.toml");
/// Scenes that the accuracy is measured on.
const TEST_SCENES: usize = 100;
/// Scenes in the picture.
const PICTURED: usize = 4;

/// Arguments of `dormouse demo`.
#[derive(Debug, Args)]
#[command(
    after_help = "Needs no data, no GPU and no Python. Trains with model-zoo/recipes/demo.toml, measures the exported bundle with the
shipped runtime on 100 unseen scenes of 2 to 3 animals, and draws the poses of four of them.

Examples:
  dormouse demo
  dormouse demo --minutes 10 --out runs/longer
  dormouse demo --out runs/longer --resume          # after Ctrl-C"
)]
pub(super) struct DemoArgs {
    /// Minutes of training
    #[arg(long)]
    minutes: Option<f64>,
    /// Run folder (default: runs/demo, or the next free name)
    #[arg(short, long)]
    out: Option<PathBuf>,
    /// Go on from the last checkpoint in OUT (or runs/demo)
    #[arg(long)]
    resume: bool,
    /// Set a key of the recipe (repeatable)
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Print one JSON line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &DemoArgs) -> anyhow::Result<u8> {
    let mut overrides = args.set.clone();
    if let Some(minutes) = args.minutes {
        ensure!(minutes > 0.0 && minutes <= 1e6, "--minutes must be above 0 and at most 1000000");
    }
    overrides.extend(args.minutes.iter().map(|minutes| format!("train.max_minutes={minutes:?}")));
    let config = TrainConfig::parse(RECIPE, &overrides)?;
    let set: String = overrides.iter().map(|set| format!("# --set {set}\n")).collect();
    let asked = format!("# model-zoo/recipes/demo.toml\n{set}{RECIPE}");
    let folder = RunFolder::new(args.out.clone().unwrap_or_else(|| {
        let usual = Path::new("runs/demo");
        if args.resume { usual.to_path_buf() } else { free_folder(usual) }
    }));
    let interrupted = interrupt_flag()?;
    let threads = default_threads();
    let options = RunOptions {
        folder: folder.clone(),
        asked: Some(asked),
        resume: args.resume,
        search: VideoSearch::default(),
        threads,
        interrupted: &interrupted,
    };
    tell(format_args!("training on drawn scenes in {} (about {} min)", folder.path().display(), config.train.max_minutes));
    let outcome = run_training(&config, &options, &mut TerminalProgress::new(), &mut |line| tell(line))?;
    let bundle = Bundle::open(&outcome.bundle)?;
    let scenes = test_scenes(&config)?;
    tell(format_args!("measuring the bundle on {TEST_SCENES} unseen scenes"));
    let test = evaluate_source(&bundle, &scenes, threads, &mut |_| {})?;
    let picture = folder.file("overlay.png");
    draw_scenes(&bundle, &scenes, threads, &picture)?;
    folder.write_json("metrics.test.json", &test)?;
    report(args.json, &outcome, &test, &picture, threads)?;
    Ok(if outcome.was_interrupted() { EXIT_INTERRUPTED } else { 0 })
}

/// `runs/demo`, or `runs/demo-2`, `runs/demo-3`, ... if that is taken.
fn free_folder(wanted: &Path) -> PathBuf {
    if !wanted.exists() {
        return wanted.to_path_buf();
    }
    let numbered = |n: u32| PathBuf::from(format!("{}-{n}", wanted.display()));
    (2..).map(numbered).find(|path| !path.exists()).unwrap_or_else(|| wanted.to_path_buf())
}

/// Scenes that neither training nor validation has seen, with 2 to 3 animals.
fn test_scenes(config: &TrainConfig) -> crate::Result<SynthScenes> {
    let synth = &config.data.synth;
    SynthScenes::new(SynthConfig {
        width_px: synth.width_px,
        height_px: synth.height_px,
        animals: (2, 3),
        count: TEST_SCENES,
        seed: synth.seed.wrapping_add(2 << 32),
        length_fraction: synth.length_fraction,
        closeness: synth.closeness,
        margin: synth.margin,
        contrast: synth.contrast.into(),
        bright_on_dark: synth.bright_on_dark,
        individuals: synth.individuals,
        ..SynthConfig::default()
    })
}

fn draw_scenes(bundle: &Bundle<'_>, scenes: &SynthScenes, threads: usize, path: &Path) -> anyhow::Result<()> {
    let mut predictor = Predictor::new(bundle, threads, false)?;
    let mut pictures = Vec::with_capacity(PICTURED);
    for index in 0..PICTURED.min(scenes.len()) {
        let image = scenes.sample(index)?.image;
        let instances = predictor.instances(&image)?;
        pictures.push(overlay::draw(&image, scenes.skeleton(), &[], &instances, &format!("unseen scene {}", index + 1))?);
    }
    Ok(save_png(&contact_sheet(&pictures, 2)?, path)?)
}

fn report(as_json: bool, outcome: &RunOutcome, test: &Evaluation, picture: &Path, threads: usize) -> anyhow::Result<()> {
    let value = json!({
        "moks": test.report.moks,
        "moks_all": test.report.moks_all,
        "map": test.report.map,
        "within_3px": test.report.within_3px,
        "test": test,
        "training_s": outcome.elapsed_s(),
        "steps": outcome.steps(),
        "export_difference": outcome.export_difference,
        "overlay": picture,
        "bundle": outcome.bundle,
        "bundle_bytes": outcome.bundle_bytes,
    });
    let text = format!(
        "accuracy on {TEST_SCENES} unseen scenes of 2 to 3 animals, by the shipped runtime:\n{}\n{}\n\
         picture of the poses: {}\nbundle: {} ({})",
        indented(&test.report),
        text::latency(&test.latency, threads),
        picture.display(),
        outcome.bundle.display(),
        text::bytes(outcome.bundle_bytes),
    );
    print_result(as_json, &value, &text)
}
