//! Our own engine for GPUs: the compute shaders of `dormouse-shaders` through wgpu.
//!
//! A network is lowered once for a size to a [`Program`]: dispatches with their kernel, parameters, constants, buffers and grid,
//! all plain data that can be looked at without a GPU. Preparing it makes the buffers, pipelines and bind groups; a run writes
//! the input, submits one command buffer and waits once. `frames` puts preprocessing before and peaks, refinement and edge scores
//! behind the network, in the same command buffer. `runtime/GPU.md` tells the way of a frame.

mod adapter;
mod frames;
mod fuse;
mod gpu;
mod joins;
mod least;
mod lower;
mod network;
mod parts;
mod phases;
mod pipeline_cache;
mod pipeline_file;
mod pipelines;
mod places;
mod prepared;
mod program;
mod readback;
mod timed;
mod weights;

pub use adapter::AdapterReport;
pub use frames::{FrameProgram, WgpuFrames};
pub use gpu::Gpu;
pub use lower::kernel_table;
pub use network::{WgpuEngine, WgpuNetwork};
pub use program::{Counted, Dispatch, Program, Slot};
