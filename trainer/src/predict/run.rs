//! Frames in, labels with predicted instances out.

use super::engine::cpu_backend;
use super::timing::{Latency, StageTimes};
use crate::dataset::{Image, InstanceKind, LabelInstance, LabelPoint};
use crate::error::Result;
use dormouse::engine::PipelineCacheReport;
use dormouse::{Backend, Bundle, Config, Estimator, Instance, OnSizeChange, Options, Overflow, Poses, Precision, Stage};
use std::time::Instant;

/// An estimator with a stop-watch.
pub struct Predictor {
    estimator: Estimator,
    times: Vec<StageTimes>,
    overflowed: bool,
}

impl Predictor {
    /// Prepares a bundle for measuring: frames of any size, on the [CPU](cpu_backend), with `threads`.
    ///
    /// # Errors
    /// As [`Estimator::new`].
    pub fn new(bundle: &Bundle<'_>, threads: usize, self_test: bool) -> Result<Self> {
        Self::with_options(bundle, &Options { backend: cpu_backend(bundle), threads, self_test, ..Options::default() })
    }

    /// Prepares a bundle for offline work: frames of any size, on an engine of the caller's choice.
    ///
    /// # Errors
    /// As [`Estimator::new`].
    pub fn with_options(bundle: &Bundle<'_>, options: &Options) -> Result<Self> {
        let options = Options { on_size_change: OnSizeChange::Reprepare, ..options.clone() };
        Ok(Self { estimator: Estimator::new(bundle, &options)?, times: Vec::new(), overflowed: false })
    }

    /// Goes on with an engine on the CPU, for frames that a GPU has no room for. Times so far are kept.
    ///
    /// # Errors
    /// As [`Estimator::new`].
    pub fn go_on_with_cpu(&mut self, bundle: &Bundle<'_>, options: &Options) -> Result<()> {
        let on_cpu =
            Options { backend: cpu_backend(bundle), precision: Precision::Single, pipeline_cache: None, ..options.clone() };
        self.estimator = Self::with_options(bundle, &on_cpu)?.estimator;
        Ok(())
    }

    /// How the engine in use keeps maps and weights.
    pub fn precision(&self) -> Precision {
        self.estimator.precision()
    }

    /// The engine in use.
    pub fn backend(&self) -> Backend {
        self.estimator.backend()
    }

    /// Why it is no GPU, where one was looked for.
    pub fn fallback(&self) -> Option<dormouse::Error> {
        self.estimator.fallback()
    }

    /// What became of the file of compiled pipelines, for engines that have such.
    pub fn pipeline_cache(&self) -> Option<PipelineCacheReport> {
        self.estimator.pipeline_cache()
    }

    /// The model's configuration.
    pub fn config(&self) -> &Config {
        self.estimator.config()
    }

    /// Poses of one image.
    ///
    /// # Errors
    /// As [`Estimator::estimate`].
    pub fn poses(&mut self, image: &Image) -> Result<&Poses> {
        let frame = image.frame()?;
        let (mut times, mut mark) = (StageTimes::default(), Instant::now());
        let poses = self.estimator.estimate_observed(&frame, &mut |stage| {
            let now = Instant::now();
            // Top-down models pass each stage twice.
            *match stage {
                Stage::Preprocess => &mut times.preprocess,
                Stage::Infer => &mut times.infer,
                Stage::Decode => &mut times.decode,
            } += now - mark;
            mark = now;
        })?;
        self.overflowed = poses.overflow() != Overflow::default();
        self.times.push(times);
        Ok(poses)
    }

    /// Predicted instances of one image; their tracks are the classes of the model, in its order ([`class_names`]).
    ///
    /// # Errors
    /// As [`Estimator::estimate`].
    pub fn instances(&mut self, image: &Image) -> Result<Vec<LabelInstance>> {
        Ok(self.poses(image)?.iter().map(label_from_pose).collect())
    }

    /// Whether something did not fit into the planned capacities in the latest frame.
    pub fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// Latency of all frames so far.
    pub fn latency(&self) -> Latency {
        Latency::of(&self.times)
    }
}

/// Names of the individuals that a model knows, which are the tracks of its predictions; empty for other models.
pub fn class_names(config: &Config) -> Vec<String> {
    config.identity.as_ref().map_or_else(Vec::new, |identity| identity.classes.clone())
}

fn label_from_pose(pose: Instance<'_>) -> LabelInstance {
    let point = |k: &dormouse::Keypoint| {
        if !k.is_visible() {
            return LabelPoint::MISSING;
        }
        let (x_px, y_px) = (f64::from(k.position.x_px), f64::from(k.position.y_px));
        LabelPoint { x_px, y_px, visible: true, complete: false, score: f64::from(k.score) }
    };
    LabelInstance {
        kind: InstanceKind::Predicted,
        points: pose.keypoints.iter().map(point).collect(),
        track: pose.identity.map(|identity| identity.class),
        score: pose.score,
        tracking_score: pose.identity.map_or(0.0, |identity| identity.score),
        from_predicted: None,
    }
}
