//! Frames in, labels with predicted instances out.

use super::timing::{Latency, StageTimes};
use crate::dataset::{Image, InstanceKind, LabelInstance, LabelPoint};
use crate::error::Result;
use dormouse::{Bundle, Config, Estimator, Instance, OnSizeChange, Options, Overflow, Poses};
use std::time::Instant;

/// An estimator with a stop-watch.
pub struct Predictor {
    estimator: Estimator,
    times: Vec<StageTimes>,
    overflowed: bool,
}

impl Predictor {
    /// Prepares a bundle for offline work: frames of any size, `threads` for the engine.
    ///
    /// # Errors
    /// As [`Estimator::new`].
    pub fn new(bundle: &Bundle<'_>, threads: usize, self_test: bool) -> Result<Self> {
        let options = Options { threads, self_test, on_size_change: OnSizeChange::Reprepare, ..Options::default() };
        Ok(Self { estimator: Estimator::new(bundle, &options)?, times: Vec::new(), overflowed: false })
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
        let mut marks = [Instant::now(); 4];
        self.estimator.preprocess(&frame)?;
        marks[1] = Instant::now();
        self.estimator.infer()?;
        marks[2] = Instant::now();
        let poses = self.estimator.decode()?;
        marks[3] = Instant::now();
        let [preprocess, infer, decode] = std::array::from_fn(|i| marks[i + 1] - marks[i]);
        self.overflowed = poses.overflow() != Overflow::default();
        self.times.push(StageTimes { preprocess, infer, decode });
        Ok(poses)
    }

    /// Predicted instances of one image.
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
        track: None,
        score: pose.score,
        tracking_score: 0.0,
        from_predicted: None,
    }
}
