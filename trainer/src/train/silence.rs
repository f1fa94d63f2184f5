//! Notices a network that gives empty maps: one that has not begun to learn, or whose units have died.
//!
//! Most cells of a confidence map are zero, so that an empty map has a small loss as well, and a training that stays there looks
//! like one that has converged. Only the loss of empty maps tells the two apart.

use dormouse::config::HeadKind;

/// Share of the empty maps' loss from which on nothing counts as learned. A network that has found anything at all is far below.
const NOTHING: f64 = 0.99;
/// Epochs in a row after which it is said; once more with every later doubling.
const FIRST_SAID: usize = 3;

/// Counts the epochs in a row that ended no better than empty maps.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silence {
    epochs: usize,
}

impl Silence {
    /// Takes the losses of an epoch's validation, one per head, beside those of maps that are zero everywhere. Returns the epochs
    /// in a row without learning when it is time to say so. Only heads of confidence maps count: the others have no empty answer.
    pub fn epoch(&mut self, kinds: &[HeadKind], losses: &[f64], empty: &[f64]) -> Option<usize> {
        let mut maps = kinds.iter().zip(losses.iter().zip(empty)).filter(|(kind, _)| is_confidence(**kind)).peekable();
        let silent = maps.peek().is_some() && maps.all(|(_, (loss, empty))| *loss >= NOTHING * empty);
        self.epochs = if silent { self.epochs + 1 } else { 0 };
        let times = self.epochs / FIRST_SAID;
        (self.epochs > 0 && self.epochs.is_multiple_of(FIRST_SAID) && times.is_power_of_two()).then_some(self.epochs)
    }
}

fn is_confidence(kind: HeadKind) -> bool {
    matches!(kind, HeadKind::ConfidenceMaps | HeadKind::Centroids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn said_after_three_epochs_and_at_doublings() {
        let kinds = [HeadKind::ConfidenceMaps, HeadKind::PartAffinityFields];
        let mut silence = Silence::default();
        let said: Vec<usize> = (0..30).filter_map(|_| silence.epoch(&kinds, &[2.1e-3, 0.1], &[2.1e-3, 0.3])).collect();
        assert_eq!(said, [3, 6, 12, 24]);
        // One epoch that has learned something ends it.
        assert_eq!(silence.epoch(&kinds, &[1.9e-3, 0.3], &[2.1e-3, 0.3]), None);
        let said: Vec<usize> = (0..5).filter_map(|_| silence.epoch(&kinds, &[2.1e-3, 0.1], &[2.1e-3, 0.3])).collect();
        assert_eq!(said, [3]);
    }

    #[test]
    fn heads_without_an_empty_answer_do_not_count() {
        let mut silence = Silence::default();
        assert!((0..9).all(|_| silence.epoch(&[HeadKind::ClassVectors], &[1.1], &[0.3]).is_none()));
    }
}
