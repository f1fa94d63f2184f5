//! Accuracy while training goes on: a learning curve in figures that people know, not in losses.

use crate::error::Result;
use crate::model::PoseNet;
use serde::Serialize;

/// The next measurement waits this many times the cost of the last: the curve takes at most 2 % on top of a run.
const COST_FACTOR: f64 = 50.0;
/// Gaps grow to this share of the time trained, so that a run of a day has tens of measurements, not thousands.
const GROWTH: f64 = 0.1;

/// Accuracy of the poses that the network gives; `None` where nothing could be judged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Accuracy {
    /// Frames measured on.
    pub frames: usize,
    /// Share of the predicted animals that are there, 0 to 1.
    pub precision: Option<f64>,
    /// Share of the animals that were found, 0 to 1.
    pub recall: Option<f64>,
    /// Mean object keypoint similarity of the found animals, 0 to 1; centres have none.
    pub moks: Option<f64>,
    /// The same over all animals, missed ones as 0.
    pub moks_all: Option<f64>,
    /// Mean average precision, 0 to 1.
    pub map: Option<f64>,
    /// Median distance of found parts to the truth in frame pixels.
    pub median_px: Option<f64>,
    /// Share of the visible parts of found animals that are closer than 5 px, 0 to 1.
    pub pck_5px: Option<f64>,
    /// Seconds that the measurement took.
    pub cost_s: f64,
}

/// Which weights are measured, and when.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Moment {
    /// Epoch under way, from 1; at the end that of the best weights.
    pub epoch: usize,
    /// Steps taken.
    pub step: u64,
    /// Seconds trained, earlier sessions included, measurements not.
    pub elapsed_s: f64,
    /// Whether these are the best weights, at the end, and not those of this moment.
    pub is_best: bool,
}

/// Measures networks under training. It must leave the network as it is.
pub trait MeasureAccuracy {
    /// Accuracy of `net`, which is kept with its moment.
    ///
    /// # Errors
    /// When a frame cannot be read, the runtime refuses the model, or the figures cannot be written.
    fn measure(&mut self, net: &PoseNet, at: Moment) -> Result<Accuracy>;

    /// Whether there are measurements already, of this or earlier sessions.
    fn has_begun(&self) -> bool;
}

/// When the next measurement is due.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    every_s: f64,
    next_s: f64,
}

impl Pace {
    /// Every `every_s` seconds, counted from `elapsed_s`; never when that is 0.
    pub fn new(every_s: f64, elapsed_s: f64) -> Self {
        Self { every_s, next_s: if every_s > 0.0 { elapsed_s + every_s } else { f64::INFINITY } }
    }

    /// Whether it is time.
    pub fn is_due(&self, elapsed_s: f64) -> bool {
        elapsed_s >= self.next_s
    }

    /// Plans the next one after one that took `cost_s`: later than asked for in a long run, or when measuring is slow.
    pub fn measured(&mut self, elapsed_s: f64, cost_s: f64) {
        self.next_s = elapsed_s + self.every_s.max(GROWTH * elapsed_s).max(COST_FACTOR * cost_s);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_grow_with_time_and_cost() {
        let mut pace = Pace::new(60.0, 30.0);
        assert!(!pace.is_due(89.0) && pace.is_due(90.0));
        pace.measured(90.0, 0.5);
        assert!(!pace.is_due(149.0) && pace.is_due(150.0));
        pace.measured(150.0, 2.0);
        assert!(!pace.is_due(249.0) && pace.is_due(250.0));
        let (mut count, mut pace) = (0, Pace::new(60.0, 0.0));
        for second in 0..24 * 3600 {
            if pace.is_due(f64::from(second)) {
                pace.measured(f64::from(second), 0.1);
                count += 1;
            }
        }
        // Ten in the first ten minutes, then one per 10 %: ln(144) / ln(1.1) = 52.
        assert!((55..70).contains(&count), "{count}");
        assert!(!Pace::new(0.0, 0.0).is_due(1e9));
    }
}
