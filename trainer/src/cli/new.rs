//! `dormouse new`: a configuration that suits the labels.

use super::output::print_result;
use super::video_search::VideoSearchArgs;
use crate::config::{ALL_KEYS, TrainModelType};
use crate::dataset::{InstanceKind, read_labels};
use crate::metric::TruthKind;
use crate::output::write_atomically;
use crate::recommend::{View, Wishes, guess_anchor, guess_view, recommend};
use crate::report::{LabelStatistics, frame_sizes};
use anyhow::ensure;
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

/// Arguments of `dormouse new`.
#[derive(Debug, Args)]
#[command(
    after_help = "Looks at the labels (animals per frame, their size, the frames' size, the skeleton) and writes a commented configuration that
`dormouse train` takes as it is.

Examples:
  dormouse new flies.slp -o flies.toml
  dormouse new flies.slp --view top --minutes 30 -o flies.toml
  dormouse new flies.slp --model top_down -o flies-topdown.toml
  dormouse new --all-keys                # every key with its default, meaning, unit and range"
)]
pub(super) struct NewArgs {
    /// Labels (.slp, .pkg.slp)
    #[arg(required_unless_present = "all_keys")]
    labels: Option<PathBuf>,
    /// Write every key of a configuration with its default, meaning, unit and range instead; no labels are needed
    #[arg(long, conflicts_with_all = ["labels", "model", "view", "minutes", "json"])]
    all_keys: bool,
    /// File to write (default: standard output)
    #[arg(short, long)]
    out: Option<PathBuf>,
    /// Model type: single_instance, bottom_up, top_down, bottom_up_id, top_down_id or centroid (default: from the labels)
    #[arg(long, value_name = "TYPE", value_parser = parse_type)]
    model: Option<TrainModelType>,
    /// From where the camera looks (default: judged by the directions in which the animals lie)
    #[arg(long)]
    view: Option<View>,
    /// Minutes of training (default: until the validation loss stops falling)
    #[arg(long)]
    minutes: Option<f64>,
    /// Replace OUT if it is there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    search: VideoSearchArgs,
    /// Print one JSON line
    #[arg(long, requires = "out")]
    json: bool,
}

fn parse_type(text: &str) -> Result<TrainModelType, String> {
    serde_json::from_value(json!(text)).map_err(|e| e.to_string())
}

pub(super) fn run(args: &NewArgs) -> anyhow::Result<u8> {
    if let Some(minutes) = args.minutes {
        ensure!(minutes > 0.0 && minutes <= 1e6, "--minutes must be above 0 and at most 1000000");
    }
    if let Some(out) = args.out.as_ref().filter(|_| !args.force) {
        ensure!(!out.exists(), "{} is already there; --force replaces it", out.display());
    }
    let Some(path) = &args.labels else {
        match &args.out {
            Some(out) => write_atomically(out, |file| file.write_all(ALL_KEYS.as_bytes()))?,
            None => print_result(false, &(), ALL_KEYS.trim_end())?,
        }
        return Ok(0);
    };
    let labels = read_labels(path, &args.search.to_search()?)?;
    let statistics = LabelStatistics::of(&labels, TruthKind::User, frame_sizes(&labels));
    let animals = labels.frames.iter().flat_map(|f| &f.instances).filter(|i| i.kind == InstanceKind::User);
    let view = args.view.or_else(|| guess_view(&labels, animals.clone()));
    let wishes = Wishes { model_type: args.model, view, anchor: guess_anchor(&labels, animals), minutes: args.minutes };
    let found = recommend(&path.to_string_lossy(), &statistics, &wishes)?;
    let text = found.to_toml()?;
    let Some(out) = &args.out else {
        print_result(false, &(), &text)?;
        return Ok(0);
    };
    write_atomically(out, |file| file.write_all(text.as_bytes()))?;
    let reasons: serde_json::Map<_, _> = found.reasons.iter().map(|(key, reason)| (key.clone(), json!(reason))).collect();
    let value = json!({ "config": out, "view": view, "statistics": statistics, "reasons": reasons });
    let said = format!("{}\ntrain with: dormouse train {0}", out.display());
    print_result(args.json, &value, &said)?;
    Ok(0)
}
