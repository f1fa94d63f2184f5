//! The loop itself.

use super::accumulate::Accumulated;
use super::accuracy::{MeasureAccuracy, Moment, Pace};
use super::checkpoint::{Checkpoint, Progress, load_weights};
use super::events::{Event, EventSink, StopReason};
use super::gradients::{Objective, loss_and_gradients};
use super::loader::{Loader, Prepare, batches_ahead};
use super::log::{EpochLog, EpochRow};
use super::memory::{MemoryEstimate, available_memory, with_advice};
use super::optimizer::Optimizer;
use super::schedule::learning_rate;
use super::silence::Silence;
use super::spec::{Schedule, TrainSpec};
use super::stop::{after_step, out_of_patience};
use super::validate::{Validated, validate};
use crate::batch::{Batch, BatchSource};
use crate::device::is_cpu;
use crate::error::{Error, Result};
use crate::loss::weighted_sum;
use crate::model::{PoseNet, forward_flops, parameter_count};
use dormouse::config::HeadKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// Name of the best checkpoint in the run folder.
pub const BEST: &str = "best.ckpt";
/// Name of the newest checkpoint in the run folder.
pub const LAST: &str = "last.ckpt";
/// Name of the log in the run folder.
pub const LOG: &str = "training_log.csv";

/// How a training ended.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainSummary {
    /// Why it ended.
    pub reason: StopReason,
    /// Completed epochs, earlier sessions included.
    pub epochs: usize,
    /// Steps taken, earlier sessions included.
    pub steps: u64,
    /// Epoch with the lowest validation loss; 0 when there was none.
    pub best_epoch: usize,
    /// That loss.
    pub best_loss: f64,
    /// Training loss of the last epoch.
    pub train_loss: f64,
    /// Seconds trained, earlier sessions included; measurements of the accuracy do not count.
    pub elapsed_s: f64,
    /// Seconds that this session spent on such measurements.
    pub measuring_s: f64,
    /// Checkpoint with the lowest validation loss.
    pub best_checkpoint: PathBuf,
}

/// What a training is judged by.
pub struct Validation<'a> {
    /// Batches whose loss is taken after every epoch. They should not be augmented; when there is none, the training loss takes
    /// the validation loss's place.
    pub batches: &'a dyn BatchSource,
    /// Measures the accuracy every [`TrainSpec::evaluate_every_s`] seconds and, when that was reached, at the end with the best
    /// weights. The clock of the training stands still meanwhile, and nothing of the training depends on it.
    pub accuracy: Option<&'a mut dyn MeasureAccuracy>,
}

impl<'a> Validation<'a> {
    /// Losses alone.
    pub fn losses(batches: &'a dyn BatchSource) -> Self {
        Self { batches, accuracy: None }
    }
}

/// Trains until the epochs, the patience or the time are used up or `interrupted` is set, and leaves `best.ckpt`, `last.ckpt`
/// and `training_log.csv` in `run_dir`. With `resume` it goes on where that checkpoint stood, with the same result as if it had
/// never stopped. `net` holds the weights with the lowest validation loss afterwards, those of `best.ckpt`; the last ones are in
/// `last.ckpt`.
///
/// # Errors
/// When a batch cannot be prepared, does not fit or gives a loss that is not finite, and when a file cannot be written.
#[expect(clippy::too_many_arguments, reason = "each is a different thing that only the caller has")]
pub fn train(
    net: &mut PoseNet,
    spec: &TrainSpec,
    train_batches: Arc<dyn BatchSource>,
    validation: Validation<'_>,
    resume: Option<&Checkpoint>,
    sink: &mut dyn EventSink,
    interrupted: &AtomicBool,
    run_dir: &Path,
) -> Result<TrainSummary> {
    std::fs::create_dir_all(run_dir).map_err(|e| Error::io("create", run_dir, e))?;
    let memory = memory_needed(net, spec, &train_batches.batch(0, 0)?)?;
    // Lets the borrow of the meter end with this function.
    let accuracy = validation.accuracy.map(|meter| meter as &mut dyn MeasureAccuracy);
    let validation = Validation { accuracy, ..validation };
    let mut run = Run::start(net, spec, validation, resume, memory, sink, run_dir)?;
    let mut loader = run.loader(train_batches)?;
    let reason = run.epochs(&mut loader, interrupted)?;
    run.finish(reason)
}

struct Run<'a> {
    net: &'a mut PoseNet,
    spec: &'a TrainSpec,
    validation: Validation<'a>,
    pace: Pace,
    sink: &'a mut dyn EventSink,
    run_dir: &'a Path,
    optimizer: Optimizer,
    progress: Progress,
    log: EpochLog,
    objective: Objective,
    started: Instant,
    elapsed_before_s: f64,
    measuring_s: f64,
    /// Seconds trained when the last checkpoint was written.
    saved_s: f64,
    train_loss: f64,
    silence: Silence,
}

impl<'a> Run<'a> {
    fn start(
        net: &'a mut PoseNet,
        spec: &'a TrainSpec,
        validation: Validation<'a>,
        resume: Option<&Checkpoint>,
        memory: MemoryEstimate,
        sink: &'a mut dyn EventSink,
        run_dir: &'a Path,
    ) -> Result<Self> {
        let counts = [spec.steps_per_epoch, spec.epochs, spec.accumulate];
        if spec.heads.len() != net.config().heads.len() || counts.contains(&0) {
            return Err(Error::Train("one weight per head and at least one epoch of one step of one batch are needed".into()));
        }
        let (optimizer, progress) = match resume {
            None => (Optimizer::new(net, spec.optimizer), Progress::new(spec.learning_rate, spec.heads.len())),
            Some(saved) => resumed(net, spec, saved)?,
        };
        let log = EpochLog::open(&run_dir.join(LOG), spec, &progress)?;
        let side = net.config().backbone.max_stride();
        sink.event(&Event::TrainStarted {
            parameters: parameter_count(net.plan()),
            flops_per_px: forward_flops(net.plan(), side, side) as f64 / (side * side) as f64,
            memory,
            epochs: spec.epochs,
            steps_per_epoch: spec.steps_per_epoch,
            max_minutes: spec.max_minutes,
            heads: spec.heads.iter().map(|h| h.name.clone()).collect(),
            first_epoch: progress.epoch + 1,
        });
        let weights = spec.heads.iter().map(|h| h.weight).collect();
        let objective = Objective { weights, hard_keypoints: spec.hard_keypoints, precision: spec.precision };
        let elapsed_before_s = progress.elapsed_s;
        Ok(Self {
            net,
            spec,
            validation,
            pace: Pace::new(spec.evaluate_every_s, elapsed_before_s),
            sink,
            run_dir,
            optimizer,
            progress,
            log,
            objective,
            started: Instant::now(),
            elapsed_before_s,
            measuring_s: 0.0,
            saved_s: elapsed_before_s,
            train_loss: f64::NAN,
            silence: Silence::default(),
        })
    }

    fn loader(&self, batches: Arc<dyn BatchSource>) -> Result<Loader> {
        let accumulate = self.spec.accumulate as u64;
        let per_epoch = self.spec.steps_per_epoch as u64 * accumulate;
        let prepare: Prepare = Arc::new(move |n| batches.batch((n / per_epoch) as usize, (n % per_epoch) as usize));
        let start = self.progress.epoch as u64 * per_epoch + self.progress.step_in_epoch as u64 * accumulate;
        Loader::start(prepare, start, self.spec.epochs as u64 * per_epoch, self.spec.workers)
    }

    fn elapsed_s(&self) -> f64 {
        self.elapsed_before_s + self.started.elapsed().as_secs_f64() - self.measuring_s
    }

    /// Measures the weights as they are and stops the clock meanwhile.
    fn measure(&mut self, is_best: bool) -> Result<()> {
        let elapsed_s = self.elapsed_s();
        let Some(meter) = &mut self.validation.accuracy else { return Ok(()) };
        let begin = Instant::now();
        let epoch = if is_best { self.progress.best_epoch } else { self.progress.epoch + 1 };
        let at = Moment { epoch, step: self.optimizer.steps(), elapsed_s, is_best };
        let accuracy = meter.measure(self.net, at)?;
        self.pace.measured(elapsed_s, accuracy.cost_s);
        self.sink.event(&Event::AccuracyMeasured { at, accuracy });
        self.measuring_s += begin.elapsed().as_secs_f64();
        Ok(())
    }

    fn epochs(&mut self, loader: &mut Loader, interrupted: &AtomicBool) -> Result<StopReason> {
        while let Some(batch) = loader.next_batch() {
            self.step(&batch?, loader)?;
            let stop = after_step(self.spec, self.elapsed_s(), interrupted);
            if stop == Some(StopReason::Interrupted) && self.progress.step_in_epoch < self.spec.steps_per_epoch {
                // Saved in the middle of the epoch: a resumed training finishes it.
                return Ok(StopReason::Interrupted);
            }
            if self.progress.step_in_epoch == self.spec.steps_per_epoch || stop.is_some() {
                let exhausted = self.end_epoch()?;
                match (stop, exhausted) {
                    (Some(reason), _) => return Ok(reason),
                    (None, true) => return Ok(StopReason::EarlyStopping),
                    (None, false) => {}
                }
            }
            let is_inside = self.progress.step_in_epoch > 0;
            if is_inside && self.elapsed_s() - self.saved_s >= self.spec.checkpoint_every_s {
                self.save(LAST)?;
            }
            // After the last step the best weights are measured.
            if self.progress.epoch < self.spec.epochs && self.pace.is_due(self.elapsed_s()) {
                self.measure(false)?;
            }
        }
        Ok(StopReason::Finished)
    }

    /// One step on `batch` and, with accumulation, those that follow it.
    fn step(&mut self, batch: &Batch, loader: &mut Loader) -> Result<()> {
        let rate = learning_rate(self.spec, &self.progress.plateau, self.optimizer.steps(), self.elapsed_s());
        let (losses, gradients) = loss_and_gradients(self.net, batch, &self.objective).map_err(with_advice)?;
        let mut sum = Accumulated::new(batch.len(), losses, gradients);
        for _ in 1..self.spec.accumulate {
            let Some(batch) = loader.next_batch() else { break };
            let batch = batch?;
            let (losses, gradients) = loss_and_gradients(self.net, &batch, &self.objective).map_err(with_advice)?;
            sum.add(batch.len(), &losses, gradients);
        }
        let (images, losses, gradients) = sum.into_parts();
        let loss = weighted_sum(&losses, &self.objective.weights);
        let (epoch, step) = (self.progress.epoch + 1, self.progress.step_in_epoch + 1);
        if !loss.is_finite() {
            let advice = "lower the learning rate or look at the images and labels of this step";
            return Err(Error::Train(format!(
                "the loss is {loss} at epoch {epoch}, step {step} (head losses {losses:?}); {advice}"
            )));
        }
        self.optimizer.update(self.net, gradients, &self.spec.frozen, rate);
        for (sum, loss) in self.progress.loss_sums.iter_mut().zip(&losses) {
            *sum += loss;
        }
        self.progress.step_in_epoch = step;
        let elapsed_s = self.elapsed_s();
        let steps_per_epoch = self.spec.steps_per_epoch;
        self.sink.event(&Event::Step { epoch, step, steps_per_epoch, loss, learning_rate: rate, images, elapsed_s });
        Ok(())
    }

    /// Validates, adapts the learning rate and saves. Returns whether patience has run out.
    fn end_epoch(&mut self) -> Result<bool> {
        let steps = self.progress.step_in_epoch.max(1) as f64;
        let train_heads: Vec<f64> = self.progress.loss_sums.iter().map(|s| s / steps).collect();
        let train_loss = weighted_sum(&train_heads, &self.objective.weights);
        self.train_loss = train_loss;
        let validated = validate(self.net, self.validation.batches, &self.spec.hard_keypoints)?;
        let val_heads = validated.as_ref().map_or_else(|| train_heads.clone(), |v| v.losses.clone());
        let val_loss = weighted_sum(&val_heads, &self.objective.weights);
        self.progress.epoch += 1;
        self.progress.step_in_epoch = 0;
        self.progress.loss_sums.fill(0.0);
        let is_best = self.progress.best_loss.is_none_or(|best| val_loss < best);
        if is_best {
            self.progress.best_loss = Some(val_loss);
            self.progress.best_epoch = self.progress.epoch;
        }
        let rate = learning_rate(self.spec, &self.progress.plateau, self.optimizer.steps().saturating_sub(1), self.elapsed_s());
        let exhausted = out_of_patience(&mut self.progress, val_loss, &self.spec.early_stopping);
        let (epoch, elapsed_s) = (self.progress.epoch, self.elapsed_s());
        self.sink.event(&Event::EpochEnded {
            epoch,
            train_loss,
            train_head_losses: train_heads.clone(),
            val_loss,
            val_head_losses: val_heads.clone(),
            learning_rate: rate,
            is_best,
            elapsed_s,
        });
        if let Some(validated) = validated {
            self.look_for_silence(&validated, rate);
        }
        self.log.append(&EpochRow { epoch, train_loss, train_heads, val_loss, val_heads, learning_rate: rate, elapsed_s })?;
        self.adapt_rate(val_loss);
        if is_best {
            self.save(BEST)?;
        }
        self.save(LAST)?;
        Ok(exhausted)
    }

    fn look_for_silence(&mut self, validated: &Validated, learning_rate: f64) {
        let kinds: Vec<HeadKind> = self.net.config().heads.iter().map(|head| head.kind).collect();
        if let Some(epochs) = self.silence.epoch(&kinds, &validated.losses, &validated.empty) {
            self.sink.event(&Event::NothingLearned { epochs, learning_rate });
        }
    }

    fn adapt_rate(&mut self, val_loss: f64) {
        let from = self.progress.plateau.learning_rate;
        if self.spec.schedule == Schedule::Plateau
            && let Some(to) = self.progress.plateau.epoch(val_loss, &self.spec.plateau)
        {
            self.sink.event(&Event::LearningRateReduced { from, to });
        }
    }

    fn save(&mut self, name: &str) -> Result<()> {
        self.progress.elapsed_s = self.elapsed_s();
        let path = self.run_dir.join(name);
        Checkpoint::capture(self.net, &self.optimizer, &self.progress, &self.spec.config_hash)?.write(&path)?;
        self.saved_s = self.elapsed_s();
        self.sink.event(&Event::CheckpointWritten { path, is_best: name == BEST });
        Ok(())
    }

    fn finish(mut self, reason: StopReason) -> Result<TrainSummary> {
        if reason == StopReason::Interrupted {
            self.save(LAST)?;
        }
        let best_loss = self.progress.best_loss.unwrap_or(f64::NAN);
        let (epoch, best_epoch) = (self.progress.epoch, self.progress.best_epoch);
        self.sink.event(&Event::Stopped { reason, epoch, best_epoch, best_loss });
        if best_epoch > 0 {
            load_weights(&self.run_dir.join(BEST), self.net)?;
            let has_curve = self.validation.accuracy.as_ref().is_some_and(|meter| meter.has_begun());
            if has_curve && reason != StopReason::Interrupted {
                self.measure(true)?;
            }
        }
        Ok(TrainSummary {
            reason,
            epochs: epoch,
            steps: self.optimizer.steps(),
            best_epoch,
            best_loss,
            train_loss: self.train_loss,
            elapsed_s: self.elapsed_s(),
            measuring_s: self.measuring_s,
            best_checkpoint: self.run_dir.join(BEST),
        })
    }
}

/// The estimate for batches like this one; an error when it will not fit.
pub(crate) fn memory_needed(net: &PoseNet, spec: &TrainSpec, batch: &Batch) -> Result<MemoryEstimate> {
    let [images, _, height_px, width_px] = batch.images.1;
    let ahead = batches_ahead(spec.workers);
    let memory = MemoryEstimate::new(net.plan(), images, [width_px, height_px], spec.optimizer.moments(), ahead);
    // Of other devices it is not known how much memory is free.
    memory.check(available_memory().filter(|_| is_cpu(net.device())))?;
    Ok(memory)
}

fn resumed(net: &mut PoseNet, spec: &TrainSpec, saved: &Checkpoint) -> Result<(Optimizer, Progress)> {
    if saved.network != *net.config() || saved.progress.loss_sums.len() != spec.heads.len() {
        return Err(Error::Train("the checkpoint belongs to another network".into()));
    }
    if saved.progress.step_in_epoch >= spec.steps_per_epoch {
        return Err(Error::Train("the checkpoint stands beyond the end of an epoch: steps_per_epoch has changed".into()));
    }
    net.set_flat(&saved.weights)?;
    let optimizer = Optimizer::restore(net, spec.optimizer, &saved.optimizer)?;
    Ok((optimizer, saved.progress.clone()))
}

#[cfg(test)]
mod tests;
