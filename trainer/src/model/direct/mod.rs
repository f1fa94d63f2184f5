//! Forward pass and gradients on the CPU, written out by hand.
//!
//! burn's CPU backend computes the gradient of a convolution's weights as a convolution with a kernel as large as the map,
//! which takes most of a training step. Here every convolution and both of its gradients are one matrix product per tile of
//! rows, over patches that stay in the cache. Maps are stored channel by channel, `[channel][batch][row][column]`, so that the
//! small maps of a whole batch fill one tile. Results do not depend on the number of threads.

mod conv;
mod map;
mod network;
mod patches;
mod pool;
mod transposed;
mod upsample;

pub use map::Map;
pub use network::{DirectNet, LossGradients};
