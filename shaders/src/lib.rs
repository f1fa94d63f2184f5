//! Compute shaders of the runtime in plain WGSL, one file and one dispatch each, and the structs that they read.
//!
//! This crate does not depend on wgpu: it holds text and tables. What is fixed when a pipeline is made is an override constant,
//! so that an editor can read every file. Only the activation, which ends eight kernels, and the form in which maps are written stand in
//! files of their own and are put before them; where numbers in memory have 16 bits, the lines that name their types are exchanged
//! ([`Kernel::source`]).

#![no_std]

extern crate alloc;

mod frame_params;
mod kernel;
mod params;
mod source;

pub use frame_params::{ClassParams, CropParams, LineParams, PeakParams, PreprocessParams};
pub use kernel::{Access, Kernel};
pub use params::{BinaryParams, ConvParams, PairParams, PoolParams, Reads};
pub use source::Halves;
