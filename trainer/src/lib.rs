//! Trains compact pose networks and exports them for the `dormouse` runtime.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail by panicking"))]

pub mod augment;
pub mod batch;
pub mod cli;
pub mod config;
pub mod dataset;
pub mod device;
pub mod draw;
pub mod error;
pub mod export;
pub mod import;
pub mod loss;
pub mod metric;
pub mod model;
pub mod output;
pub mod plot;
pub mod predict;
pub mod prepare;
pub mod recommend;
pub mod report;
pub mod session;
pub mod targets;
pub mod terminal;
pub mod train;

pub use error::{Error, Result};
