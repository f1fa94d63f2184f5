//! Accuracy of a bundle on samples, measured on the poses that the shipped runtime gives.

use crate::dataset::{InstanceKind, LabelInstance, SampleSource};
use crate::error::Result;
use crate::metric::{EvalOptions, EvalReport, FramePair, PredictedPose, evaluate};
use crate::predict::{Latency, Predictor};
use dormouse::Bundle;
use serde::Serialize;

/// Accuracy and latency on one set of samples.
#[derive(Debug, Clone, Serialize)]
pub struct Evaluation {
    /// Accuracy.
    #[serde(flatten)]
    pub report: EvalReport,
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
    let mut pairs = Vec::with_capacity(source.len());
    for index in 0..source.len() {
        let sample = source.sample(index)?;
        let predicted = predictor.instances(&sample.image)?.iter().map(predicted_pose).collect();
        pairs.push(FramePair { truth: sample.animals.into_iter().map(|a| a.points).collect(), predicted });
        progress(index + 1);
    }
    let report = evaluate(&source.skeleton().nodes, &pairs, &EvalOptions::default());
    Ok(Evaluation { report, latency: predictor.latency() })
}

fn predicted_pose(instance: &LabelInstance) -> PredictedPose {
    debug_assert_eq!(instance.kind, InstanceKind::Predicted);
    let points = instance.points.iter().map(|p| [p.x_px as f32, p.y_px as f32]).collect();
    PredictedPose { points, score: instance.score }
}
