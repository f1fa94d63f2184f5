//! The loss of a head by its kind.

use super::{cross_entropy, mean_squared_error};
use burn::tensor::Tensor;
use dormouse::config::HeadKind;

/// Cross-entropy for class vectors, mean squared error for all maps (reference T section 7), as a tensor of one number. Both
/// tensors are `[batch, channels, rows, columns]`.
pub fn head_loss(kind: HeadKind, output: Tensor<4>, target: Tensor<4>) -> Tensor<1> {
    match kind {
        HeadKind::ClassVectors => cross_entropy(output, target),
        _ => mean_squared_error(output, target),
    }
}
