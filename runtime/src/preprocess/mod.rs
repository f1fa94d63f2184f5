//! Frame to network input: colour, scale, zero padding, `[0, 1]` floats. The trainer uses the very same code.

mod color;
mod crop;
mod plan;
mod resize;
mod window;

pub use crop::CropSampler;
pub use plan::{InputShape, Preprocessor};
pub use resize::AxisTaps;
