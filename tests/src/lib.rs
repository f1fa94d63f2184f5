//! What the cross-crate tests share: naive oracles, named tolerances and hand-made files.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail by panicking")]

pub mod bundles;
pub mod cpu_suite;
#[cfg(feature = "wgpu")]
pub mod frames_suite;
pub mod golden;
pub mod heap;
pub mod hostile;
pub mod imported;
pub mod keras;
pub mod keras_layers;
pub mod keras_mixture;
pub mod keras_models;
pub mod maps;
pub mod networks;
pub mod node_files;
pub mod npy;
pub mod onnx;
pub mod poses;
pub mod run_tract;
pub mod tolerance;
pub mod top_down;
pub mod untrained;
#[cfg(feature = "wgpu")]
pub mod wgpu_suite;
