//! `dormouse`: train, export, predict, evaluate and inspect pose models on a workstation.

use clap::Parser as _;
use dormouse_trainer::cli::{Cli, exit_code, run};
use dormouse_trainer::terminal::tell;
use std::process::ExitCode;

/// Training allocates and frees maps of megabytes every step; the system's allocator hands each back to the kernel and pays
/// for the page faults (a quarter of a step was seen).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            tell(format_args!("error: {error:#}"));
            ExitCode::from(exit_code(&error))
        }
    }
}
