//! Frame to network input: colour, scale, zero padding, `[0, 1]` floats. The trainer uses the very same code.

mod color;
mod plan;
mod resize;

pub use plan::{InputShape, Preprocessor};
pub use resize::AxisTaps;
