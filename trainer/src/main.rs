//! `dormouse`: train, export, predict, evaluate and inspect pose models on a workstation.

use clap::Parser as _;
use dormouse_trainer::cli::{Cli, run};
use std::process::ExitCode;

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(1)
        }
    }
}
