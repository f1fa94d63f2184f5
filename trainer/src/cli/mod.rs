//! The command line: one file per command.

mod args;
mod demo;
mod eval;
mod export;
mod inspect;
mod interrupt;
mod output;
mod overlay;
mod predict;
mod run_report;
mod text;
mod train;
mod unpack;
mod video_search;

pub use args::{Cli, run};
