//! Whole frames: preprocessing before the network, peaks, refinement and scores behind it, in one command buffer.

mod bisect;
mod crops;
mod engine;
mod find;
mod input;
mod layout;
mod program;
mod results;
mod step;

pub(super) use bisect::CpuPart;
pub use engine::WgpuFrames;
pub use program::FrameProgram;
pub(super) use results::READ_WORDS;
