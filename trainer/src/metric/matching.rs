//! Which predicted animal stands for which true one.

use super::likeness::Likeness;
use super::pair::{FramePair, has_parts};

/// A prediction and its true animal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Match {
    /// Index into [`FramePair::truth`].
    pub truth: usize,
    /// Index into [`FramePair::predicted`].
    pub predicted: usize,
    /// Their likeness, above the threshold and at most 1.
    pub likeness: f64,
}

/// The pairs of one frame and what is left over; animals without parts appear nowhere.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FrameMatches {
    /// Pairs, highest prediction score first.
    pub pairs: Vec<Match>,
    /// True animals that nobody found (false negatives).
    pub missed: Vec<usize>,
    /// Predictions without a true animal (false positives).
    pub spurious: Vec<usize>,
}

/// Pairs greedily (SLEAP): predictions by falling score, equal scores in their given order, each takes the most similar
/// true animal that is left (the first of equals) if the likeness is above `threshold`.
pub fn match_frame(frame: &FramePair, likeness: &Likeness, threshold: f64) -> FrameMatches {
    let mut left: Vec<usize> = (0..frame.truth.len()).filter(|&i| has_parts(&frame.truth[i])).collect();
    let mut order: Vec<usize> = (0..frame.predicted.len()).filter(|&i| has_parts(&frame.predicted[i].points)).collect();
    order.sort_by(|&a, &b| rank(frame.predicted[b].score).total_cmp(&rank(frame.predicted[a].score)));
    let mut matches = FrameMatches::default();
    for predicted in order {
        let points = &frame.predicted[predicted].points;
        let mut best: Option<(usize, f64)> = None;
        for (position, &truth) in left.iter().enumerate() {
            let similarity = likeness.of(&frame.truth[truth], points).unwrap_or(0.0);
            if similarity > best.map_or(threshold, |(_, s)| s) {
                best = Some((position, similarity));
            }
        }
        match best {
            Some((position, likeness)) => matches.pairs.push(Match { truth: left.remove(position), predicted, likeness }),
            None => matches.spurious.push(predicted),
        }
    }
    matches.missed = left;
    matches
}

/// A score as a sorting key: NaN ranks below everything, and -0 equals 0.
pub(super) fn rank(score: f32) -> f32 {
    if score.is_nan() { f32::NEG_INFINITY } else { score + 0.0 }
}

#[cfg(test)]
mod tests {
    use super::super::oks::OksOptions;
    use super::super::pair::PredictedPose;
    use super::*;

    const PARTS: Likeness = Likeness::Parts(OksOptions { sigma: 0.025, min_area_px2: 64.0, fixed_area_px2: None });

    /// An animal of two parts, 20 x 20 px.
    fn animal(x: f32) -> Vec<[f32; 2]> {
        vec![[x, 0.0], [x + 20.0, 20.0]]
    }

    fn pose(x: f32, score: f32) -> PredictedPose {
        PredictedPose { points: animal(x), score }
    }

    fn matched(truth: &[f32], predicted: Vec<PredictedPose>) -> FrameMatches {
        let truth = truth.iter().map(|&x| animal(x)).collect();
        match_frame(&FramePair { truth, predicted }, &PARTS, 0.0)
    }

    fn indices(matches: &FrameMatches) -> Vec<(usize, usize)> {
        matches.pairs.iter().map(|m| (m.truth, m.predicted)).collect()
    }

    #[test]
    fn the_better_score_chooses_first() {
        // Both predictions prefer truth 0; the later one has the higher score.
        let m = matched(&[0.0, 3.0], vec![pose(0.0, 0.5), pose(1.0, 0.9)]);
        assert_eq!(indices(&m), [(0, 1), (1, 0)]);
        assert!(m.missed.is_empty() && m.spurious.is_empty());
    }

    #[test]
    fn ties_keep_the_given_order() {
        let m = matched(&[0.0, 0.0], vec![pose(1.0, 0.5), pose(1.0, 0.5)]);
        assert_eq!(indices(&m), [(0, 0), (1, 1)]);
    }

    #[test]
    fn left_overs_are_reported() {
        let m = matched(&[0.0, 500.0], vec![pose(0.0, 0.1), pose(900.0, 0.9), pose(2.0, f32::NAN)]);
        assert_eq!(indices(&m), [(0, 0)]);
        assert_eq!((m.missed, m.spurious), (vec![1], vec![1, 2]));
    }

    #[test]
    fn animals_without_parts_do_not_exist() {
        let empty = PredictedPose { points: vec![[f32::NAN; 2]; 2], score: 1.0 };
        let frame = FramePair { truth: vec![vec![[f32::NAN; 2]; 2]], predicted: vec![empty] };
        assert_eq!(match_frame(&frame, &PARTS, 0.0), FrameMatches::default());
        assert_eq!(matched(&[], vec![pose(0.0, 1.0)]).spurious, [0]);
        assert_eq!(matched(&[7.0], vec![]).missed, [0]);
    }

    #[test]
    fn a_threshold_splits_poor_pairs() {
        let frame = FramePair { truth: vec![animal(0.0)], predicted: vec![pose(2.0, 1.0)] };
        // d = 2 at 400 px²: exp(-4 / 2) = 0.135.
        assert_eq!(match_frame(&frame, &PARTS, 0.1).pairs.len(), 1);
        assert_eq!(match_frame(&frame, &PARTS, 0.2).pairs.len(), 0);
    }

    #[test]
    fn points_are_matched_within_their_reach() {
        let truth = vec![vec![[0.0, 0.0]], vec![[30.0, 0.0]]];
        let found = |x: f32, score| PredictedPose { points: vec![[x, 0.0]], score };
        let frame = FramePair { truth, predicted: vec![found(12.0, 0.9), found(26.0, 0.8), found(50.0, 0.7)] };
        let matches = match_frame(&frame, &Likeness::Point { reach_px: 16.0 }, 0.0);
        assert_eq!(indices(&matches), [(0, 0), (1, 1)]);
        assert_eq!((matches.pairs[0].likeness, matches.pairs[1].likeness, matches.spurious), (0.25, 0.75, vec![2]));
        assert_eq!(indices(&match_frame(&frame, &Likeness::Point { reach_px: 5.0 }, 0.0)), [(1, 1)]);
    }
}
