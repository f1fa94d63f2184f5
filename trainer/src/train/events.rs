//! What happens during training, for terminals, logs and pages.

use super::accuracy::{Accuracy, Moment};
use super::memory::MemoryEstimate;
use serde::Serialize;
use std::path::PathBuf;

/// Why the training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// All epochs are done.
    Finished,
    /// The validation loss no longer fell.
    EarlyStopping,
    /// The time limit.
    TimeLimit,
    /// Ctrl-C.
    Interrupted,
}

impl StopReason {
    /// A few words for people.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Finished => "all epochs done",
            Self::EarlyStopping => "the validation loss no longer falls",
            Self::TimeLimit => "time limit reached",
            Self::Interrupted => "interrupted",
        }
    }
}

/// One happening. Losses are weighted sums unless a head is named; epochs and steps count from 1.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Before the first step.
    TrainStarted {
        /// Trainable numbers.
        parameters: usize,
        /// Floating-point operations of a forward pass per input pixel.
        flops_per_px: f64,
        /// Memory that the training takes, estimated from its first batch.
        memory: MemoryEstimate,
        /// Epochs at most.
        epochs: usize,
        /// Steps per epoch.
        steps_per_epoch: usize,
        /// Time limit.
        max_minutes: Option<f64>,
        /// Head names.
        heads: Vec<String>,
        /// Epoch that comes first, larger than 1 when resumed.
        first_epoch: usize,
    },
    /// After every step.
    Step {
        /// Epoch.
        epoch: usize,
        /// Step in the epoch.
        step: usize,
        /// Steps per epoch.
        steps_per_epoch: usize,
        /// Loss of this step.
        loss: f64,
        /// Learning rate of this step.
        learning_rate: f64,
        /// Images in the batch.
        images: usize,
        /// Seconds since the training began, earlier sessions included.
        elapsed_s: f64,
    },
    /// After an epoch's validation.
    EpochEnded {
        /// Epoch.
        epoch: usize,
        /// Mean training loss.
        train_loss: f64,
        /// Mean training loss per head, without weights.
        train_head_losses: Vec<f64>,
        /// Validation loss.
        val_loss: f64,
        /// Validation loss per head, without weights.
        val_head_losses: Vec<f64>,
        /// Learning rate at the end.
        learning_rate: f64,
        /// Whether this is the lowest validation loss so far.
        is_best: bool,
        /// Seconds since the training began, earlier sessions included.
        elapsed_s: f64,
    },
    /// The model was measured on validation frames.
    AccuracyMeasured {
        /// Which weights, and when.
        at: Moment,
        /// The figures.
        accuracy: Accuracy,
    },
    /// A checkpoint was saved.
    CheckpointWritten {
        /// The file.
        path: PathBuf,
        /// Whether it is the best one.
        is_best: bool,
    },
    /// For some epochs in a row the network has done no better than maps that are zero everywhere.
    NothingLearned {
        /// Epochs in a row.
        epochs: usize,
        /// Learning rate of the last of them.
        learning_rate: f64,
    },
    /// The plateau schedule reduced the learning rate.
    LearningRateReduced {
        /// Before.
        from: f64,
        /// After.
        to: f64,
    },
    /// The end.
    Stopped {
        /// Why.
        reason: StopReason,
        /// Last epoch.
        epoch: usize,
        /// Epoch with the lowest validation loss; 0 when there was none.
        best_epoch: usize,
        /// That loss.
        best_loss: f64,
    },
}

/// Receives events, in order, on the training thread.
pub trait EventSink {
    /// Takes one event. It must return quickly.
    fn event(&mut self, event: &Event);
}

impl EventSink for Vec<Event> {
    fn event(&mut self, event: &Event) {
        self.push(event.clone());
    }
}

/// Hands every event to several receivers.
#[derive(Default)]
pub struct Fanout<'a>(pub Vec<&'a mut dyn EventSink>);

impl EventSink for Fanout<'_> {
    fn event(&mut self, event: &Event) {
        for sink in &mut self.0 {
            sink.event(event);
        }
    }
}
