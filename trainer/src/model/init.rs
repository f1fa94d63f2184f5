//! First weights.

use super::plan::ParamShape;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Weights drawn from Glorot's uniform distribution, as Keras and so SLEAP do: limit sqrt(6 / (fan in + fan out)), where a
/// fan is channels times kernel area. Biases start at zero. The same generator gives the same weights on every device.
pub fn glorot_uniform(shape: &ParamShape, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let area = shape.kernel * shape.kernel;
    let limit = (6.0 / (area * (shape.channels_in + shape.channels_out)) as f64).sqrt();
    (0..shape.weight_len())
        .map(|_| {
            let unit = f64::from(rng.next_u32()) / f64::from(u32::MAX);
            ((2.0 * unit - 1.0) * limit) as f32
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn has_the_variance_of_the_distribution() {
        let shape = ParamShape { name: "a".into(), channels_in: 16, channels_out: 32, kernel: 3, transposed: false };
        let weights = glorot_uniform(&shape, &mut ChaCha8Rng::seed_from_u64(7));
        let limit = (6.0f64 / (9.0 * 48.0)).sqrt();
        let variance = weights.iter().map(|&w| f64::from(w).powi(2)).sum::<f64>() / weights.len() as f64;
        assert!(weights.iter().all(|&w| f64::from(w).abs() <= limit));
        assert!((variance / (limit * limit / 3.0) - 1.0).abs() < 0.05, "{variance}");
    }
}
