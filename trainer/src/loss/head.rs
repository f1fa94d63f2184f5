//! The loss of a head by its kind.

use super::{cross_entropy, mean_squared_error, mined_error};
use crate::error::Result;
use crate::model::HardKeypoints;
use burn::tensor::Tensor;
use dormouse::config::HeadKind;

/// Cross-entropy for class vectors, mean squared error for all maps (reference T section 7), as a tensor of one number. The maps of
/// parts and edges take part in hard keypoint mining where it is on. Both tensors are `[batch, channels, rows, columns]`.
///
/// # Errors
/// When the device fails.
pub fn head_loss(kind: HeadKind, output: Tensor<4>, target: Tensor<4>, hard: &HardKeypoints) -> Result<Tensor<1>> {
    match kind {
        HeadKind::ClassVectors => Ok(cross_entropy(output, target)),
        _ if hard.enabled && mines(kind) => mined_error(output, target, hard),
        _ => Ok(mean_squared_error(output, target)),
    }
}

/// Whether a head of this kind takes part in hard keypoint mining: all maps but those of classes.
pub fn mines(kind: HeadKind) -> bool {
    !matches!(kind, HeadKind::ClassVectors | HeadKind::ClassMaps)
}
