//! Learning rate over time.

use super::spec::{Plateau, Schedule, TrainSpec};
use serde::{Deserialize, Serialize};

/// Counts epochs without improvement.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PlateauState {
    /// Learning rate before warm-up.
    pub learning_rate: f64,
    /// Lowest loss seen; `None` before the first.
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
