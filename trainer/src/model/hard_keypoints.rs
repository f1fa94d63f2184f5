//! Online hard keypoint mining: the channels that are learned worst count once more (reference T section 7).
//!
//! With S_k the squared error of channel k summed over batch and cells, the channels with S_k / min S >= ratio are hard; the K
//! largest, K within limits, add `loss_scale * sum S_k / (batch * cells * K)` to the mean squared error. That is the mean squared error
//! with channel k weighted by `1 + loss_scale * channels / K` where it is hard, which is how both gradient paths compute it.

use serde::{Deserialize, Serialize};

/// `[train.hard_keypoints]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HardKeypoints {
    /// Whether it is used, for confidence maps and part affinity fields alike. Default false.
    pub enabled: bool,
    /// A channel is hard when its loss is at least so many times the smallest, 1 to 1000. Default 2.
    pub hard_to_easy_ratio: f64,
    /// Fewest channels that count as hard, 0 to 4096. Default 2.
    pub min_hard_keypoints: usize,
    /// Most channels that count as hard, up to 4096; 0: all. Default 0.
    pub max_hard_keypoints: usize,
    /// Weight of the hard channels' mean error, 0 to 1000. Default 5.
    pub loss_scale: f64,
}

impl Default for HardKeypoints {
    fn default() -> Self {
        Self { enabled: false, hard_to_easy_ratio: 2.0, min_hard_keypoints: 2, max_hard_keypoints: 0, loss_scale: 5.0 }
    }
}

impl HardKeypoints {
    /// All faults, as sentences that start with the field's name.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let (ratio, scale) = (self.hard_to_easy_ratio, self.loss_scale);
        if !(1.0..=1000.0).contains(&ratio) {
            faults.push(format!("hard_to_easy_ratio is {ratio}; it must be 1 to 1000"));
        }
        if !(0.0..=1000.0).contains(&scale) {
            faults.push(format!("loss_scale is {scale}; it must be 0 to 1000"));
        }
        let (least, most) = (self.min_hard_keypoints, self.max_hard_keypoints);
        for (name, count) in [("min_hard_keypoints", least), ("max_hard_keypoints", most)] {
            if count > 4096 {
                faults.push(format!("{name} is {count}; it must be at most 4096"));
            }
        }
        if most > 0 && least > most {
            faults.push(format!("min_hard_keypoints is {least}; it must not exceed max_hard_keypoints, {most}"));
        }
        faults
    }

    /// Weight of each channel in the mean squared error, from the channels' sums of squared errors.
    ///
    /// Ratios are taken to the smallest sum above 0: a channel without any error would make every other one hard. All weights are 1
    /// when there is no error, or when a sum is not finite.
    pub fn factors(&self, sums: &[f64]) -> Vec<f32> {
        let mut factors = vec![1.0; sums.len()];
        let smallest = sums.iter().copied().filter(|s| *s > 0.0).fold(f64::INFINITY, f64::min);
        if !self.enabled || !smallest.is_finite() || sums.iter().any(|s| !s.is_finite()) {
            return factors;
        }
        let found = sums.iter().filter(|s| **s / smallest >= self.hard_to_easy_ratio).count();
        let most = if self.max_hard_keypoints == 0 { sums.len() } else { self.max_hard_keypoints.min(sums.len()) };
        let hard = found.max(self.min_hard_keypoints).min(most);
        let mut order: Vec<usize> = (0..sums.len()).collect();
        // The sort is stable: of equal channels the first ones are taken.
        order.sort_by(|&a, &b| sums[b].total_cmp(&sums[a]));
        for &channel in order.iter().take(hard) {
            factors[channel] += (self.loss_scale * sums.len() as f64 / hard as f64) as f32;
        }
        factors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ON: HardKeypoints =
        HardKeypoints { enabled: true, hard_to_easy_ratio: 2.0, min_hard_keypoints: 2, max_hard_keypoints: 0, loss_scale: 5.0 };

    /// The formula as it stands in the reference: mean squared error plus the mined part.
    fn naive(sums: &[f64], cells: f64, rule: &HardKeypoints) -> f64 {
        let least = sums.iter().copied().fold(f64::INFINITY, f64::min);
        let n = sums.iter().filter(|s| *s / least >= rule.hard_to_easy_ratio).count();
        let most = if rule.max_hard_keypoints == 0 { sums.len() } else { rule.max_hard_keypoints };
        let k = n.max(rule.min_hard_keypoints).min(most);
        let mut sorted = sums.to_vec();
        sorted.sort_by(|a, b| b.total_cmp(a));
        let mined = rule.loss_scale * sorted[..k].iter().sum::<f64>() / (cells * k as f64);
        sums.iter().sum::<f64>() / (cells * sums.len() as f64) + mined
    }

    fn weighted(sums: &[f64], cells: f64, rule: &HardKeypoints) -> f64 {
        let factors = rule.factors(sums);
        sums.iter().zip(factors).map(|(s, f)| s * f64::from(f)).sum::<f64>() / (cells * sums.len() as f64)
    }

    #[test]
    fn equals_the_references_numbers() {
        // Reference T section 12: 7.083333 + 1.125.
        assert!((weighted(&[1.0, 2.0, 5.0, 10.0], 4.0, &ON) - 8.208_333).abs() < 1e-5);
        let rules = [
            ON,
            HardKeypoints { max_hard_keypoints: 1, min_hard_keypoints: 1, ..ON },
            HardKeypoints { min_hard_keypoints: 4, ..ON },
            HardKeypoints { hard_to_easy_ratio: 20.0, ..ON },
            HardKeypoints { hard_to_easy_ratio: 1.0, loss_scale: 0.5, ..ON },
        ];
        for rule in rules {
            for sums in [[1.0, 2.0, 5.0, 10.0], [10.0, 1.5, 1.0, 3.0], [2.0, 2.5, 3.0, 3.5]] {
                let (got, expected) = (weighted(&sums, 7.0, &rule), naive(&sums, 7.0, &rule));
                assert!((got - expected).abs() < 1e-5 * expected, "{rule:?} {sums:?}: {got} {expected}");
            }
        }
    }

    #[test]
    fn odd_sums_are_survived() {
        assert_eq!(ON.factors(&[]), [0.0f32; 0]);
        assert_eq!(ON.factors(&[0.0, 0.0]), [1.0, 1.0]);
        assert_eq!(ON.factors(&[1.0, f64::NAN]), [1.0, 1.0]);
        // Channel 0 is without error: the ratio is taken to channel 1, so that only channel 2 is hard, and 1 by the minimum.
        assert_eq!(ON.factors(&[0.0, 1.0, 4.0]), [1.0, 8.5, 8.5]);
        // More hard channels asked for than there are.
        assert_eq!(ON.factors(&[3.0]), [6.0]);
        assert_eq!(HardKeypoints::default().factors(&[1.0, 100.0]), [1.0, 1.0]);
    }

    #[test]
    fn faults_come_together() {
        let wrong =
            HardKeypoints { hard_to_easy_ratio: 0.5, loss_scale: -1.0, min_hard_keypoints: 5, max_hard_keypoints: 3, ..ON };
        assert_eq!(wrong.faults().len(), 3, "{:?}", wrong.faults());
        assert!(ON.faults().is_empty());
    }
}
