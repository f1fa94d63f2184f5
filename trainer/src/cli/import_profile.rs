//! `dormouse import-profile`: a configuration from one of SLEAP's.

use super::output::print_result;
use crate::error::Error;
use crate::import::{Imported, PRESETS, preset, read_profile};
use crate::output::write_atomically;
use anyhow::ensure;
use clap::Args;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Arguments of `dormouse import-profile`.
#[derive(Debug, Args)]
#[command(
    after_help = "Reads classic SLEAP's profiles and training_config.json, or a baseline profile by its name, and tells what was not taken over
and why. The labels are those of the profile unless --labels names others.

Names: baseline_medium_rf.single, baseline_large_rf.single, baseline_medium_rf.bottomup, baseline_large_rf.bottomup

Examples:
  dormouse import-profile baseline_medium_rf.bottomup --labels flies.slp -o flies.toml
  dormouse import-profile models/250101.multi_instance/training_config.json -o flies.toml"
)]
pub(super) struct ImportProfileArgs {
    /// Profile (.json), or the name of a baseline profile
    profile: PathBuf,
    /// Training labels, in place of the profile's (repeatable)
    #[arg(long, value_name = "FILE")]
    labels: Vec<String>,
    /// File to write (default: standard output)
    #[arg(short, long)]
    out: Option<PathBuf>,
    /// Replace OUT if it is there
    #[arg(long)]
    force: bool,
    /// Print one JSON line
    #[arg(long, requires = "out")]
    json: bool,
}

pub(super) fn run(args: &ImportProfileArgs) -> anyhow::Result<u8> {
    if let Some(out) = args.out.as_ref().filter(|_| !args.force) {
        ensure!(!out.exists(), "{} is already there; --force replaces it", out.display());
    }
    let mut imported = open(&args.profile)?;
    if !args.labels.is_empty() {
        imported.config.data.train = args.labels.clone();
    }
    if imported.config.data.train.is_empty() {
        imported.notes.push("the profile names no labels: set data.train before training, or use --labels".into());
    }
    let text = imported.to_toml(&args.profile.to_string_lossy())?;
    imported.notes.iter().for_each(|note| eprintln!("note: {note}"));
    match &args.out {
        None => print_result(false, &(), &text)?,
        Some(out) => {
            write_atomically(out, |file| file.write_all(text.as_bytes()))?;
            print_result(args.json, &json!({ "config": out, "notes": imported.notes }), &out.display().to_string())?;
        }
    }
    Ok(0)
}

/// A file, or else a preset.
fn open(profile: &Path) -> crate::Result<Imported> {
    let named = profile.to_str().and_then(preset);
    match (profile.exists(), named) {
        (false, Some(preset)) => Ok(Imported { config: preset.config(), notes: Vec::new() }),
        (false, None) if profile.extension().is_none_or(|e| !e.eq_ignore_ascii_case("json")) => {
            let names = PRESETS.map(|p| p.name).join(", ");
            Err(Error::Data(format!("{}: there is no such file, and the baseline profiles are {names}", profile.display())))
        }
        _ => read_profile(profile),
    }
}
