//! One training run from configuration to bundle and figures.

use super::bundle::build_bundle;
use super::evaluate::{Evaluation, evaluate_source};
use super::run_folder::{RunFacts, RunFolder};
use super::sources::{Sources, open_sources};
use crate::augment::Augment;
use crate::batch::BatchSource as _;
use crate::config::TrainConfig;
use crate::dataset::{SampleSource, VideoSearch};
use crate::device::parse_device;
use crate::error::{Error, Result};
use crate::model::{Init, PoseNet, fit_to_images};
use crate::output::write_atomically;
use crate::plot::write_plots;
use crate::prepare::{SampleBatches, TargetSpec};
use crate::train::{Checkpoint, EventSink, HeadTraining, TrainSummary, load_weights, train};
use burn::tensor::{Tensor, TensorData};
use dormouse::Bundle;
use dormouse::config::HeadKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// File name of the newest checkpoint.
const LAST: &str = crate::train::loop_::LAST;

/// What a run needs beside its configuration.
pub struct RunOptions<'a> {
    /// Where everything is written.
    pub folder: RunFolder,
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
    /// How training ended.
    pub summary: TrainSummary,
    /// The exported bundle.
    pub bundle: PathBuf,
    /// Its size in bytes.
    pub bundle_bytes: usize,
    /// Largest difference between burn and tract on the exported network.
    pub export_difference: f32,
    /// Accuracy of the bundle on the validation samples.
    pub validation: Evaluation,
}

/// Trains, exports the best weights, and measures the bundle on the validation samples.
///
/// The folder receives `config.toml` (as resolved), `run.json`, `best.ckpt`, `last.ckpt`, `training_log.csv`, the bundle,
/// `metrics.val.json` and the charts `plot.*.png`. After Ctrl-C all of that is there for the weights reached so far.
///
/// # Errors
/// Whatever stops the run; checkpoints written until then stay.
pub fn run_training(
    config: &TrainConfig,
    options: &RunOptions<'_>,
    sink: &mut dyn EventSink,
    say: &mut dyn FnMut(&str),
) -> Result<RunOutcome> {
    let device = parse_device(&config.train.device)?;
    let sources = open_sources(&config.data, &options.search, &mut |name, done, of| {
        if done == of {
            say(&format!("{name}: {of} images decoded"));
        }
    })?;
    say(&sources.description);
    let facts = RunFacts {
        producer: format!("dormouse {}", env!("CARGO_PKG_VERSION")),
        labels: sources.labels.clone(),
        skeleton: sources.train.skeleton().clone(),
    };
    check_model(config, sources.train.as_ref())?;
    let preprocess = config.preprocess.to_runtime(config.model.max_stride);
    let network = config.model.network(preprocess.color, &facts.skeleton);
    let mut net = network.init_with(config.model.init, config.train.seed, &device)?;
    let resume = if options.resume { Some(load_weights(&options.folder.file(LAST), &mut net)?) } else { None };
    refuse_overwriting(options, resume.as_ref())?;
    options.folder.write(config, &facts)?;
    let summary = train_network(config, options, &sources, &mut net, resume.as_ref(), sink)?;
    load_weights(&summary.best_checkpoint, &mut net)?;
    say("exporting the best weights and measuring the bundle on the validation samples");
    let outcome = export_and_measure(config, options, &sources, &net, &facts, summary)?;
    say(&charts(options.folder.path()));
    Ok(outcome)
}

/// Draws the run's charts and says what came of it: a finished run does not fail for a picture.
fn charts(folder: &Path) -> String {
    match write_plots(folder, folder) {
        Ok(files) => format!("{} charts (plot.*.png) are in {}", files.len(), folder.display()),
        Err(error) => format!("no charts: {error}"),
    }
}

fn train_network(
    config: &TrainConfig,
    options: &RunOptions<'_>,
    sources: &Sources,
    net: &mut PoseNet,
    resume: Option<&Checkpoint>,
    sink: &mut dyn EventSink,
) -> Result<TrainSummary> {
    let augment = Augment::new(config.augment.clone(), sources.train.skeleton())?;
    let batches = |source: &Arc<dyn SampleSource>, augment| SampleBatches {
        source: Arc::clone(source),
        augment,
        preprocess: config.preprocess.to_runtime(config.model.max_stride),
        targets: target_specs(config),
        batch_size: config.train.batch_size,
        seed: config.train.seed,
    };
    let training = Arc::new(batches(&sources.train, Some(augment)));
    if config.model.init == Init::Fitted && resume.is_none() {
        let (pixels, shape) = training.batch(0, 0)?.images;
        fit_to_images(net, &Tensor::from_data(TensorData::new(pixels, shape), net.device()))?;
    }
    let head = |(name, weight): (&str, f32)| HeadTraining { name: name.into(), weight };
    let weights = [("confmaps", config.model.confmaps.weight), ("pafs", config.model.pafs.weight)];
    let heads = weights.into_iter().take(net.config().heads.len()).map(head).collect();
    let spec = config.train.spec(heads, sources.train.len(), config.hash()?);
    let validation = batches(&sources.val, None);
    train(net, &spec, training, &validation, resume, sink, options.interrupted, options.folder.path())
}

/// Targets of the configured heads.
pub(super) fn target_specs(config: &TrainConfig) -> Vec<TargetSpec> {
    let (confmaps, pafs) = (&config.model.confmaps, &config.model.pafs);
    let mut specs = vec![TargetSpec { kind: HeadKind::ConfidenceMaps, sigma: confmaps.sigma, stride_px: confmaps.stride }];
    if config.model.runtime_type() == dormouse::ModelType::BottomUp {
        specs.push(TargetSpec { kind: HeadKind::PartAffinityFields, sigma: pafs.sigma, stride_px: pafs.stride });
    }
    specs
}

/// Refuses a combination of model and labels that cannot work, before any time is spent on it.
fn check_model(config: &TrainConfig, train: &dyn SampleSource) -> Result<()> {
    match config.model.runtime_type() {
        dormouse::ModelType::BottomUp if train.skeleton().edges.is_empty() => {
            Err(Error::Data("a bottom-up model needs a skeleton with edges; these labels have none".into()))
        }
        dormouse::ModelType::SingleInstance => {
            for index in 0..train.len() {
                let animals = train.sample(index)?.animals.len();
                if animals > 1 {
                    return Err(Error::Data(format!(
                        "training sample {index} shows {animals} animals, but a single_instance model finds one: use model.type = \"bottom_up\""
                    )));
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// A finished run is not thrown away by starting another in its place.
fn refuse_overwriting(options: &RunOptions<'_>, resume: Option<&Checkpoint>) -> Result<()> {
    let last = options.folder.file(LAST);
    if resume.is_none() && last.exists() {
        let folder = options.folder.path().display();
        return Err(Error::Train(format!(
            "{folder} already holds a run: go on with --resume, or choose another folder with --out"
        )));
    }
    Ok(())
}

fn export_and_measure(
    config: &TrainConfig,
    options: &RunOptions<'_>,
    sources: &Sources,
    net: &PoseNet,
    facts: &RunFacts,
    summary: TrainSummary,
) -> Result<RunOutcome> {
    let frames = (0..sources.val.len().min(16)).map(|i| Ok(sources.val.sample(i)?.image)).collect::<Result<Vec<_>>>()?;
    let name = options.folder.name(config);
    let built = build_bundle(net, config, &name, facts, &frames)?;
    let bundle = options.folder.bundle(&name);
    write_atomically(&bundle, |file| file.write_all(&built.bytes))?;
    let validation = evaluate_source(&Bundle::from_bytes(&built.bytes)?, sources.val.as_ref(), options.threads, &mut |_| {})?;
    options.folder.write_json("metrics.val.json", &validation)?;
    let (bundle_bytes, export_difference) = (built.bytes.len(), built.export_difference);
    Ok(RunOutcome { summary, bundle, bundle_bytes, export_difference, validation })
}
