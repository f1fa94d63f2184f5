//! Learning rate over time.

use super::exact;
use super::spec::{Plateau, Schedule, TrainSpec};
use serde::{Deserialize, Serialize};

/// Counts epochs without improvement.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PlateauState {
    /// Learning rate before warm-up.
    #[serde(with = "exact::one")]
    pub learning_rate: f64,
    /// Lowest loss seen; `None` before the first.
    #[serde(with = "exact::maybe")]
    pub best: Option<f64>,
    /// Epochs since.
    pub waited: usize,
    /// Epochs of cooldown left.
    pub cooldown: usize,
}

impl PlateauState {
    /// Before the first epoch.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, best: None, waited: 0, cooldown: 0 }
    }

    /// Takes an epoch's validation loss; returns the new learning rate when it was reduced (Keras' ReduceLROnPlateau).
    pub fn epoch(&mut self, loss: f64, plateau: &Plateau) -> Option<f64> {
        if self.cooldown > 0 {
            self.cooldown -= 1;
            self.waited = 0;
        }
        if self.best.is_none_or(|best| loss < best - plateau.min_delta) {
            self.best = Some(loss);
            self.waited = 0;
            return None;
        }
        if self.cooldown > 0 {
            return None;
        }
        self.waited += 1;
        if self.waited < plateau.patience.max(1) || self.learning_rate <= plateau.min_learning_rate {
            return None;
        }
        self.learning_rate = (self.learning_rate * plateau.factor).max(plateau.min_learning_rate);
        self.cooldown = plateau.cooldown;
        self.waited = 0;
        Some(self.learning_rate)
    }
}

/// Learning rate of global step `step` (from 0) after `elapsed_s` seconds.
pub fn learning_rate(spec: &TrainSpec, plateau: &PlateauState, step: u64, elapsed_s: f64) -> f64 {
    let full = match spec.schedule {
        Schedule::Constant => spec.learning_rate,
        Schedule::Plateau => plateau.learning_rate,
        Schedule::Step => {
            let epoch = step / spec.steps_per_epoch.max(1) as u64;
            let reductions = epoch / spec.step_decay.every_epochs.max(1) as u64;
            spec.learning_rate * spec.step_decay.factor.powi(reductions.min(i32::MAX as u64) as i32)
        }
        Schedule::Cosine => {
            let planned = (spec.epochs * spec.steps_per_epoch).max(1) as f64;
            let by_time = spec.max_minutes.map_or(0.0, |m| elapsed_s / (m * 60.0));
            let done = (step as f64 / planned).max(by_time).clamp(0.0, 1.0);
            let low = spec.plateau.min_learning_rate.min(spec.learning_rate);
            low + (spec.learning_rate - low) * 0.5 * (1.0 + (std::f64::consts::PI * done).cos())
        }
    };
    let warm = if spec.warmup_steps == 0 { 1.0 } else { ((step + 1) as f64 / spec.warmup_steps as f64).min(1.0) };
    full * warm
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::spec::StepDecay;

    fn spec(schedule: Schedule) -> TrainSpec {
        let section = crate::config::TrainSection { schedule, learning_rate: 1.0, epochs: 30, ..Default::default() };
        let step_decay = StepDecay { every_epochs: 10, factor: 0.1 };
        TrainSpec { steps_per_epoch: 2, warmup_steps: 4, step_decay, ..section.spec(Vec::new(), 100, String::new()) }
    }

    #[test]
    fn steps_fall_every_so_many_epochs_behind_the_warm_up() {
        let spec = spec(Schedule::Step);
        let rate = |step| learning_rate(&spec, &PlateauState::new(1.0), step, 0.0);
        let expected = [(0, 0.25), (2, 0.75), (3, 1.0), (19, 1.0), (20, 0.1), (39, 0.1), (40, 0.01)];
        for (step, expected) in expected {
            assert!((rate(step) - expected).abs() < 1e-12, "step {step}: {}", rate(step));
        }
    }

    #[test]
    fn the_cosine_goes_from_full_to_least() {
        let spec = spec(Schedule::Cosine);
        let rate = |step| learning_rate(&spec, &PlateauState::new(1.0), step, 0.0);
        assert!((rate(15) - 0.5 * (1.0 + (std::f64::consts::PI / 4.0).cos())).abs() < 1e-6, "{}", rate(15));
        assert!((rate(30) - 0.5).abs() < 1e-6 && (rate(60) - spec.plateau.min_learning_rate).abs() < 1e-12);
    }

    #[test]
    fn reduces_after_patience_and_waits_for_cooldown() {
        let plateau = Plateau { patience: 2, cooldown: 2, ..Plateau::default() };
        let mut state = PlateauState::new(1.0);
        let reduced: Vec<bool> = (0..9).map(|_| state.epoch(0.5, &plateau).is_some()).collect();
        // Epoch 0 sets the best; 1 and 2 do not improve; the cooldown covers 3; then two more.
        assert_eq!(reduced, [false, false, true, false, false, true, false, false, true]);
        assert_eq!(state.learning_rate, 0.125);
    }
}
