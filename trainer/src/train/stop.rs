//! When to stop.

use super::checkpoint::Progress;
use super::events::StopReason;
use super::spec::{EarlyStopping, TrainSpec};
use std::sync::atomic::{AtomicBool, Ordering};

/// Takes an epoch's validation loss; says whether patience has run out.
pub fn out_of_patience(progress: &mut Progress, loss: f64, rule: &EarlyStopping) -> bool {
    if progress.stop_best.is_none_or(|best| loss < best - rule.min_delta) {
        progress.stop_best = Some(loss);
        progress.stale_epochs = 0;
    } else {
        progress.stale_epochs += 1;
    }
    rule.patience > 0 && progress.stale_epochs >= rule.patience
}

/// Whether to stop after this step, asked after every step.
pub fn after_step(spec: &TrainSpec, elapsed_s: f64, interrupted: &AtomicBool) -> Option<StopReason> {
    if interrupted.load(Ordering::Relaxed) {
        return Some(StopReason::Interrupted);
    }
    spec.max_minutes.is_some_and(|m| elapsed_s >= m * 60.0).then_some(StopReason::TimeLimit)
}
