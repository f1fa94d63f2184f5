//! Everything the training loop must know beside network and batches.

use super::optimizer::OptimizerConfig;
use super::precision::Precision;
use crate::model::HardKeypoints;
use serde::{Deserialize, Serialize};

/// How the learning rate changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Never.
    Constant,
    /// Reduced when the validation loss stops falling (SLEAP).
    #[default]
    Plateau,
    /// Multiplied by a factor every so many epochs.
    Step,
    /// Half a cosine from the start value to the smallest, over the planned steps or the time limit, whichever is nearer to
    /// its end. With a time limit the result depends on the machine's speed.
    Cosine,
}

/// Reduction of the learning rate on a plateau (SLEAP's numbers as defaults).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plateau {
    /// Factor on the learning rate, between 0 and 1; default 0.5.
    pub factor: f64,
    /// Epochs without improvement before a reduction; default 5.
    pub patience: usize,
    /// Epochs after a reduction that do not count; default 3.
    pub cooldown: usize,
    /// The learning rate never falls below it; default 1e-8.
    pub min_learning_rate: f64,
    /// Smallest drop of the validation loss that counts as an improvement; default 1e-8, as in SLEAP's profiles.
    pub min_delta: f64,
}

impl Default for Plateau {
    fn default() -> Self {
        Self { factor: 0.5, patience: 5, cooldown: 3, min_learning_rate: 1e-8, min_delta: 1e-8 }
    }
}

/// Reduction of the learning rate by the calendar (SLEAP-NN's numbers as defaults).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StepDecay {
    /// Epochs between two reductions, at least 1; default 10.
    pub every_epochs: usize,
    /// Factor on the learning rate, above 0 and at most 1; default 0.1.
    pub factor: f64,
}

impl Default for StepDecay {
    fn default() -> Self {
        Self { every_epochs: 10, factor: 0.1 }
    }
}

/// End of training when the validation loss stops falling.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EarlyStopping {
    /// Epochs without improvement before the training ends; 0 switches it off; default 10.
    pub patience: usize,
    /// Smallest drop of the validation loss that counts as an improvement; default 1e-8.
    pub min_delta: f64,
}

impl Default for EarlyStopping {
    fn default() -> Self {
        Self { patience: 10, min_delta: 1e-8 }
    }
}

/// A head as the loop sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadTraining {
    /// Name in log and events.
    pub name: String,
    /// Weight of its loss.
    pub weight: f32,
}

/// Plan of one training run.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainSpec {
    /// Heads in network order.
    pub heads: Vec<HeadTraining>,
    /// Epochs at most.
    pub epochs: usize,
    /// Steps per epoch.
    pub steps_per_epoch: usize,
    /// Batches whose gradients are averaged for one step, at least 1.
    pub accumulate: usize,
    /// The rule that moves the weights.
    pub optimizer: OptimizerConfig,
    /// Layers that stay as they are, one flag per layer; empty: none.
    pub frozen: Vec<bool>,
    /// Online hard keypoint mining.
    pub hard_keypoints: HardKeypoints,
    /// Numbers of the maps, where the device has a choice.
    pub precision: Precision,
    /// First learning rate.
    pub learning_rate: f64,
    /// Steps over which the learning rate rises linearly from 0.
    pub warmup_steps: usize,
    /// How it changes.
    pub schedule: Schedule,
    /// Used with [`Schedule::Plateau`]; its smallest rate also ends the cosine.
    pub plateau: Plateau,
    /// Used with [`Schedule::Step`].
    pub step_decay: StepDecay,
    /// Early end.
    pub early_stopping: EarlyStopping,
    /// Time limit in minutes; the step under way is finished, then validated and saved.
    pub max_minutes: Option<f64>,
    /// Seconds of training between two checkpoints inside an epoch; one more is written at the end of every epoch.
    pub checkpoint_every_s: f64,
    /// Seconds of training between two measurements of the accuracy; 0: none.
    pub evaluate_every_s: f64,
    /// Threads that prepare batches, 1 to 64.
    pub workers: usize,
    /// Hash of the configuration, stored in checkpoints.
    pub config_hash: String,
}
