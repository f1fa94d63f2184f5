//! Mean squared error with the hard channels weighted up (reference T section 7).

use crate::error::Result;
use crate::model::HardKeypoints;
use crate::model::pose_net::read;
use burn::tensor::{Tensor, TensorData};

/// As [`super::mean_squared_error`], with every channel weighted by [`HardKeypoints::factors`], as a tensor of one number. Both
/// tensors are `[batch, channels, rows, columns]`. No gradient flows through the choice of the channels.
///
/// # Errors
/// When the device fails.
pub fn mined_error(output: Tensor<4>, target: Tensor<4>, rule: &HardKeypoints) -> Result<Tensor<1>> {
    let difference = output - target;
    let squared = difference.clone() * difference;
    let channels = squared.dims()[1];
    let sums = read(squared.clone().detach().sum_dim(0).sum_dim(2).sum_dim(3))?;
    let factors = rule.factors(&sums.into_iter().map(f64::from).collect::<Vec<_>>());
    let factors = Tensor::<4>::from_data(TensorData::new(factors, [1, channels, 1, 1]), &squared.device());
    Ok((squared * factors).mean())
}
