//! Accuracy of a bundle on samples, measured on the poses that the shipped runtime gives.

use crate::dataset::{InstanceKind, LabelInstance, SampleSource};
use crate::error::Result;
use crate::metric::{EvalOptions, EvalReport, FrameIdentities, FramePair, IdentityReport, PredictedPose, evaluate};
use crate::predict::{Latency, Predictor};
use dormouse::Bundle;
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
    let mut predictor = Predictor::new(bundle, threads, false)?;
    let mut frames = Vec::with_capacity(source.len());
    for index in 0..source.len() {
        let sample = source.sample(index)?;
        let found = predictor.instances(&sample.image)?;
        let identities = FrameIdentities {
            truth: sample.animals.iter().map(|animal| animal.identity).collect(),
            predicted: found.iter().map(|instance| instance.track).collect(),
        };
        let predicted = found.iter().map(predicted_pose).collect();
        let truth = sample.animals.into_iter().map(|animal| animal.points).collect();
        frames.push((FramePair { truth, predicted }, identities));
        progress(index + 1);
    }
    let options = EvalOptions::default();
    let identity = bundle.config().model_type.has_identity().then(|| IdentityReport::of(&frames, &options));
    let pairs: Vec<FramePair> = frames.into_iter().map(|(pair, _)| pair).collect();
    let report = evaluate(&source.skeleton().nodes, &pairs, &options);
    Ok(Evaluation { report, identity, latency: predictor.latency() })
}

/// The pose as metrics want it.
pub(super) fn predicted_pose(instance: &LabelInstance) -> PredictedPose {
    debug_assert_eq!(instance.kind, InstanceKind::Predicted);
    let points = instance.points.iter().map(|p| [p.x_px as f32, p.y_px as f32]).collect();
    PredictedPose { points, score: instance.score }
}
