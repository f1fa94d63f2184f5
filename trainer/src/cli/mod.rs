//! The command line: one file per command.

mod args;
mod bench;
mod compare;
mod demo;
mod eval;
mod export;
mod import_model;
mod import_profile;
mod inspect;
mod interrupt;
mod labels;
mod new;
mod output;
mod overlay;
mod pipelines;
mod plot;
mod predict;
mod preview;
mod receptive_field;
mod run_report;
mod text;
mod train;
mod unpack;
mod video_search;

pub use args::{Cli, exit_code, run};
