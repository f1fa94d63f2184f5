//! Our own engine for the CPU: small, without dependencies, faster than the general ones on small pose networks.
//!
//! A network is prepared once for a size: every node becomes a step with packed weights and fixed places in one arena. Maps lie
//! in blocks of as many channels as a vector has lanes; concatenations are not made but read in place by the convolutions behind
//! them. Each method is one file, written once over a few vector operations and compiled for AVX-512, AVX2, NEON and plain Rust.
//!
//! Subnormal numbers are computed with as any others: no mode of the processor is changed. NaN and infinities spoil what sees them;
//! by Winograd's method the rest of a tile of outputs too, and a maximum takes a number rather than a NaN before it.

mod activation;
mod convert;
mod direct;
mod elementwise;
mod general;
mod isa;
mod lower;
mod map;
mod memory;
mod micro;
mod network;
mod pack;
mod plan;
mod pool;
mod resize;
mod step;
mod strips;
mod vector;
mod winograd;
mod workers;

pub use isa::Isa;
pub use network::{CpuEngine, CpuNetwork};
pub use plan::StepInfo;
