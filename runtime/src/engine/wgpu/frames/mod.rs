//! Whole frames: preprocessing before the network, peaks, refinement and scores behind it, in one command buffer.

mod bisect;
mod engine;
mod input;
mod layout;
mod program;

pub(super) use bisect::CpuPart;
pub use engine::WgpuFrames;
pub use program::FrameProgram;
