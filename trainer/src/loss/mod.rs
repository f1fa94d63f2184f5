//! What the training minimises.

mod cross_entropy;
mod head;
mod mined;
mod mse;

pub use cross_entropy::cross_entropy;
pub use head::{head_loss, mines};
pub use mined::mined_error;
pub use mse::{mean_squared_error, weighted_sum};
