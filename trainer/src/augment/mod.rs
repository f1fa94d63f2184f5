//! Random variations of training samples.

mod config;
mod erase;
mod flip;
mod intensity;
mod presets;
mod sampler;
mod warp;
mod window;

pub use config::AugmentConfig;
pub use sampler::Augment;
pub use warp::Warp;
