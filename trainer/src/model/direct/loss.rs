//! Squared errors and their gradients.

use super::map::Map;
use crate::model::hard_keypoints::HardKeypoints;
use rayon::prelude::*;

/// Mean squared error; `weight` multiplies the gradient only.
pub fn mean_squared_error(output: &Map, target: &Map, weight: f32) -> (f64, Map) {
    let scale = 2.0 * weight / output.data.len() as f32;
    let mut gradient = Map::scratch(target.channels, target.batch, target.height, target.width);
    let chunks = gradient.data.par_chunks_mut(1024).zip(output.data.par_chunks(1024).zip(target.data.par_chunks(1024)));
    let parts: Vec<f32> = chunks
        .map(|(gradient, (output, target))| {
            let mut part = 0.0f32;
            for (g, (o, t)) in gradient.iter_mut().zip(output.iter().zip(target)) {
                let difference = o - t;
                part += difference * difference;
                *g = difference * scale;
            }
            part
        })
        .collect();
    let sum: f64 = parts.into_iter().map(f64::from).sum();
    (sum / output.data.len() as f64, gradient)
}

/// Mean squared error with the hard channels weighted up; `weight` multiplies the gradient only.
pub fn mined_error(output: &Map, target: &Map, weight: f32, rule: &HardKeypoints) -> (f64, Map) {
    let channel = output.channel_len();
    let sums = channel_errors(output, target);
    let factors = rule.factors(&sums);
    let scale = 2.0 * weight / output.data.len() as f32;
    let mut gradient = Map::scratch(target.channels, target.batch, target.height, target.width);
    let channels =
        gradient.data.par_chunks_mut(channel).zip(output.data.par_chunks(channel).zip(target.data.par_chunks(channel)));
    channels.zip(&factors).for_each(|((gradient, (output, target)), factor)| {
        for (g, (o, t)) in gradient.iter_mut().zip(output.iter().zip(target)) {
            *g = (o - t) * scale * factor;
        }
    });
    let weighted: f64 = sums.iter().zip(&factors).map(|(sum, &factor)| sum * f64::from(factor)).sum();
    (weighted / output.data.len() as f64, gradient)
}

/// Squared error of every channel, summed over batch and cells.
pub fn channel_errors(output: &Map, target: &Map) -> Vec<f64> {
    let channel = output.channel_len().max(1);
    let pairs = output.data.par_chunks(channel).zip(target.data.par_chunks(channel));
    pairs.map(|(output, target)| output.iter().zip(target).map(|(o, t)| f64::from(o - t).powi(2)).sum()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mined_error_equals_the_references_numbers() {
        // Reference T section 12: sums of 1, 2, 5 and 10 over 2 x 2 cells; 8.208333 altogether.
        // Whole numbers, because a ratio of 2 is just hard.
        let data = vec![1., 0., 0., 0., 1., 1., 0., 0., 1., 2., 0., 0., 1., 3., 0., 0.];
        let output = Map { channels: 4, batch: 1, height: 2, width: 2, data };
        let target = Map::zeros(4, 1, 2, 2);
        let rule = HardKeypoints { enabled: true, ..HardKeypoints::default() };
        let (loss, gradient) = mined_error(&output, &target, 0.5, &rule);
        assert!((loss - 8.208_333).abs() < 1e-5, "{loss}");
        // Half of the derivative: (1 / 16 + hard 5 / 12) 2 d.
        for (i, hard) in [0.0, 1.0, 1.0, 1.0].into_iter().enumerate() {
            for (g, d) in gradient.data[4 * i..4 * i + 4].iter().zip(&output.data[4 * i..]) {
                assert!((g - (1.0 / 16.0 + hard * 5.0 / 12.0) * d).abs() < 1e-6);
            }
        }
        let (plain, _) = mined_error(&output, &target, 1.0, &HardKeypoints::default());
        assert!((plain - 1.125).abs() < 1e-6);
    }
}
