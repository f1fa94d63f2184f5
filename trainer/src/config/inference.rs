//! `[inference]`: what the bundle tells the runtime about finding poses.

use dormouse::config::{GroupingConfig, Limits, MinInstancePeaks, PeakConfig, Refinement};
use serde::{Deserialize, Serialize};

/// Peaks, grouping and capacities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InferenceConfig {
    /// Peaks must be above it, 0 to 1. Default 0.2.
    pub peak_threshold: f32,
    /// `integral`, `quarter_pixel` or `none`. Default `integral`.
    pub refinement: RefinementChoice,
    /// Points sampled along a candidate edge, 2 to 64. Default 10.
    pub line_samples: u32,
    /// Edges longer than this share of the larger map side are penalised, above 0. Default 0.25.
    pub max_edge_length_ratio: f32,
    /// Weight of that penalty, at least 0. Default 1.
    pub dist_penalty_weight: f32,
    /// Matched edges below this score are cut. Default 0.25.
    pub min_line_score: f32,
    /// Fewest parts of an animal; 0 accepts all. Default 0.
    pub min_instance_peaks: u32,
    /// Animals per frame at most, 1 to 1024. Default 64.
    pub max_instances: u32,
    /// Peaks per part and frame at most, 1 to 1024. Default 128.
    pub max_peaks: u32,
}

/// Sub-pixel refinement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefinementChoice {
    /// Weighted mean of a 5x5 patch.
    #[default]
    Integral,
    /// A quarter of a cell towards the larger neighbour.
    QuarterPixel,
    /// None.
    None,
}

impl Default for InferenceConfig {
    fn default() -> Self {
        let (peaks, grouping, limits) = (PeakConfig::default(), GroupingConfig::default(), Limits::default());
        Self {
            peak_threshold: peaks.threshold,
            refinement: RefinementChoice::Integral,
            line_samples: grouping.line_samples,
            max_edge_length_ratio: grouping.max_edge_length_ratio,
            dist_penalty_weight: grouping.dist_penalty_weight,
            min_line_score: grouping.min_line_score,
            min_instance_peaks: 0,
            max_instances: limits.max_instances,
            max_peaks: limits.max_peaks,
        }
    }
}

impl InferenceConfig {
    /// Peak detection as the runtime has it.
    pub fn peaks(&self) -> PeakConfig {
        let refinement = match self.refinement {
            RefinementChoice::Integral => Refinement::Integral,
            RefinementChoice::QuarterPixel => Refinement::QuarterPixel,
            RefinementChoice::None => Refinement::None,
        };
        PeakConfig { threshold: self.peak_threshold, refinement }
    }

    /// Grouping as the runtime has it.
    pub fn grouping(&self) -> GroupingConfig {
        GroupingConfig {
            line_samples: self.line_samples,
            max_edge_length_ratio: self.max_edge_length_ratio,
            dist_penalty_weight: self.dist_penalty_weight,
            min_line_score: self.min_line_score,
            min_instance_peaks: MinInstancePeaks::Count(self.min_instance_peaks),
        }
    }

    /// Capacities as the runtime has them.
    pub fn limits(&self) -> Limits {
        Limits { max_instances: self.max_instances, max_peaks: self.max_peaks }
    }

    pub(super) fn faults(&self, faults: &mut Vec<String>) {
        let mut check = |ok: bool, what: &str| {
            if !ok {
                faults.push(format!("inference.{what}"));
            }
        };
        check((0.0..=1.0).contains(&self.peak_threshold), "peak_threshold must be 0 to 1");
        check((2..=64).contains(&self.line_samples), "line_samples must be 2 to 64");
        let ratio = self.max_edge_length_ratio;
        check(ratio > 0.0 && ratio.is_finite(), "max_edge_length_ratio must be above 0 and finite");
        let penalty = self.dist_penalty_weight;
        check(penalty >= 0.0 && penalty.is_finite(), "dist_penalty_weight must be finite and not negative");
        check(self.min_line_score.is_finite(), "min_line_score must be finite");
        check(self.min_instance_peaks <= 4096, "min_instance_peaks must be at most 4096");
        check((1..=1024).contains(&self.max_instances), "max_instances must be 1 to 1024");
        check((1..=1024).contains(&self.max_peaks), "max_peaks must be 1 to 1024");
    }
}
