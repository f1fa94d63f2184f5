//! `dormouse labels`: what a labels file holds, as far as training cares.

use super::output::print_result;
use super::video_search::VideoSearchArgs;
use crate::dataset::{InstanceKind, read_labels};
use crate::metric::TruthKind;
use crate::report::{LabelStatistics, frame_sizes};
use crate::terminal::tell;
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

/// Arguments of `dormouse labels`.
#[derive(Debug, Args)]
#[command(
    after_help = "A part is usable when it was placed and marked visible. Animal sizes are boxes around the usable parts, in pixels of the
original frames; parts outside the frame are found where the video can be opened or the file tells its size.

Examples:
  dormouse labels flies.slp
  dormouse labels predictions.slp --any-instances
  dormouse labels flies.slp --video-dir videos --json"
)]
pub(super) struct LabelsArgs {
    /// Labels (.slp, .pkg.slp)
    file: PathBuf,
    /// Count predicted instances as well as those placed by a person; a file without the latter is counted so anyway
    #[arg(long)]
    any_instances: bool,
    #[command(flatten)]
    search: VideoSearchArgs,
    /// Print one JSON line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &LabelsArgs) -> anyhow::Result<u8> {
    let labels = read_labels(&args.file, &args.search.to_search()?)?;
    let mut kinds = labels.frames.iter().flat_map(|f| &f.instances).map(|i| i.kind).peekable();
    let only_predicted = kinds.peek().is_some() && kinds.all(|kind| kind == InstanceKind::Predicted);
    if only_predicted && !args.any_instances {
        tell("note: all instances were predicted, so these are counted");
    }
    let kind = if args.any_instances || only_predicted { TruthKind::Any } else { TruthKind::User };
    let statistics = LabelStatistics::of(&labels, kind, frame_sizes(&labels));
    let mut value = serde_json::to_value(&statistics)?;
    value["warnings"] = json!(statistics.warnings());
    print_result(args.json, &value, &statistics.to_string())?;
    Ok(0)
}
