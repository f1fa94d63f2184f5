//! `[train]`: the optimisation.

use crate::device::is_device_name;
use crate::model::HardKeypoints;
use crate::train::{EarlyStopping, HeadTraining, OptimizerConfig, Plateau, Precision, Schedule, StepDecay, TrainSpec};
use serde::{Deserialize, Serialize};

/// A run that is killed loses at most so much of its work.
const CHECKPOINT_EVERY_S: f64 = 60.0;

/// Batches, epochs and learning rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainSection {
    /// Images per batch, 1 to 1024. Default 4.
    pub batch_size: usize,
    /// Batches whose gradients are averaged for one step, 1 to 1024: `batch_size * accumulate` images then count like one batch
    /// that a small device could not hold. Default 1.
    pub accumulate: usize,
    /// Bundle (`.dorm`), `.onnx` file or checkpoint whose weights are the first ones, wherever name and shape of a layer are the same;
    /// empty: fresh weights. Default empty.
    pub start_from: String,
    /// Whether stem, down blocks and middle block keep the weights that they start with; needs `start_from`. Default false.
    pub freeze_encoder: bool,
    /// The rule that moves the weights.
    pub optimizer: OptimizerConfig,
    /// Epochs at most, 1 to 1000000. Default 200.
    pub epochs: usize,
    /// Steps per epoch, at least 1; 0: one pass over the samples, but at least `min_steps_per_epoch`. Default 0.
    pub steps_per_epoch: usize,
    /// Fewest steps per epoch when `steps_per_epoch` is 0. Default 200.
    pub min_steps_per_epoch: usize,
    /// First learning rate, above 0 and at most 1. Default 0.0001.
    pub learning_rate: f64,
    /// Steps over which the learning rate rises linearly from 0. Default 0.
    pub warmup_steps: usize,
    /// `plateau`, `step`, `cosine` or `constant`, each behind the warm-up. Default `plateau`.
    pub schedule: Schedule,
    /// Time limit in minutes; 0: none. Default 0.
    pub max_minutes: f64,
    /// Minutes of training between two measurements of the accuracy on validation frames, which make the learning curve; 0: none.
    /// Gaps grow to a tenth of the time trained and to fifty times the cost of a measurement. The clock of the training stands still
    /// meanwhile. A model with two networks is measured while the second one trains. Default 1.
    pub evaluate_every_minutes: f64,
    /// Validation frames that are measured on, 1 to 10000, spread evenly over all. Default 40.
    pub evaluate_frames: usize,
    /// `cpu`, `cuda`, `cuda:N`, `vulkan` or `vulkan:N`. Default `cpu`.
    pub device: String,
    /// `f32`, or `mixed` for bfloat16 maps with f32 weights where the device has bfloat16. Default `f32`.
    pub precision: Precision,
    /// Seed of weights, order and augmentation. Default 1.
    pub seed: u64,
    /// Threads that prepare batches, 1 to 64. Default 2.
    pub workers: usize,
    /// Early end.
    pub early_stopping: EarlyStopping,
    /// Reduction of the learning rate; `min_learning_rate` also ends the cosine.
    pub plateau: Plateau,
    /// Reductions of the schedule `step`.
    pub step_decay: StepDecay,
    /// Online hard keypoint mining: the worst channels count more. With `accumulate` they are chosen batch by batch.
    pub hard_keypoints: HardKeypoints,
}

impl Default for TrainSection {
    fn default() -> Self {
        Self {
            batch_size: 4,
            accumulate: 1,
            start_from: String::new(),
            freeze_encoder: false,
            optimizer: OptimizerConfig::default(),
            epochs: 200,
            steps_per_epoch: 0,
            min_steps_per_epoch: 200,
            learning_rate: 1e-4,
            warmup_steps: 0,
            schedule: Schedule::Plateau,
            max_minutes: 0.0,
            evaluate_every_minutes: 1.0,
            evaluate_frames: 40,
            device: "cpu".into(),
            precision: Precision::F32,
            seed: 1,
            workers: 2,
            early_stopping: EarlyStopping::default(),
            plateau: Plateau::default(),
            step_decay: StepDecay::default(),
            hard_keypoints: HardKeypoints::default(),
        }
    }
}

impl TrainSection {
    /// Steps per epoch for a number of training samples (SLEAP: floor(samples / images per step), but at least the minimum).
    pub fn steps(&self, samples: usize) -> usize {
        match self.steps_per_epoch {
            0 => (samples / (self.batch_size * self.accumulate).max(1)).max(self.min_steps_per_epoch).max(1),
            steps => steps,
        }
    }

    /// The plan of the run.
    pub fn spec(&self, heads: Vec<HeadTraining>, samples: usize, config_hash: String) -> TrainSpec {
        TrainSpec {
            heads,
            epochs: self.epochs,
            steps_per_epoch: self.steps(samples),
            accumulate: self.accumulate,
            optimizer: self.optimizer,
            frozen: Vec::new(),
            hard_keypoints: self.hard_keypoints,
            precision: self.precision,
            learning_rate: self.learning_rate,
            warmup_steps: self.warmup_steps,
            schedule: self.schedule,
            plateau: self.plateau,
            step_decay: self.step_decay,
            early_stopping: self.early_stopping,
            max_minutes: (self.max_minutes > 0.0).then_some(self.max_minutes),
            checkpoint_every_s: CHECKPOINT_EVERY_S,
            evaluate_every_s: 60.0 * self.evaluate_every_minutes,
            workers: self.workers,
            config_hash,
        }
    }

    pub(super) fn faults(&self, faults: &mut Vec<String>) {
        let mut check = |ok: bool, what: &str| {
            if !ok {
                faults.push(format!("train.{what}"));
            }
        };
        check((1..=1024).contains(&self.batch_size), "batch_size must be 1 to 1024");
        check((1..=1024).contains(&self.accumulate), "accumulate must be 1 to 1024");
        check((1..=1_000_000).contains(&self.epochs), "epochs must be 1 to 1000000");
        check(self.steps_per_epoch <= 1_000_000, "steps_per_epoch must be at most 1000000");
        check(self.min_steps_per_epoch <= 1_000_000, "min_steps_per_epoch must be at most 1000000");
        check(self.warmup_steps <= 1_000_000, "warmup_steps must be at most 1000000");
        check(self.learning_rate > 0.0 && self.learning_rate <= 1.0, "learning_rate must be above 0 and at most 1");
        check((0.0..=1e6).contains(&self.max_minutes), "max_minutes must be 0 to 1000000");
        check((0.0..=1e6).contains(&self.evaluate_every_minutes), "evaluate_every_minutes must be 0 to 1000000");
        check((1..=10_000).contains(&self.evaluate_frames), "evaluate_frames must be 1 to 10000");
        check((1..=64).contains(&self.workers), "workers must be 1 to 64");
        check(i64::try_from(self.seed).is_ok(), "seed must be 0 to 9223372036854775807");
        let has_weights = !self.freeze_encoder || !self.start_from.is_empty();
        check(has_weights, "freeze_encoder needs train.start_from: fresh weights must be trained");
        let p = &self.plateau;
        check(p.factor > 0.0 && p.factor < 1.0, "plateau.factor must be above 0 and below 1");
        check((1..=1_000_000).contains(&p.patience), "plateau.patience must be 1 to 1000000");
        check(p.cooldown <= 1_000_000, "plateau.cooldown must be at most 1000000");
        check((0.0..=1.0).contains(&p.min_learning_rate), "plateau.min_learning_rate must be 0 to 1");
        check(p.min_delta >= 0.0 && p.min_delta.is_finite(), "plateau.min_delta must be finite and not negative");
        let s = &self.step_decay;
        check((1..=1_000_000).contains(&s.every_epochs), "step_decay.every_epochs must be 1 to 1000000");
        check(s.factor > 0.0 && s.factor <= 1.0, "step_decay.factor must be above 0 and at most 1");
        let e = &self.early_stopping;
        check(e.patience <= 1_000_000, "early_stopping.patience must be at most 1000000");
        check(e.min_delta >= 0.0 && e.min_delta.is_finite(), "early_stopping.min_delta must be finite and not negative");
        self.hard_keypoints.faults().iter().for_each(|fault| check(false, &format!("hard_keypoints.{fault}")));
        self.optimizer.faults().iter().for_each(|fault| check(false, &format!("optimizer.{fault}")));
        check(is_device_name(&self.device), "device must be cpu, cuda, cuda:N, vulkan or vulkan:N");
    }
}
