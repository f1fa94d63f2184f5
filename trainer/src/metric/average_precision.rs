//! Mean average precision over similarity thresholds.
//!
//! VOC's curve at COCO's thresholds. Unlike SLEAP, every prediction is ranked, unmatched ones as false positives; SLEAP ranks
//! matched pairs only and so hides spurious animals.

use super::matching::rank;

/// Number of points at which the precision curve is read: recalls 0, 0.01, ... 1.
const RECALL_POINTS: u64 = 101;

/// A prediction of any frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankedPrediction {
    /// Confidence of the animal; NaN ranks last.
    pub score: f32,
    /// Similarity to its true animal; `None` without one.
    pub oks: Option<f64>,
}

/// Area under the precision-recall curve and the recall that all predictions together reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AveragePrecision {
    /// Mean precision over 101 recall points, 0 to 1.
    pub precision: f64,
    /// Recall of all predictions, 0 to 1.
    pub recall: f64,
}

/// Average precision of predictions that are right when their similarity is at least `threshold`; `None` without a true
/// animal.
pub fn average_precision(predictions: &[RankedPrediction], truths: usize, threshold: f64) -> Option<AveragePrecision> {
    if truths == 0 {
        return None;
    }
    let mut order: Vec<&RankedPrediction> = predictions.iter().collect();
    order.sort_by(|a, b| rank(b.score).total_cmp(&rank(a.score)));
    let mut right = 0_u64;
    // (right predictions so far, precision so far) after each prediction.
    let mut curve: Vec<(u64, f64)> = Vec::with_capacity(order.len());
    for (index, prediction) in order.iter().enumerate() {
        right += u64::from(prediction.oks.is_some_and(|oks| oks >= threshold));
        curve.push((right, right as f64 / (index + 1) as f64));
    }
    for index in (1..curve.len()).rev() {
        curve[index - 1].1 = curve[index - 1].1.max(curve[index].1);
    }
    // Whole numbers decide which point of the curve reaches recall i / 100: no rounding at the steps.
    let reached = |i: u64| curve.partition_point(|&(right, _)| right * (RECALL_POINTS - 1) < i * truths as u64);
    let reached = (0..RECALL_POINTS).filter_map(|i| curve.get(reached(i)));
    // The sum of nothing is -0.0, which would be printed as such.
    let sum = reached.map(|&(_, precision)| precision).fold(0.0, |sum: f64, precision| sum + precision);
    Some(AveragePrecision { precision: sum / RECALL_POINTS as f64, recall: right as f64 / truths as f64 })
}

/// Means over the similarity thresholds 0.50, 0.55, ... 0.95; `None` without a true animal.
pub fn mean_average_precision(predictions: &[RankedPrediction], truths: usize) -> Option<AveragePrecision> {
    let each: Option<Vec<AveragePrecision>> =
        (10..20).map(|twentieths| average_precision(predictions, truths, f64::from(twentieths) / 20.0)).collect();
    let each = each?;
    let mean = |value: fn(&AveragePrecision) -> f64| each.iter().map(value).sum::<f64>() / each.len() as f64;
    Some(AveragePrecision { precision: mean(|a| a.precision), recall: mean(|a| a.recall) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};

    fn ranked(list: &[(f32, Option<f64>)]) -> Vec<RankedPrediction> {
        list.iter().map(|&(score, oks)| RankedPrediction { score, oks }).collect()
    }

    /// From the definition: at each recall the best precision of any cut that reaches it.
    fn naive(predictions: &[RankedPrediction], truths: usize, threshold: f64) -> f64 {
        let mut sum = 0.0;
        for i in 0..=100_usize {
            let mut best: f64 = 0.0;
            for cut in 1..=predictions.len() {
                // Selection of the `cut` highest scores without sorting: count those that come before.
                let kept = (0..predictions.len()).filter(|&a| {
                    let before = |b: &usize| {
                        predictions[*b].score > predictions[a].score || (predictions[*b].score == predictions[a].score && *b < a)
                    };
                    (0..predictions.len()).filter(before).count() < cut
                });
                let right = kept.filter(|&a| predictions[a].oks.unwrap_or(-1.0) >= threshold).count();
                if right * 100 >= i * truths {
                    best = best.max(right as f64 / cut as f64);
                }
            }
            sum += best;
        }
        sum / 101.0
    }

    #[test]
    fn hand_computed() {
        // Two true animals; ranked right, wrong, right: precision 1 up to recall 0.5 (51 points), then 2/3 (50 points).
        let predictions = ranked(&[(0.9, Some(0.8)), (0.7, Some(0.6)), (0.8, None)]);
        let ap = average_precision(&predictions, 2, 0.5).unwrap();
        assert!((ap.precision - (51.0 + 50.0 * 2.0 / 3.0) / 101.0).abs() < 1e-12, "{ap:?}");
        assert_eq!(ap.recall, 1.0);
        // At 0.7 the third is wrong as well: precision 1 up to recall 0.5, nothing beyond.
        let ap = average_precision(&predictions, 2, 0.7).unwrap();
        assert_eq!((ap.precision, ap.recall), (51.0 / 101.0, 0.5));
    }

    #[test]
    fn spurious_predictions_cost_precision() {
        let clean = ranked(&[(0.5, Some(1.0))]);
        let noisy = ranked(&[(0.5, Some(1.0)), (0.9, None)]);
        assert_eq!(mean_average_precision(&clean, 1).unwrap(), AveragePrecision { precision: 1.0, recall: 1.0 });
        assert_eq!(mean_average_precision(&noisy, 1).unwrap(), AveragePrecision { precision: 0.5, recall: 1.0 });
    }

    #[test]
    fn thresholds_are_inclusive_and_ten() {
        // 0.75 is right at 0.50, 0.55, 0.60, 0.65, 0.70 and 0.75.
        let mean = mean_average_precision(&ranked(&[(1.0, Some(0.75))]), 1).unwrap();
        assert!((mean.precision - 0.6).abs() < 1e-12 && (mean.recall - 0.6).abs() < 1e-12, "{mean:?}");
    }

    #[test]
    fn empty_sides() {
        assert_eq!(mean_average_precision(&ranked(&[(1.0, None)]), 0), None);
        assert_eq!(mean_average_precision(&[], 3), Some(AveragePrecision { precision: 0.0, recall: 0.0 }));
    }

    #[test]
    fn agrees_with_the_definition() {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(7);
        for _ in 0..60 {
            let list: Vec<_> = (0..random.random_range(0..9))
                .map(|_| (random.random_range(0..5) as f32, random.random_bool(0.7).then(|| random.random::<f64>())))
                .collect();
            let predictions = ranked(&list);
            let matched = predictions.iter().filter(|p| p.oks.is_some()).count();
            let truths = matched + random.random_range(1..4);
            let got = average_precision(&predictions, truths, 0.5).unwrap();
            assert!((got.precision - naive(&predictions, truths, 0.5)).abs() < 1e-12, "{list:?} of {truths}");
        }
    }
}
