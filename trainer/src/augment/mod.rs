//! Random variations of training samples.

mod config;
mod flip;
mod intensity;
mod sampler;
mod warp;

pub use config::AugmentConfig;
pub use sampler::Augment;
pub use warp::Warp;
