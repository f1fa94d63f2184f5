//! The command line: one file per command.

mod args;
mod demo;
mod eval;
mod export;
mod inspect;
mod interrupt;
mod labels;
mod output;
mod overlay;
mod plot;
mod predict;
mod receptive_field;
mod run_report;
mod text;
mod train;
mod unpack;
mod video_search;

pub use args::{Cli, run};
