//! Latency figures: percentiles of whole frames, the first frame apart, and the mean of each stage.

use serde::Serialize;
use std::time::Duration;

/// Time spent in each stage of one frame.
#[derive(Debug, Clone, Copy, Default)]
pub struct StageTimes {
    /// Frame to network input.
    pub preprocess: Duration,
    /// Network.
    pub infer: Duration,
    /// Maps to poses.
    pub decode: Duration,
}

impl StageTimes {
    /// From the frame pointer to the poses.
    pub fn total(&self) -> Duration {
        self.preprocess + self.infer + self.decode
    }
}

/// Latency over a run, in milliseconds.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Latency {
    /// Frames behind the percentiles (the first is not among them).
    pub frames: usize,
    /// The first frame: it includes preparing the engine, if that was not told the frame size before.
    pub first_ms: f64,
    /// Median of whole frames.
    pub p50_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
    /// Slowest frame.
    pub max_ms: f64,
    /// Mean of preprocessing.
    pub preprocess_ms: f64,
    /// Mean of the network.
    pub infer_ms: f64,
    /// Mean of decoding.
    pub decode_ms: f64,
}

impl Latency {
    /// Summarises a run; all zeros without frames.
    pub fn of(times: &[StageTimes]) -> Self {
        let Some((first, rest)) = times.split_first() else { return Self::default() };
        let ms = |d: Duration| d.as_secs_f64() * 1e3;
        let mut totals: Vec<f64> = rest.iter().map(|t| ms(t.total())).collect();
        totals.sort_by(f64::total_cmp);
        // Nearest rank: a percentile is a latency that was really seen.
        let rank = |p: f64| totals.get(((totals.len() as f64 * p).ceil() as usize).saturating_sub(1)).copied().unwrap_or(0.0);
        // A sum of durations, because the floating-point sum of nothing is -0.0.
        let mean = |stage: fn(&StageTimes) -> Duration| ms(rest.iter().map(stage).sum()) / rest.len().max(1) as f64;
        Self {
            frames: rest.len(),
            first_ms: ms(first.total()),
            p50_ms: rank(0.5),
            p99_ms: rank(0.99),
            max_ms: rank(1.0),
            preprocess_ms: mean(|t| t.preprocess),
            infer_ms: mean(|t| t.infer),
            decode_ms: mean(|t| t.decode),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_latencies_that_were_seen() {
        let frame = |ms| StageTimes { infer: Duration::from_millis(ms), ..StageTimes::default() };
        let times: Vec<_> = [500, 4, 1, 3, 2].map(frame).to_vec();
        let latency = Latency::of(&times);
        assert_eq!((latency.frames, latency.first_ms, latency.p50_ms, latency.max_ms), (4, 500.0, 2.0, 4.0));
        assert_eq!(latency.infer_ms, 2.5);
        assert_eq!(Latency::of(&[]).frames, 0);
        assert!(Latency::of(&times[..1]).infer_ms.is_sign_positive());
    }
}
