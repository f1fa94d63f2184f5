//! From a trained network to an ONNX file, and the proof that both are the same.

mod check;
mod graph;
mod metadata;
pub(crate) mod proto;

pub use check::{EXPORT_TOLERANCE, check_export};
pub(crate) use check::{largest_difference, run_tract, test_images};
pub use graph::to_onnx;
pub use metadata::metadata;
