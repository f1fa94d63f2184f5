//! Trains compact pose networks and exports them for the `dormouse` runtime.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail by panicking"))]

pub mod augment;
pub mod dataset;
pub mod draw;
pub mod error;
pub mod metric;
pub mod output;
pub mod targets;

pub use error::{Error, Result};
