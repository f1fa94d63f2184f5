//! First weights.

use super::plan::{ParamShape, Role};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// Distribution of the first weights. Biases start at zero, and the same generator gives the same weights on every device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Init {
    /// Glorot's uniform distribution, as Keras and so SLEAP have it: limit sqrt(6 / (fan in + fan out)).
    #[default]
    Glorot,
    /// He's uniform distribution in front of a ReLU, limit sqrt(6 / fan in): signals keep their size through a deep network
    /// without normalisation (He et al. 2015, "Delving Deep into Rectifiers"). The linear heads get a hundredth of Glorot's:
    /// maps are nearly zero everywhere, and unlearning a loud start was seen to cost the first hundreds of steps.
    He,
    /// As `he`, then every layer is scaled and shifted to the first training images ([`super::fit_to_images`]).
    Fitted,
}

/// Factor on a head's first weights with [`Init::He`] and [`Init::Fitted`].
const HEAD_GAIN: f64 = 0.01;

impl Init {
    /// First weights of one convolution; a fan is channels of one group times kernel area.
    pub fn weights(self, shape: &ParamShape, rng: &mut ChaCha8Rng) -> Vec<f32> {
        let area = shape.kernel * shape.kernel;
        let (fan_in, fan_out) = (area * shape.fan_in_channels(), area * shape.fan_out_channels());
        let glorot = (6.0 / (fan_in + fan_out) as f64).sqrt();
        let limit = match (self, shape.role) {
            (Self::Glorot, _) => glorot,
            (Self::He | Self::Fitted, Role::Head) => glorot * HEAD_GAIN,
            // Without a ReLU nothing is lost that the weights would have to make up for.
            (Self::He | Self::Fitted, Role::Linear) => (3.0 / fan_in as f64).sqrt(),
            (Self::He | Self::Fitted, Role::Relu) => (6.0 / fan_in as f64).sqrt(),
        };
        let unit = |word: u32| f64::from(word) / f64::from(u32::MAX);
        (0..shape.weight_len()).map(|_| ((2.0 * unit(rng.next_u32()) - 1.0) * limit) as f32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn has_the_variance_of_the_distribution() {
        let shape = |(kernel, groups, role)| {
            let (name, channels_in, channels_out) = ("a".into(), 16, if groups == 1 { 32 } else { 16 });
            ParamShape { name, channels_in, channels_out, groups, kernel, transposed: false, role }
        };
        let cases = [
            (Init::Glorot, (3, 1, Role::Relu), 9.0 * 48.0),
            (Init::He, (3, 1, Role::Relu), 9.0 * 16.0),
            (Init::He, (1, 1, Role::Head), 48.0 * 1e4),
            (Init::He, (1, 1, Role::Linear), 2.0 * 16.0),
            (Init::Fitted, (5, 16, Role::Linear), 2.0 * 25.0),
            (Init::Glorot, (5, 16, Role::Linear), 2.0 * 25.0),
        ];
        for (init, kind, fans) in cases {
            let weights: Vec<f32> =
                (0..9).flat_map(|seed| init.weights(&shape(kind), &mut ChaCha8Rng::seed_from_u64(seed))).collect();
            let limit = (6.0f64 / fans).sqrt();
            let variance = weights.iter().map(|&w| f64::from(w).powi(2)).sum::<f64>() / weights.len() as f64;
            assert!(weights.iter().all(|&w| f64::from(w).abs() <= limit));
            assert!((variance / (limit * limit / 3.0) - 1.0).abs() < 0.05, "{init:?} {variance}");
        }
    }
}
