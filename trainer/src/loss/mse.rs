//! Mean squared error (reference T section 7).

use burn::tensor::Tensor;

/// Mean over batch, channels and cells of the squared difference, as a tensor of one number. Background and maps of missing
/// parts count as they do in SLEAP.
pub fn mean_squared_error(output: Tensor<4>, target: Tensor<4>) -> Tensor<1> {
    let difference = output - target;
    (difference.clone() * difference).mean()
}

/// The loss of all heads: the sum of their losses times their weights.
pub fn weighted_sum(losses: &[f64], weights: &[f32]) -> f64 {
    losses.iter().zip(weights).map(|(loss, &weight)| loss * f64::from(weight)).sum()
}
