//! The command line: one file per command.

mod args;
mod demo;
mod eval;
mod export;
mod inspect;
mod output;
mod predict;
mod text;
mod train;
mod unpack;

pub use args::{Cli, run};
