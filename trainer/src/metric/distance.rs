//! Statistics of keypoint distances.

use serde::Serialize;

/// Distances between true and predicted parts, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DistanceSummary {
    /// Number of distances.
    pub count: usize,
    /// Mean.
    pub mean: f64,
    /// Median.
    pub p50: f64,
    /// 75th percentile.
    pub p75: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 95th percentile.
    pub p95: f64,
    /// 99th percentile.
    pub p99: f64,
}

impl DistanceSummary {
    /// Summary of the finite ones among `distances_px`; `None` if there is none.
    pub fn new(distances_px: &[f64]) -> Option<Self> {
        let mut sorted: Vec<f64> = distances_px.iter().copied().filter(|d| d.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let at = |percent| percentile(&sorted, percent);
        let mean = sorted.iter().sum::<f64>() / sorted.len() as f64;
        Some(Self { count: sorted.len(), mean, p50: at(50.0)?, p75: at(75.0)?, p90: at(90.0)?, p95: at(95.0)?, p99: at(99.0)? })
    }
}

/// Percentile (0 to 100) of ascending values, linear between neighbours (numpy's default); `None` without values.
pub fn percentile(ascending: &[f64], percent: f64) -> Option<f64> {
    let last = ascending.len().checked_sub(1)?;
    let position = percent.clamp(0.0, 100.0) / 100.0 * last as f64;
    let low = position.floor() as usize;
    let (a, b) = (ascending[low], ascending[(low + 1).min(last)]);
    Some(a + (b - a) * (position - low as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_numpys() {
        // numpy.percentile([1, 2, 4, 8, 16], [50, 75, 90, 95, 99]) = [4, 8, 12.8, 14.4, 15.68]
        let summary = DistanceSummary::new(&[16.0, 1.0, f64::NAN, 8.0, 2.0, 4.0]).unwrap();
        let got = [summary.mean, summary.p50, summary.p75, summary.p90, summary.p95, summary.p99];
        let expected = [6.2, 4.0, 8.0, 12.8, 14.4, 15.68];
        assert!(got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{got:?}");
        assert_eq!(summary.count, 5);
    }

    #[test]
    fn one_value_and_none() {
        let one = DistanceSummary::new(&[3.0]).unwrap();
        assert_eq!((one.mean, one.p50, one.p99), (3.0, 3.0, 3.0));
        assert_eq!(DistanceSummary::new(&[f64::NAN, f64::INFINITY]), None);
        assert_eq!(DistanceSummary::new(&[]), None);
    }
}
