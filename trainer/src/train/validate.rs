//! Validation: the same un-augmented batches after every epoch.

use super::gradients::losses;
use crate::batch::BatchSource;
use crate::error::Result;
use crate::model::{HardKeypoints, PoseNet};

/// Mean loss per head over one pass, weighted by batch size; `None` when there is no batch.
///
/// # Errors
/// When a batch cannot be prepared or does not fit.
pub fn validate(net: &PoseNet, batches: &dyn BatchSource, hard: &HardKeypoints) -> Result<Option<Vec<f64>>> {
    let mut sums: Vec<f64> = Vec::new();
    let mut images = 0usize;
    for index in 0..batches.batches() {
        let batch = batches.batch(0, index)?;
        let part = losses(net, &batch, hard)?;
        sums.resize(part.len(), 0.0);
        for (sum, loss) in sums.iter_mut().zip(part) {
            *sum += loss * batch.len() as f64;
        }
        images += batch.len();
    }
    Ok((images > 0).then(|| sums.into_iter().map(|s| s / images as f64).collect()))
}
