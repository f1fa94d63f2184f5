//! Compute shaders of the runtime in plain WGSL, one file and one dispatch each, and the structs that they read.
//!
//! This crate does not depend on wgpu: it holds text and tables. What is fixed when a pipeline is made is an override constant,
//! so that an editor can read every file. Only the activation, which ends eight kernels, stands in a file of its own and is put
//! before them ([`Kernel::source`]).

#![no_std]

mod frame_params;
mod kernel;
mod params;

pub use frame_params::{ClassParams, CropParams, LineParams, PeakParams, PreprocessParams};
pub use kernel::{Access, Kernel};
pub use params::{BinaryParams, ConvParams, PairParams, PoolParams, Reads};
