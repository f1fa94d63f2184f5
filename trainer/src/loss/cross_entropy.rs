//! Cross-entropy of class probabilities (reference T section 7).

use crate::model::direct::EPSILON;
use burn::tensor::Tensor;

/// `-sum t ln(p + epsilon)` over classes and cells, divided by the images, as a tensor of one number. `probability` is the
/// softmax itself, so that there is no second one in the loss. Targets of zeros cost nothing: the crop teaches no class.
pub fn cross_entropy(probability: Tensor<4>, target: Tensor<4>) -> Tensor<1> {
    let images = probability.dims()[0].max(1) as f32;
    ((probability + EPSILON).log() * target).sum() / -images
}
