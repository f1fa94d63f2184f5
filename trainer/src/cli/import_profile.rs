//! `dormouse import-profile`: a configuration from one of SLEAP's.

use super::output::print_result;
use crate::error::Error;
use crate::import::{Imported, NO_CENTROID, PRESETS, preset, read_profile, with_centroid};
use crate::output::write_atomically;
use crate::terminal::tell;
use anyhow::ensure;
use clap::Args;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Arguments of `dormouse import-profile`.
#[derive(Debug, Args)]
#[command(
    after_help = "Reads classic SLEAP's profiles and training_config.json, SLEAP-NN's files (.yaml), or a baseline profile by its name, and tells
what was not taken over and why. The labels are those of the profile unless --labels names others.

Names: baseline_{medium,large}_rf.{single,bottomup,topdown}, baseline.centroid

Examples:
  dormouse import-profile baseline_medium_rf.bottomup --labels flies.slp -o flies.toml
  dormouse import-profile models/250101.multi_instance/training_config.json -o flies.toml
  dormouse import-profile models/bottomup/training_config.yaml -o flies.toml
  dormouse import-profile instance/training_config.json --centroid centroid/training_config.json -o flies.toml"
)]
pub(super) struct ImportProfileArgs {
    /// Profile (.json, or .yaml of SLEAP-NN), or the name of a baseline profile
    profile: PathBuf,
    /// Profile of the centroid network, for a profile of centered instances (default: baseline.centroid)
    #[arg(long, value_name = "PROFILE")]
    centroid: Option<PathBuf>,
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
    let is_half = imported.config.model.model_type.stages().len() > 1 && imported.config.centroid.is_empty();
    if is_half || args.centroid.is_some() {
        let centroid = args.centroid.clone().unwrap_or_else(|| PathBuf::from("baseline.centroid"));
        imported = with_centroid(imported, open(&centroid)?)?;
        if args.centroid.is_none() {
            imported.notes.push(NO_CENTROID.into());
        }
    }
    if !args.labels.is_empty() {
        imported.config.data.train = args.labels.clone();
    }
    if imported.config.data.train.is_empty() {
        imported.notes.push("the profile names no labels: set data.train before training, or use --labels".into());
    }
    let text = imported.to_toml(&args.profile.to_string_lossy())?;
    imported.notes.iter().for_each(|note| tell(format_args!("note: {note}")));
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
        (false, Some(preset)) => preset.imported(),
        (false, None)
            if profile.extension().is_none_or(|e| !["json", "yaml", "yml"].iter().any(|known| e.eq_ignore_ascii_case(known))) =>
        {
            let names = PRESETS.map(|p| p.name).join(", ");
            Err(Error::Data(format!("{}: there is no such file, and the baseline profiles are {names}", profile.display())))
        }
        _ => read_profile(profile),
    }
}
