//! `dormouse eval`: predicted poses against true ones.

use super::output::print_result;
use super::run_report::indented;
use crate::dataset::{InstanceKind, Labels, VideoSearch, read_labels};
use crate::metric::{EvalOptions, TruthKind, center_reach_px, centers_of, evaluate, holds_centers, pair_labels};
use crate::predict::FrameList;
use crate::report::AnimalSizes;
use crate::terminal::tell;
use anyhow::{Context as _, bail};
use clap::Args;
use std::path::PathBuf;

/// Arguments of `dormouse eval`.
#[derive(Debug, Args)]
#[command(
    after_help = "A labelled frame that PREDICTED lacks counts as all missed; name the frames that were predicted with --frames.
A prediction without a true animal counts as a false positive. Parts that are missing in TRUTH are not judged. Animals of one part,
such as the centres of a centroid model, have no OKS: a prediction belongs to a true one within a quarter of the animals' median size.

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
    /// Distance in pixels within which a prediction belongs to a true animal, where both are single points
    /// (default: a quarter of the animals' median size; 10 where TRUTH does not tell it)
    #[arg(long, value_name = "PX")]
    reach_px: Option<f64>,
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
    let kind = if args.any_instances { TruthKind::Any } else { TruthKind::User };
    let options = options(args, &truth, kind)?;
    if holds_centers(&predicted) && !holds_centers(&truth) {
        truth = reduced(&truth, args.anchor.as_deref())?;
    } else if args.anchor.is_some() {
        bail!("--anchor is for predictions of a centroid model; {} holds parts", args.predicted.display());
    }
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

/// How to judge, from the arguments and the size of the true animals.
fn options(args: &EvalArgs, truth: &Labels, kind: TruthKind) -> anyhow::Result<EvalOptions> {
    let positive = |value: f64, name: &str| {
        anyhow::ensure!(value > 0.0 && value.is_finite(), "{name} must be positive and finite");
        Ok(value)
    };
    let animals = truth.frames.iter().flat_map(|f| &f.instances);
    let sizes = AnimalSizes::of_instances(animals.filter(|i| kind == TruthKind::Any || i.kind == InstanceKind::User));
    let mut options =
        EvalOptions { point_reach_px: center_reach_px(sizes.map(|s| s.diagonal_median_px)), ..EvalOptions::default() };
    if let Some(sigma) = args.oks_sigma {
        options.oks.sigma = positive(sigma, "--oks-sigma")?;
    }
    if let Some(reach_px) = args.reach_px {
        options.point_reach_px = positive(reach_px, "--reach-px")?;
    }
    Ok(options)
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
