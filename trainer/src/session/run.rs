//! One training run from configuration to bundle and figures.

use super::bundle::{build_bundle, check_runtime};
use super::curve::CurveMeter;
use super::evaluate::{Evaluation, evaluate_centered};
use super::resumed::changes;
use super::run_folder::RunFolder;
use super::setup::Setup;
use super::sources::open_sources;
use super::split_output::{Split, write_split};
use super::stage::{StageNet, check_folder, new_net, train_stage, transfer};
use crate::config::{Stage, TrainConfig};
use crate::dataset::{SampleSource, VideoSearch};
use crate::device::parse_device;
use crate::error::{Error, Result};
use crate::metric::EvalReport;
use crate::output::write_atomically;
use crate::plot::write_plots;
use crate::train::curve::{CURVE, CurveFile};
use crate::train::{EventSink, MeasureAccuracy, StopReason, TrainSummary};
use dormouse::Bundle;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// What a run needs beside its configuration.
pub struct RunOptions<'a> {
    /// Where everything is written.
    pub folder: RunFolder,
    /// The configuration as the person asked for it, to be kept as it is.
    pub asked: Option<String>,
    /// Go on from the folder's last checkpoint.
    pub resume: bool,
    /// Where to look for videos that moved.
    pub search: VideoSearch,
    /// Threads of the runtime during evaluation.
    pub threads: usize,
    /// Set from outside (Ctrl-C) to stop after the present step.
    pub interrupted: &'a AtomicBool,
}

/// What a run gave.
#[derive(Debug, Clone)]
pub struct RunOutcome {
    /// How the training of each network ended, in their order.
    pub stages: Vec<(Stage, TrainSummary)>,
    /// The exported bundle.
    pub bundle: PathBuf,
    /// Its size in bytes.
    pub bundle_bytes: usize,
    /// Largest difference between burn and tract on the exported networks.
    pub export_difference: f32,
    /// Accuracy of the bundle on training samples, at most 500 of them, without augmentation.
    pub train: Evaluation,
    /// Accuracy of the bundle on the validation samples.
    pub validation: Evaluation,
    /// Accuracy of the second network of a top-down model on the validation samples, given the true centres.
    pub centered: Option<EvalReport>,
    /// Accuracy of the bundle on the test samples, if there are any.
    pub test: Option<Evaluation>,
}

impl RunOutcome {
    /// Whether Ctrl-C ended it.
    pub fn was_interrupted(&self) -> bool {
        self.stages.iter().any(|(_, summary)| summary.reason == StopReason::Interrupted)
    }

    /// Seconds trained, all networks and earlier sessions included.
    pub fn elapsed_s(&self) -> f64 {
        self.stages.iter().map(|(_, summary)| summary.elapsed_s).sum()
    }

    /// Seconds that this session spent on measuring the accuracy on the way, which do not count as training.
    pub fn measuring_s(&self) -> f64 {
        self.stages.iter().map(|(_, summary)| summary.measuring_s).sum()
    }

    /// Steps taken, likewise.
    pub fn steps(&self) -> u64 {
        self.stages.iter().map(|(_, summary)| summary.steps).sum()
    }
}

/// Trains the networks one after the other, exports their best weights into one bundle, and measures it on the validation samples
/// and, if there are any, on the test samples.
///
/// The folder receives `config.asked.toml` (as asked), `config.toml` (as resolved), `run.json` (what the labels hold, versions, seeds), `best.ckpt`, `last.ckpt` and `training_log.csv` (of models with
/// two networks in `centroid/` and `instance/`), `learning_curve.csv` (accuracy by minutes), the bundle, for each of the splits
/// `train` (at most 500 samples), `val` and `test` the files `metrics.SPLIT.json` and `predictions.SPLIT.json`, then
/// `metrics.centered.json` (the second network given the true centres), `predictions.val.png` and the charts `plot.*.png`.
/// After Ctrl-C all of that is there for the weights reached so far, unless a network had not finished an epoch yet.
///
/// # Errors
/// [`Error::Interrupted`] after Ctrl-C where there is nothing to export yet; whatever else stops the run. Checkpoints written until then
/// stay.
pub fn run_training(
    config: &TrainConfig,
    options: &RunOptions<'_>,
    sink: &mut dyn EventSink,
    say: &mut dyn FnMut(&str),
) -> Result<RunOutcome> {
    let device = parse_device(&config.train.device)?;
    let stages = config.model.model_type.stages();
    check_folder(&options.folder, config.model.model_type, options.resume)?;
    let sources = open_sources(&config.data, &options.search, &mut |name, done, of| {
        if done == of {
            say(&format!("{name}: {of} images decoded"));
        }
    })?;
    say(&sources.description);
    let setup = Setup::of(config, sources, say)?;
    let nets = stages.iter().map(|&stage| new_net(config, stage, &setup.facts, &device));
    let mut nets = nets.collect::<Result<Vec<_>>>()?;
    if let Some(remark) = nets.iter().find_map(|net| net.config.train.precision.remark(&device)) {
        say(remark);
    }
    check_runtime(&nets, config, &setup.facts)?;
    if options.resume {
        changes(&options.folder, config).iter().for_each(|change| say(change));
    }
    options.folder.write(options.asked.as_deref(), config, &setup.facts)?;
    let mut summaries = Vec::with_capacity(nets.len());
    for index in 0..nets.len() {
        let summary = train_next(config, options, &setup, nets.split_at_mut(index), &summaries, (sink, say))?;
        let interrupted = summary.reason == StopReason::Interrupted;
        summaries.push((stages[index], summary));
        if interrupted && summaries.len() < stages.len() {
            return Err(Error::Interrupted("before the last network began".into()));
        }
    }
    say("exporting the best weights and measuring the bundle on the validation samples");
    let outcome = export_and_measure(config, options, &setup, &nets, summaries)?;
    say(&charts(options.folder.path()));
    Ok(outcome)
}

/// Trains the first network of the second part; those of the first part are trained already, with these `summaries`. The accuracy is
/// measured on the way where the model is complete with this network.
fn train_next(
    config: &TrainConfig,
    options: &RunOptions<'_>,
    setup: &Setup,
    (earlier, rest): (&mut [StageNet], &mut [StageNet]),
    summaries: &[(Stage, TrainSummary)],
    (sink, say): (&mut dyn EventSink, &mut dyn FnMut(&str)),
) -> Result<TrainSummary> {
    let of = earlier.len() + rest.len();
    let Some((trained, later)) = rest.split_first_mut() else { return Err(Error::Train("there is no network to train".into())) };
    if of > 1 {
        say(&format!("the {} network ({} of {of})", trained.stage.name(), earlier.len() + 1));
    }
    transfer(trained, &options.folder, options.resume, say)?;
    let mut meter = CurveMeter {
        config,
        facts: &setup.facts,
        earlier,
        stage: trained.stage,
        stage_config: trained.config.clone(),
        val: setup.val.as_ref(),
        threads: options.threads,
        earlier_minutes: summaries.iter().map(|(_, summary)| summary.elapsed_s).sum::<f64>() / 60.0,
        file: CurveFile::open(options.folder.file(CURVE), options.resume)?,
    };
    let accuracy = later.is_empty().then_some(&mut meter as &mut dyn MeasureAccuracy);
    train_stage(trained, setup, (&options.folder, options.resume), accuracy, sink, options.interrupted)
}

/// Draws the run's charts and says what came of it: a finished run does not fail for a picture.
fn charts(folder: &Path) -> String {
    match write_plots(folder, folder) {
        Ok(files) => format!("{} charts (plot.*.png) are in {}", files.len(), folder.display()),
        Err(error) => format!("no charts: {error}"),
    }
}

fn export_and_measure(
    config: &TrainConfig,
    options: &RunOptions<'_>,
    setup: &Setup,
    nets: &[StageNet],
    stages: Vec<(Stage, TrainSummary)>,
) -> Result<RunOutcome> {
    let val = setup.val.as_ref();
    let frames = (0..val.len().min(16)).map(|i| Ok(val.sample(i)?.image)).collect::<Result<Vec<_>>>()?;
    let name = options.folder.name(config);
    let built = build_bundle(nets, config, &name, &setup.facts, &frames)?;
    let bundle = options.folder.bundle(&name);
    write_atomically(&bundle, |file| file.write_all(&built.bytes))?;
    let measure = |source: &dyn SampleSource, split| {
        write_split(&options.folder, split, &Bundle::from_bytes(&built.bytes)?, source, options.threads)
    };
    let train = measure(setup.train.as_ref(), Split::Train)?;
    let validation = measure(val, Split::Val)?;
    let mut centered = None;
    if config.model.runtime_type().has_crops() {
        let report = evaluate_centered(&Bundle::from_bytes(&built.bytes)?, val, options.threads)?;
        options.folder.write_json("metrics.centered.json", &report)?;
        centered = Some(report);
    }
    let test = setup.test.as_ref().map(|test| measure(test.as_ref(), Split::Test)).transpose()?;
    let (bundle_bytes, export_difference) = (built.bytes.len(), built.export_difference);
    Ok(RunOutcome { stages, bundle, bundle_bytes, export_difference, train, validation, centered, test })
}
