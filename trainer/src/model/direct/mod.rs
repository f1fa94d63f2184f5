//! Forward pass and gradients on the CPU, written out by hand.
//!
//! burn's CPU backend computes the gradient of a convolution's weights as a convolution with a kernel as large as the map,
//! which takes most of a training step. Here a convolution and both of its gradients are sums of shifted rows, taken with vector
//! instructions straight from padded maps, without patches in between. Maps are stored channel by channel,
//! `[channel][batch][row][column]`, so that the small maps of a whole batch make one long row. Results do not depend on the number of threads.

mod activation;
mod buffers;
mod conv;
mod correlate;
mod cross_entropy;
mod depthwise;
mod loss;
mod map;
mod nearest;
mod network;
mod padded;
mod pool;
mod sums;
mod tiles;
mod transposed;
mod upsample;

pub use buffers::clear as clear_buffers;
pub use cross_entropy::{EPSILON, cross_entropy};
pub use loss::channel_errors;
pub use map::Map;
pub use network::{DirectNet, LossGradients};
