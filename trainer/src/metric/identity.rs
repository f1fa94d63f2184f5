//! Whether known individuals are recognised.

use super::matching::match_frame;
use super::pair::FramePair;
use super::report::EvalOptions;
use serde::Serialize;

/// The individuals of one frame, in the order of its [`FramePair`]; `None` for an animal without a name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FrameIdentities {
    /// Of the true animals.
    pub truth: Vec<Option<usize>>,
    /// Of the predicted animals.
    pub predicted: Vec<Option<usize>>,
}

/// How often a found animal bears the right name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct IdentityReport {
    /// True animals with a name that a prediction was matched to.
    pub known: usize,
    /// Those whose prediction bears the same name.
    pub right: usize,
    /// Those whose prediction bears another name.
    pub wrong: usize,
    /// Those whose prediction bears none.
    pub unnamed: usize,
}

impl IdentityReport {
    /// Judges all frames of animals with so many nodes; they are matched by their poses alone, as in [`super::evaluate`].
    pub fn of(nodes: usize, frames: &[(FramePair, FrameIdentities)], options: &EvalOptions) -> Self {
        let likeness = options.likeness(nodes);
        let mut report = Self::default();
        for (frame, identities) in frames {
            for pair in match_frame(frame, &likeness, options.match_threshold).pairs {
                let of = |list: &[Option<usize>], index: usize| list.get(index).copied().flatten();
                let Some(truth) = of(&identities.truth, pair.truth) else { continue };
                report.known += 1;
                match of(&identities.predicted, pair.predicted) {
                    Some(name) if name == truth => report.right += 1,
                    Some(_) => report.wrong += 1,
                    None => report.unnamed += 1,
                }
            }
        }
        report
    }

    /// Fraction of the known animals that bear the right name, 0 to 1; `None` when there are none.
    pub fn accuracy(&self) -> Option<f64> {
        (self.known > 0).then(|| self.right as f64 / self.known as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::super::pair::PredictedPose;
    use super::*;

    #[test]
    fn names_are_compared_between_matched_animals() {
        let at = |x: f32| vec![[x, 0.0], [x + 10.0, 8.0], [x, 9.0]];
        let predicted = |x| PredictedPose { points: at(x), score: 1.0 };
        let frame = FramePair {
            truth: vec![at(0.0), at(100.0), at(200.0), at(300.0)],
            predicted: vec![predicted(301.0), predicted(201.0), predicted(101.0), predicted(1.0), predicted(900.0)],
        };
        let identities = FrameIdentities {
            truth: vec![Some(0), Some(1), Some(2), None],
            predicted: vec![Some(3), None, Some(0), Some(0), Some(1)],
        };
        let report = IdentityReport::of(3, &[(frame, identities)], &EvalOptions::default());
        assert_eq!(report, IdentityReport { known: 3, right: 1, wrong: 1, unnamed: 1 });
        assert_eq!(report.accuracy(), Some(1.0 / 3.0));
        assert_eq!(IdentityReport::default().accuracy(), None);
    }
}
