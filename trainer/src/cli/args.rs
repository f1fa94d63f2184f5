//! The commands and their common options.

use super::interrupt::EXIT_INTERRUPTED;
use super::{
    bench, compare, demo, eval, export, import_model, import_profile, inspect, labels, new, plot, predict, preview,
    receptive_field, train, unpack,
};
use clap::{Parser, Subcommand};

const AFTER_HELP: &str = "\
Progress goes to stderr, results to stdout. With --json the last line of stdout is one JSON object.

Exit codes: 0 done; 1 failed (the message says why); 2 the command line was not understood;
130 stopped with Ctrl-C (training leaves a checkpoint that --resume continues).

Examples:
  dormouse demo
  dormouse train flies.toml --out runs/flies
  dormouse predict -m runs/flies/flies.dorm video.mp4 -o video.slp --overlay pictures
  dormouse eval labels.slp video.slp";

/// With the commit of the sources.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("DORMOUSE_GIT"), ")");

/// Train compact pose networks, export them to one bundle, and find poses with it.
#[derive(Debug, Parser)]
#[command(name = "dormouse", version = VERSION, about, after_help = AFTER_HELP)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train on a synthetic scene, export, predict, and draw a picture: the whole path in minutes
    Demo(demo::DemoArgs),
    /// Train a network from a TOML configuration
    Train(train::TrainArgs),
    /// Make a bundle from a run's checkpoint
    Export(export::ExportArgs),
    /// Find poses in a video, image, folder or labels file
    Predict(predict::PredictArgs),
    /// Compare predicted poses with true ones
    Eval(eval::EvalArgs),
    /// Write a configuration that suits the labels
    New(new::NewArgs),
    /// Make a bundle from models that SLEAP trained
    ImportModel(import_model::ImportModelArgs),
    /// Write a configuration from a SLEAP profile
    ImportProfile(import_profile::ImportProfileArgs),
    /// Count what a labels file holds: animals, sizes, parts, mistakes
    Labels(labels::LabelsArgs),
    /// Draw augmented training samples with their targets
    Preview(preview::PreviewArgs),
    /// Compare what a network sees with the size of the animals
    ReceptiveField(receptive_field::ReceptiveFieldArgs),
    /// Evaluate several models on the same labels, in one table
    Compare(compare::CompareArgs),
    /// Draw charts of a training run
    Plot(plot::PlotArgs),
    /// Time a network on this machine, engine by engine
    Bench(bench::BenchArgs),
    /// Show what is in a bundle, a labels file or an ONNX file
    Inspect(inspect::InspectArgs),
    /// Write the sections of a bundle as plain files
    Unpack(unpack::UnpackArgs),
}

/// Runs one command and gives the process's exit code.
///
/// # Errors
/// Whatever stopped the command; the message is for the person at the terminal.
pub fn run(cli: Cli) -> anyhow::Result<u8> {
    match cli.command {
        Command::Demo(args) => demo::run(&args),
        Command::Train(args) => train::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Predict(args) => predict::run(&args),
        Command::Eval(args) => eval::run(&args),
        Command::New(args) => new::run(&args),
        Command::ImportModel(args) => import_model::run(&args),
        Command::ImportProfile(args) => import_profile::run(&args),
        Command::Labels(args) => labels::run(&args),
        Command::Preview(args) => preview::run(&args),
        Command::ReceptiveField(args) => receptive_field::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Plot(args) => plot::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Unpack(args) => unpack::run(&args),
    }
}

/// The exit code of a command that was stopped by this error.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<crate::Error>() {
        Some(crate::Error::Interrupted(_)) => EXIT_INTERRUPTED,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
