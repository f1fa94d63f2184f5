//! What the training minimises.

mod mse;

pub use mse::{mean_squared_error, weighted_sum};
