//! Percentage of correct keypoints: how many parts lie closer to the truth than a number of pixels.

use serde::Serialize;

/// Counts parts per threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct Pck {
    thresholds_px: Vec<f64>,
    hits: Vec<u64>,
    judged: u64,
}

/// Fractions of parts closer than each threshold, 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PckSummary {
    /// Thresholds in pixels.
    pub thresholds_px: Vec<f64>,
    /// Fraction per threshold.
    pub fraction: Vec<f64>,
    /// Mean of the fractions.
    pub mean: f64,
}

impl PckSummary {
    /// The fraction of one of the thresholds; `None` for another distance.
    pub fn at(&self, threshold_px: f64) -> Option<f64> {
        let place = self.thresholds_px.iter().position(|&threshold| threshold == threshold_px)?;
        self.fraction.get(place).copied()
    }
}

impl Pck {
    /// Starts counting for these thresholds.
    pub fn new(thresholds_px: &[f64]) -> Self {
        Self { thresholds_px: thresholds_px.to_vec(), hits: vec![0; thresholds_px.len()], judged: 0 }
    }

    /// Adds a part that is visible in the truth; `None` (or NaN) when the prediction lacks it, which is a miss.
    ///
    /// A distance equal to the threshold is a miss (SLEAP). Parts that are missing in the truth must not be added: nobody
    /// knows where they are (SLEAP counts them as misses).
    pub fn add(&mut self, distance_px: Option<f64>) {
        self.judged += 1;
        for (hits, threshold) in self.hits.iter_mut().zip(&self.thresholds_px) {
            *hits += u64::from(distance_px.is_some_and(|d| d < *threshold));
        }
    }

    /// The fractions; `None` if nothing was judged or there are no thresholds.
    pub fn summary(&self) -> Option<PckSummary> {
        if self.judged == 0 || self.thresholds_px.is_empty() {
            return None;
        }
        let fraction: Vec<f64> = self.hits.iter().map(|&hits| hits as f64 / self.judged as f64).collect();
        let mean = fraction.iter().sum::<f64>() / fraction.len() as f64;
        Some(PckSummary { thresholds_px: self.thresholds_px.clone(), fraction, mean })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_strictly_and_misses_count() {
        let mut pck = Pck::new(&[1.0, 2.0, 3.0]);
        [Some(0.5), Some(1.0), Some(2.5), None].into_iter().for_each(|d| pck.add(d));
        pck.add(Some(f64::NAN));
        let summary = pck.summary().unwrap();
        assert_eq!(summary.fraction, [0.2, 0.4, 0.6]);
        assert!((summary.mean - 0.4).abs() < 1e-12);
        assert_eq!((summary.at(2.0), summary.at(2.5)), (Some(0.4), None));
    }

    #[test]
    fn nothing_judged_gives_nothing() {
        assert_eq!(Pck::new(&[1.0]).summary(), None);
        let mut pck = Pck::new(&[]);
        pck.add(Some(0.0));
        assert_eq!(pck.summary(), None);
    }
}
