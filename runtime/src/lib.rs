//! Dormouse turns camera frames into animal poses.

#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail by panicking"))]

extern crate alloc;

pub mod bundle;
pub mod config;
pub mod decode;
pub mod engine;
pub mod error;
pub mod frame;
pub mod geometry;
pub mod graph;
pub mod instances;
pub mod pipeline;
pub mod preprocess;
pub mod skeleton;
pub mod tensor;

pub use bundle::Bundle;
pub use config::{Config, ModelType};
pub use engine::{Backend, Precision};
pub use error::Error;
pub use frame::{Frame, PixelFormat};
pub use geometry::{CropMap, CropPoint, ImageMap, ImagePoint, InputPoint};
pub use instances::{Identity, Instance, Keypoint, Overflow, Poses};
pub use pipeline::{Estimator, OnSizeChange, Options, Stage, Ticket};
pub use skeleton::Skeleton;
