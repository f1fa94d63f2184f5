//! `dormouse eval`: predicted poses against true ones.

use super::output::print_result;
use super::run_report::indented;
use crate::dataset::{Labels, VideoSearch, read_labels};
use crate::metric::{EvalOptions, TruthKind, centers_of, evaluate, holds_centers, pair_labels};
use crate::predict::FrameList;
use crate::terminal::tell;
use anyhow::{Context as _, bail};
use clap::Args;
use std::path::PathBuf;

/// Arguments of `dormouse eval`.
#[derive(Debug, Args)]
#[command(
    after_help = "A labelled frame that PREDICTED lacks counts as all missed; name the frames that were predicted with --frames.
A prediction without a true animal counts as a false positive. Parts that are missing in TRUTH are not judged.

Examples:
  dormouse eval labels.slp predicted.slp
  dormouse eval labels.slp centres.slp --anchor thorax     # predictions of a centroid model
  dormouse eval sleap.predictions.slp ours.slp --any-instances --frames 0-199"
)]
pub(super) struct EvalArgs {
    /// Labels that count as true (.slp): their user instances
    truth: PathBuf,
    /// Predicted labels (.slp)
    predicted: PathBuf,
    /// Take predicted instances of TRUTH as true as well, to compare two programs
    #[arg(long)]
    any_instances: bool,
    /// Judge only these frame numbers, for example 0-199
    #[arg(long)]
    frames: Option<FrameList>,
    /// Part of TRUTH that is the centre of an animal, where PREDICTED holds centres alone (default: the
    /// mean of the visible parts)
    #[arg(long, value_name = "PART")]
    anchor: Option<String>,
    /// Sigma of the object keypoint similarity (SLEAP: 0.025 for every node)
    #[arg(long, value_name = "SIGMA")]
    oks_sigma: Option<f64>,
    /// Print one JSON line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &EvalArgs) -> anyhow::Result<u8> {
    let mut truth = read_labels(&args.truth, &VideoSearch::default())?;
    let mut predicted = read_labels(&args.predicted, &VideoSearch::default())?;
    if let Some(list) = &args.frames {
        keep_frames(&mut truth, list);
        keep_frames(&mut predicted, list);
    }
    if holds_centers(&predicted) && !holds_centers(&truth) {
        truth = reduced(&truth, args.anchor.as_deref())?;
    } else if args.anchor.is_some() {
        bail!("--anchor is for predictions of a centroid model; {} holds parts", args.predicted.display());
    }
    let mut options = EvalOptions::default();
    if let Some(sigma) = args.oks_sigma {
        anyhow::ensure!(sigma > 0.0 && sigma.is_finite(), "--oks-sigma must be positive and finite");
        options.oks.sigma = sigma;
    }
    let kind = if args.any_instances { TruthKind::Any } else { TruthKind::User };
    let pairs = pair_labels(&truth, &predicted, kind)?;
    anyhow::ensure!(
        !pairs.is_empty(),
        "{} has no {} in the frames asked for{}",
        args.truth.display(),
        if args.any_instances { "instances" } else { "user instances" },
        if args.any_instances { "" } else { "; --any-instances takes predicted ones as true" },
    );
    let report = evaluate(&truth.skeleton.nodes, &pairs, &options);
    print_result(args.json, &report, &indented(&report))?;
    Ok(0)
}

/// The centres of the true animals, for predictions that are centres, too.
fn reduced(truth: &Labels, anchor: Option<&str>) -> anyhow::Result<Labels> {
    let Some(part) = anchor else {
        tell("the predictions are centres: judged against the mean of the visible parts (--anchor names a part)");
        return Ok(centers_of(truth, None));
    };
    let known = || format!("--anchor: there is no part {part:?}; there are {}", truth.skeleton.nodes.join(", "));
    let node = truth.skeleton.node_index(part).with_context(known)?;
    tell(format_args!(
        "the predictions are centres: judged against {part}, or the mean of the visible parts where it is missing"
    ));
    Ok(centers_of(truth, Some(node)))
}

fn keep_frames(labels: &mut Labels, list: &FrameList) {
    labels.frames.retain(|f| list.contains(f.frame_index));
}
