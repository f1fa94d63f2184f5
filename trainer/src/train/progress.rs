//! Events for people at a terminal.

use super::accuracy::{Accuracy, Moment};
use super::events::{Event, EventSink};
use crate::terminal::tell;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;

/// Steps over which the shown loss is smoothed.
const SMOOTHING: f64 = 0.9;

/// Shows events on standard error: a live bar on a terminal, one plain line per epoch elsewhere.
pub struct TerminalProgress {
    bar: Option<ProgressBar>,
    epochs: usize,
    max_minutes: Option<f64>,
    smoothed: Option<f64>,
    first_elapsed_s: f64,
    steps_seen: usize,
}

impl Default for TerminalProgress {
    fn default() -> Self {
        Self::new()
    }
}

impl TerminalProgress {
    /// A live bar if standard error is a terminal.
    pub fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| ProgressBar::new(0).with_style(style()));
        Self { bar, epochs: 0, max_minutes: None, smoothed: None, first_elapsed_s: 0.0, steps_seen: 0 }
    }

    /// Plain lines, whatever standard error is.
    pub fn plain() -> Self {
        Self { bar: None, ..Self::new() }
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| tell(line)),
            None => tell(line),
        }
    }

    fn step(&mut self, epoch: usize, step: usize, steps_per_epoch: usize, loss: f64, elapsed_s: f64) {
        let smoothed = self.smoothed.map_or(loss, |s| SMOOTHING * s + (1.0 - SMOOTHING) * loss);
        self.smoothed = Some(smoothed);
        if self.steps_seen == 0 {
            self.first_elapsed_s = elapsed_s;
        }
        let per_step = (elapsed_s - self.first_elapsed_s) / self.steps_seen.max(1) as f64;
        self.steps_seen += 1;
        let Some(bar) = &self.bar else { return };
        bar.set_length(steps_per_epoch as u64);
        bar.set_position(step as u64);
        bar.set_prefix(format!("epoch {epoch}/{}", self.epochs));
        let by_steps = per_step * ((self.epochs.saturating_sub(epoch)) * steps_per_epoch + steps_per_epoch - step) as f64;
        let by_time = self.max_minutes.map_or(f64::INFINITY, |m| m * 60.0 - elapsed_s);
        let left = clock(by_steps.min(by_time));
        bar.set_message(format!("loss {smoothed:.3e}  {:.1} steps/s  {left} left at most", 1.0 / per_step.max(1e-9)));
    }
}

fn style() -> ProgressStyle {
    let template = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len}  {msg}");
    template.unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn clock(seconds: f64) -> String {
    let s = Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default().as_secs();
    if s >= 3600 { format!("{}h{:02}m", s / 3600, s / 60 % 60) } else { format!("{}m{:02}s", s / 60, s % 60) }
}

/// One line for an event, or nothing for those that come too often.
pub fn line(event: &Event) -> Option<String> {
    match event {
        Event::TrainStarted { parameters, memory, epochs, steps_per_epoch, first_epoch, max_minutes, .. } => {
            let limit = max_minutes.map_or(String::new(), |m| format!(", at most {} minutes", (m * 100.0).round() / 100.0));
            let from = if *first_epoch > 1 { format!(", from epoch {first_epoch}") } else { String::new() };
            let plan = format!("{epochs} epochs of {steps_per_epoch} steps{from}{limit}");
            Some(format!("training {parameters} parameters: {plan}; {memory}"))
        }
        Event::EpochEnded { epoch, train_loss, val_loss, val_head_losses, learning_rate, is_best, elapsed_s, .. } => {
            let heads: Vec<String> = val_head_losses.iter().map(|l| format!("{l:.3e}")).collect();
            let mark = if *is_best { "  best so far" } else { "" };
            let (clock, heads) = (clock(*elapsed_s), heads.join(" + "));
            Some(format!(
                "epoch {epoch:>4}  {clock}  loss {train_loss:.4e}  validation {val_loss:.4e} ({heads})  rate {learning_rate:.1e}{mark}"
            ))
        }
        Event::AccuracyMeasured { at, accuracy } => Some(accuracy_line(at, accuracy)),
        Event::NothingLearned { epochs, learning_rate } => Some(format!(
            "warning: for {epochs} epochs the network has given nothing but empty maps. If this goes on, stop it and try a smaller \
             train.learning_rate (now {learning_rate:.1e}), a larger train.warmup_steps or model.init = \"fitted\""
        )),
        Event::LearningRateReduced { from, to } => Some(format!("learning rate {from:.1e} -> {to:.1e}")),
        Event::Stopped { reason, epoch, best_epoch, best_loss } => {
            let why = reason.describe();
            if *best_epoch == 0 {
                return Some(format!("stopped before the first epoch was over: {why}"));
            }
            Some(format!("stopped after epoch {epoch}: {why}; best validation loss {best_loss:.4e} in epoch {best_epoch}"))
        }
        Event::Step { .. } | Event::CheckpointWritten { .. } => None,
    }
}

fn accuracy_line(at: &Moment, accuracy: &Accuracy) -> String {
    let shown = |value: Option<f64>, scale: f64, digits: usize| {
        value.map_or_else(|| "-".to_owned(), |value| format!("{:.digits$}", value * scale))
    };
    let found = if accuracy.moks_all.is_some() || accuracy.recall.is_none() {
        format!("mOKS {}  mAP {}", shown(accuracy.moks, 1.0, 3), shown(accuracy.map, 1.0, 3))
    } else {
        // Of centres there is no more to say than whether they are there.
        format!("precision {}  recall {}", shown(accuracy.precision, 1.0, 3), shown(accuracy.recall, 1.0, 3))
    };
    format!(
        "accuracy    {}  {}  median {} px  within 5 px {} %  on {} frames{} ({:.1} s, not counted)",
        clock(at.elapsed_s),
        found,
        shown(accuracy.median_px, 1.0, 2),
        shown(accuracy.pck_5px, 100.0, 1),
        accuracy.frames,
        if at.is_best { ", best weights" } else { "" },
        accuracy.cost_s,
    )
}

impl EventSink for TerminalProgress {
    fn event(&mut self, event: &Event) {
        match event {
            Event::TrainStarted { epochs, max_minutes, .. } => {
                self.epochs = *epochs;
                self.max_minutes = *max_minutes;
            }
            Event::Step { epoch, step, steps_per_epoch, loss, elapsed_s, .. } => {
                self.step(*epoch, *step, *steps_per_epoch, *loss, *elapsed_s);
            }
            Event::Stopped { .. } => {
                if let Some(bar) = &self.bar {
                    bar.finish_and_clear();
                }
            }
            Event::EpochEnded { .. }
            | Event::AccuracyMeasured { .. }
            | Event::CheckpointWritten { .. }
            | Event::NothingLearned { .. }
            | Event::LearningRateReduced { .. } => {}
        }
        if let Some(line) = line(event) {
            self.say(&line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::events::StopReason;

    #[test]
    fn lines_say_what_matters() {
        let end = Event::Stopped { reason: StopReason::TimeLimit, epoch: 3, best_epoch: 2, best_loss: 0.5 };
        let text = line(&end).unwrap();
        assert!(text.contains("epoch 3") && text.contains("time limit") && text.contains("5.0000e-1"), "{text}");
        let early = Event::Stopped { reason: StopReason::Interrupted, epoch: 0, best_epoch: 0, best_loss: f64::NAN };
        assert!(line(&early).is_some_and(|text| text.contains("before the first epoch") && !text.contains("NaN")));
        let accuracy = Accuracy {
            frames: 20,
            precision: Some(0.75),
            recall: Some(1.0),
            moks: Some(0.8),
            moks_all: Some(0.7),
            map: None,
            median_px: Some(2.5),
            pck_5px: Some(0.75),
            cost_s: 0.6,
        };
        let at = Moment { epoch: 3, step: 90, elapsed_s: 60.0, is_best: true };
        let text = line(&Event::AccuracyMeasured { at, accuracy }).unwrap();
        for part in ["1m00s", "mOKS 0.800", "mAP -", "median 2.50 px", "75.0 %", "20 frames", "best weights", "not counted"] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
        let centers = Accuracy { moks: None, moks_all: None, ..accuracy };
        let text = line(&Event::AccuracyMeasured { at, accuracy: centers }).unwrap();
        assert!(text.contains("precision 0.750  recall 1.000  median") && !text.contains("mOKS"), "{text}");
        assert_eq!(clock(3725.0), "1h02m");
        assert_eq!(clock(65.0), "1m05s");
    }
}
