//! Validation: the same un-augmented batches after every epoch.

use super::gradients::losses;
use crate::batch::BatchSource;
use crate::error::Result;
use crate::model::{HardKeypoints, PoseNet};

/// What a pass over the validation batches gives, one number per head, weighted by batch size.
#[derive(Debug, Clone, PartialEq)]
pub struct Validated {
    /// Mean losses.
    pub losses: Vec<f64>,
    /// Mean losses of maps that are zero everywhere, without hard keypoint mining: the mean squares of the targets.
    pub empty: Vec<f64>,
}

/// One pass; `None` when there is no batch.
///
/// # Errors
/// When a batch cannot be prepared or does not fit.
pub fn validate(net: &PoseNet, batches: &dyn BatchSource, hard: &HardKeypoints) -> Result<Option<Validated>> {
    let heads = net.config().heads.len();
    let mut sums = Validated { losses: vec![0.0; heads], empty: vec![0.0; heads] };
    let mut images = 0usize;
    for index in 0..batches.batches() {
        let batch = batches.batch(0, index)?;
        for (sum, loss) in sums.losses.iter_mut().zip(losses(net, &batch, hard)?) {
            *sum += loss * batch.len() as f64;
        }
        for (sum, (target, _)) in sums.empty.iter_mut().zip(&batch.targets) {
            let squares: f64 = target.iter().map(|t| f64::from(*t).powi(2)).sum();
            *sum += squares / target.len().max(1) as f64 * batch.len() as f64;
        }
        images += batch.len();
    }
    if images == 0 {
        return Ok(None);
    }
    sums.losses.iter_mut().chain(&mut sums.empty).for_each(|sum| *sum /= images as f64);
    Ok(Some(sums))
}
