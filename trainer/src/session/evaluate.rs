//! Accuracy of a bundle on samples, measured on the poses that the shipped runtime gives.

use crate::dataset::{InstanceKind, LabelInstance, MISSING, Sample, SampleSource};
use crate::error::Result;
use crate::metric::{
    EvalOptions, EvalReport, FrameIdentities, FramePair, IdentityReport, PredictedPose, center_reach_px, evaluate,
};
use crate::predict::{Latency, Predictor, cpu_backend};
use crate::targets::centroid;
use dormouse::{Bundle, Estimator, ImagePoint, Instance, Keypoint, OnSizeChange, Options};
use serde::Serialize;

/// Accuracy and latency on one set of samples.
#[derive(Debug, Clone, Serialize)]
pub struct Evaluation {
    /// Accuracy.
    #[serde(flatten)]
    pub report: EvalReport,
    /// Whether known individuals bear the right names; only for models that know any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<IdentityReport>,
    /// Latency of the same frames.
    pub latency: Latency,
}

/// Runs the bundle over all samples; `progress` is told how many are done.
///
/// # Errors
/// When a sample cannot be read or the runtime refuses it.
pub fn evaluate_source(
    bundle: &Bundle<'_>,
    source: &dyn SampleSource,
    threads: usize,
    progress: &mut dyn FnMut(usize),
) -> Result<Evaluation> {
    let mut gathered = Gathered::new(bundle, threads)?;
    for index in 0..source.len() {
        gathered.add(&source.sample(index)?)?;
        progress(index + 1);
    }
    Ok(gathered.finish(source)?.0)
}

/// A bundle at work, and what it found so far.
pub(super) struct Gathered {
    predictor: Predictor,
    frames: Vec<(FramePair, FrameIdentities)>,
    found: Vec<Vec<LabelInstance>>,
}

impl Gathered {
    /// Prepares the bundle.
    ///
    /// # Errors
    /// As [`Predictor::new`].
    pub fn new(bundle: &Bundle<'_>, threads: usize) -> Result<Self> {
        Ok(Self { predictor: Predictor::new(bundle, threads, false)?, frames: Vec::new(), found: Vec::new() })
    }

    /// Finds the animals of one more sample.
    ///
    /// # Errors
    /// When the runtime refuses the image.
    pub fn add(&mut self, sample: &Sample) -> Result<()> {
        let found = self.predictor.instances(&sample.image)?;
        let identities = FrameIdentities {
            truth: sample.animals.iter().map(|animal| animal.identity).collect(),
            predicted: found.iter().map(|instance| instance.track).collect(),
        };
        let predicted = found.iter().map(predicted_pose).collect();
        let truth = sample.animals.iter().map(|animal| animal.points.clone()).collect();
        self.frames.push((FramePair { truth, predicted }, identities));
        self.found.push(found);
        Ok(())
    }

    /// All figures for samples of `source`, and the instances found in each of them.
    ///
    /// # Errors
    /// When the animals of a sample cannot be read.
    pub fn finish(self, source: &dyn SampleSource) -> Result<(Evaluation, Vec<Vec<LabelInstance>>)> {
        let nodes = &source.skeleton().nodes;
        let options = EvalOptions { point_reach_px: center_reach_px(source.animal_px()?), ..EvalOptions::default() };
        let has_identity = self.predictor.config().model_type.has_identity();
        let identity = has_identity.then(|| IdentityReport::of(nodes.len(), &self.frames, &options));
        let pairs: Vec<FramePair> = self.frames.into_iter().map(|(pair, _)| pair).collect();
        let evaluation = Evaluation { report: evaluate(nodes, &pairs, &options), identity, latency: self.predictor.latency() };
        Ok((evaluation, self.found))
    }
}

/// Accuracy of the second network of a top-down model alone: it is given the true centres, so that animals the first network
/// misses, or finds in the wrong place, do not count.
///
/// # Errors
/// When the model is not top-down; otherwise as [`evaluate_source`].
pub fn evaluate_centered(bundle: &Bundle<'_>, source: &dyn SampleSource, threads: usize) -> Result<EvalReport> {
    let options = Options {
        backend: cpu_backend(bundle),
        threads,
        self_test: false,
        on_size_change: OnSizeChange::Reprepare,
        ..Options::default()
    };
    let mut estimator = Estimator::new(bundle, &options)?;
    let anchor = bundle.config().top_down.as_ref().and_then(|top_down| top_down.anchor_part).map(usize::from);
    let mut pairs = Vec::with_capacity(source.len());
    for index in 0..source.len() {
        let sample = source.sample(index)?;
        let centers = sample.animals.iter().filter_map(|animal| centroid(animal, anchor));
        let centers: Vec<ImagePoint> = centers.map(|[x_px, y_px]| ImagePoint { x_px, y_px }).collect();
        let poses = estimator.estimate_at(&sample.image.frame()?, &centers)?;
        let point = |k: &Keypoint| if k.is_visible() { [k.position.x_px, k.position.y_px] } else { MISSING };
        let pose = |i: Instance<'_>| PredictedPose { points: i.keypoints.iter().map(point).collect(), score: i.score };
        let predicted = poses.iter().map(pose).collect();
        pairs.push(FramePair { truth: sample.animals.into_iter().map(|animal| animal.points).collect(), predicted });
    }
    Ok(evaluate(&source.skeleton().nodes, &pairs, &EvalOptions::default()))
}

/// The pose as metrics want it.
fn predicted_pose(instance: &LabelInstance) -> PredictedPose {
    debug_assert_eq!(instance.kind, InstanceKind::Predicted);
    let points = instance.points.iter().map(|p| [p.x_px as f32, p.y_px as f32]).collect();
    PredictedPose { points, score: instance.score }
}
