//! Cross-entropy of class probabilities.

use super::map::Map;

/// Added to a probability before its logarithm, so that a class that was ruled out costs much but not infinitely much (Keras's number).
pub const EPSILON: f32 = 1e-7;

/// `-sum t ln(p + epsilon)` over classes and images, divided by the images; targets of zeros cost nothing.
pub fn cross_entropy(probability: &[f32], target: &[f32], images: usize) -> f64 {
    let cost = |(p, t): (&f32, &f32)| if *t == 0.0 { 0.0 } else { -f64::from(*t) * f64::from(p + EPSILON).ln() };
    // A NaN must stay visible, even where the target is 0.
    let broken: f64 = probability.iter().filter(|p| p.is_nan()).map(|&p| f64::from(p)).sum();
    (probability.iter().zip(target).map(cost).sum::<f64>() + broken) / images.max(1) as f64
}

/// Its gradient with respect to the probabilities, multiplied with `weight`.
pub fn cross_entropy_gradient(probability: &Map, target: &Map, weight: f32) -> Map {
    let mut gradient = target.clone();
    let scale = -weight / probability.batch.max(1) as f32;
    gradient.data.iter_mut().zip(&probability.data).for_each(|(t, p)| *t *= scale / (p + EPSILON));
    gradient
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_counted() {
        let (p, t) = ([0.5, 0.25, 0.25, 0.1, 0.2, 0.7], [1.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
        let expected = -(0.5f64.ln() + 0.7f64.ln()) / 2.0;
        assert!((cross_entropy(&p, &t, 2) - expected).abs() < 1e-6);
        assert_eq!(cross_entropy(&p, &[0.0; 6], 2), 0.0);
        assert!(cross_entropy(&[0.0], &[1.0], 1) > 16.0 && cross_entropy(&[0.0], &[1.0], 1).is_finite());
        assert!(cross_entropy(&[f32::NAN, 0.5], &[0.0, 1.0], 1).is_nan());
    }
}
