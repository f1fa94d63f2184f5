//! Training of one network of a model.

use super::run_folder::{RunFacts, RunFolder};
use super::setup::Setup;
use super::start_from::{encoder_flags, start_from};
use crate::augment::{Augment, AugmentConfig};
use crate::batch::BatchSource;
use crate::config::{HeadPlan, Stage, TrainConfig, TrainModelType};
use crate::dataset::SampleSource;
use crate::error::{Error, Result};
use crate::model::direct::clear_buffers;
use crate::model::{Init, PoseNet, fit_to_images};
use crate::prepare::{Centers, CropBatches, CropPlan, SampleBatches, TargetSpec};
use crate::train::loop_::memory_needed;
use crate::train::{EventSink, HeadTraining, MeasureAccuracy, TrainSummary, Validation, load_weights, train};
use burn::tensor::{Device, Tensor, TensorData};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// File name of the newest checkpoint.
pub(super) const LAST: &str = crate::train::loop_::LAST;

/// A network with the configuration that it was trained with.
#[derive(Clone)]
pub struct StageNet {
    /// Which one it is.
    pub stage: Stage,
    /// Its settings.
    pub config: TrainConfig,
    /// Its weights.
    pub net: PoseNet,
}

/// Batches for training and for validation, and how many samples there are to train on.
struct Batches {
    train: Arc<dyn BatchSource>,
    val: Box<dyn BatchSource>,
    samples: usize,
}

/// Where the checkpoints and the log of a network are: the run folder, or a folder in it where there are several networks.
pub fn stage_folder(folder: &RunFolder, model_type: TrainModelType, stage: Stage) -> PathBuf {
    if model_type.stages().len() > 1 { folder.file(stage.name()) } else { folder.path().to_path_buf() }
}

/// A network with its first weights.
///
/// # Errors
/// [`Error::Config`] with all faults of the network.
pub fn new_net(config: &TrainConfig, stage: Stage, facts: &RunFacts, device: &Device) -> Result<StageNet> {
    let config = config.stage(stage)?;
    let network = config.network(&config.heads(stage, &facts.skeleton, facts.classes.len()));
    let net = network.init_with(config.model.init, config.train.seed, device)?;
    Ok(StageNet { stage, config, net })
}

/// Puts the weights that the configuration names into a network that has no checkpoint of its own yet, and tells what came over.
///
/// # Errors
/// As [`start_from`].
pub(super) fn transfer(trained: &mut StageNet, folder: &RunFolder, resume: bool, say: &mut dyn FnMut(&str)) -> Result<()> {
    let StageNet { stage, config, net } = trained;
    let last = stage_folder(folder, config.model.model_type, *stage).join(LAST);
    if config.train.start_from.is_empty() || (resume && last.exists()) {
        return Ok(());
    }
    let path = Path::new(&config.train.start_from);
    let report = start_from(net, path, stage.name())?;
    say(&format!("{}: {report}", path.display()));
    Ok(())
}

/// Trains a network and leaves it with its best weights. With `resume` it goes on from the last checkpoint, if there is one.
/// `accuracy` is measured on the way, where it is given.
///
/// # Errors
/// [`Error::Interrupted`] before the end of the first epoch, or whatever else stops the training.
pub(super) fn train_stage(
    trained: &mut StageNet,
    setup: &Setup,
    (folder, resume): (&RunFolder, bool),
    accuracy: Option<&mut dyn MeasureAccuracy>,
    sink: &mut dyn EventSink,
    interrupted: &AtomicBool,
) -> Result<TrainSummary> {
    let StageNet { stage, config, net } = trained;
    let folder = stage_folder(folder, config.model.model_type, *stage);
    let last = folder.join(LAST);
    let checkpoint = if resume && last.exists() { Some(load_weights(&last, net)?) } else { None };
    let heads = config.heads(*stage, &setup.facts.skeleton, setup.facts.classes.len());
    let batches = batches(config, *stage, setup, &heads)?;
    let head = |h: &HeadPlan| HeadTraining { name: h.spec.output.clone(), weight: h.weight };
    let mut spec = config.train.spec(heads.iter().map(head).collect(), batches.samples, config.hash()?);
    if config.train.freeze_encoder {
        spec.frozen = encoder_flags(&net.plan().params);
    }
    // Weights of an earlier model are already fitted to images.
    if config.model.init == Init::Fitted && checkpoint.is_none() && config.train.start_from.is_empty() {
        let first = batches.train.batch(0, 0)?;
        // Fitting takes memory, too, and a training that does not fit is refused before any is taken.
        memory_needed(net, &spec, &first)?;
        let (pixels, shape) = first.images;
        fit_to_images(net, &Tensor::from_data(TensorData::new(pixels, shape), net.device()))?;
    }
    let accuracy = accuracy.map(|meter| meter as &mut dyn MeasureAccuracy);
    let validation = Validation { batches: batches.val.as_ref(), accuracy };
    let summary = train(net, &spec, batches.train, validation, checkpoint.as_ref(), sink, interrupted, &folder)?;
    if summary.best_epoch == 0 {
        return Err(Error::Interrupted("before the first epoch was over".into()));
    }
    load_weights(&summary.best_checkpoint, net)?;
    // The next network has maps of other sizes.
    clear_buffers();
    Ok(summary)
}

/// What the heads are taught.
pub(super) fn target_specs(heads: &[HeadPlan]) -> Vec<TargetSpec> {
    heads.iter().map(|h| TargetSpec { kind: h.spec.kind, sigma: h.sigma, stride_px: h.spec.stride_px }).collect()
}

/// The samples as a network that sees whole frames gets them.
pub(super) fn stage_source(stage: Stage, source: &Arc<dyn SampleSource>, setup: &Setup) -> Arc<dyn SampleSource> {
    match stage {
        Stage::Centroid => Arc::new(Centers::new(Arc::clone(source), setup.anchor)),
        _ => Arc::clone(source),
    }
}

/// Crops to train on.
pub(super) fn training_crops(config: &TrainConfig, setup: &Setup, targets: Vec<TargetSpec>) -> Result<CropBatches> {
    // The crop follows the animal, so that shifting both would only bring black borders.
    let still = AugmentConfig { translate_fraction: [0.0, 0.0], crop_px: [0, 0], ..config.augment.clone() };
    crops(config, setup, &setup.train, Some(Augment::new(still, setup.train.skeleton())?), targets)
}

fn crops(
    config: &TrainConfig,
    setup: &Setup,
    source: &Arc<dyn SampleSource>,
    augment: Option<Augment>,
    targets: Vec<TargetSpec>,
) -> Result<CropBatches> {
    let plan = CropPlan {
        preprocess: config.preprocess.to_runtime(config.model.max_stride),
        size_px: setup.facts.crop_size_px as usize,
        anchor: setup.anchor,
        jitter_px: config.top_down.center_jitter_px,
    };
    CropBatches::new(Arc::clone(source), augment, plan, targets, (config.train.batch_size, config.train.seed))
}

fn batches(config: &TrainConfig, stage: Stage, setup: &Setup, heads: &[HeadPlan]) -> Result<Batches> {
    let targets = target_specs(heads);
    if stage == Stage::Instance {
        let training = training_crops(config, setup, targets.clone())?;
        let samples = training.len();
        let val = Box::new(crops(config, setup, &setup.val, None, targets)?);
        return Ok(Batches { train: Arc::new(training), val, samples });
    }
    let augment = Augment::new(config.augment.clone(), setup.train.skeleton())?;
    let preprocess = config.preprocess.to_runtime(config.model.max_stride);
    let frames = |source: &Arc<dyn SampleSource>, augment| SampleBatches {
        source: stage_source(stage, source, setup),
        augment,
        preprocess,
        targets: targets.clone(),
        batch_size: config.train.batch_size,
        seed: config.train.seed,
    };
    let (train, val) = (frames(&setup.train, Some(augment)), frames(&setup.val, None));
    Ok(Batches { train: Arc::new(train), val: Box::new(val), samples: setup.train.len() })
}

/// A finished or begun run is not thrown away by starting another in its place.
///
/// # Errors
/// [`Error::Train`] when a checkpoint is there, or none although the run is to go on.
pub(super) fn check_folder(folder: &RunFolder, model_type: TrainModelType, resume: bool) -> Result<()> {
    let begun = model_type.stages().iter().any(|&stage| stage_folder(folder, model_type, stage).join(LAST).exists());
    let path = folder.path().display();
    match (begun, resume) {
        (true, false) => {
            Err(Error::Train(format!("{path} already holds a run: go on with --resume, or choose another folder with --out")))
        }
        (false, true) => Err(Error::Train(format!("{path} holds no checkpoint to go on from: leave out --resume"))),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[path = "stage_tests.rs"]
mod tests;
