//! `dormouse compare`: several models on the same labels, in one table.

use super::output::print_result;
use super::text::{bytes, default_threads, written};
use super::video_search::VideoSearchArgs;
use crate::config::DataConfig;
use crate::dataset::{LabeledSamples, SampleOptions, SampleSource, VideoSearch, read_labels};
use crate::draw::save_png;
use crate::output::check_place;
use crate::plot::{Axes, Series, line_chart};
use crate::session::{Comparison, Contestant, compare, judged_by, open_sources};
use crate::terminal::tell;
use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::json;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

/// Arguments of `dormouse compare`.
#[derive(Debug, Args)]
#[command(
    after_help = "Trains nothing. Without --labels the validation samples of the first run folder are used. Parameters, GFLOP and receptive
field are read off the networks. The models take turns frame by frame, so that a busy machine slows all of them alike.

Examples:
  dormouse compare runs/bottomup runs/topdown
  dormouse compare a.dorm b.dorm --labels test.slp -o pck.png"
)]
pub(super) struct CompareArgs {
    /// Run folders or bundles (.dorm)
    #[arg(required = true)]
    runs: Vec<PathBuf>,
    /// Labels (.slp) to compare on
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Picture to write: share of correct keypoints by distance (PNG)
    #[arg(short, long)]
    out: Option<PathBuf>,
    /// Threads of the network (default: all cores)
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    #[command(flatten)]
    search: VideoSearchArgs,
    /// Print one JSON line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &CompareArgs) -> anyhow::Result<u8> {
    if let Some(out) = &args.out {
        check_place(out)?;
    }
    let contestants = args.runs.iter().map(|path| Contestant::open(path)).collect::<crate::Result<Vec<_>>>()?;
    let (source, samples) = samples(args, &contestants)?;
    let source = judged_by(&contestants, source)?;
    let threads = args.threads.map_or_else(default_threads, usize::from);
    tell(format_args!("{} models, {} frames", contestants.len(), source.len()));
    let rows = compare(&contestants, source.as_ref(), threads)?;
    if let Some(out) = &args.out {
        save_png(&line_chart(&AXES, &curves(&rows))?, out)?;
        tell(format_args!("picture: {}", out.display()));
    }
    let value = json!({ "samples": samples, "frames": source.len(), "threads": threads, "models": rows });
    let points = rows.iter().find_map(|row| row.evaluation.report.point_reach_px).map_or_else(String::new, |reach_px| {
        format!("\npoints: found means within {reach_px:.1} px; they have no OKS and no mAP, which go by the size of an animal")
    });
    let said = format!("{}on {samples}, {} frames, {threads} thread(s){points}", table(&rows), source.len());
    print_result(args.json, &value, &said)?;
    Ok(0)
}

/// What to compare on, and its name.
fn samples(args: &CompareArgs, contestants: &[Contestant]) -> anyhow::Result<(Arc<dyn SampleSource>, String)> {
    let search = args.search.to_search()?;
    if let Some(path) = &args.labels {
        let labels = read_labels(path, &search)?;
        let source = LabeledSamples::open(labels, &SampleOptions::default(), &mut |_, _| {})?;
        if source.is_empty() {
            bail!("{}: no frame has a user instance with a usable part", path.display());
        }
        return Ok((Arc::new(source), path.display().to_string()));
    }
    let Some(run) = contestants.iter().find_map(Contestant::run) else {
        bail!("bundles do not know their labels: name some with --labels, or compare run folders");
    };
    let data = run.read()?.0.data;
    let name = format!("the validation samples of {}", run.path().display());
    Ok((validation(&data, &search).with_context(|| name.clone())?, name))
}

fn validation(data: &DataConfig, search: &VideoSearch) -> crate::Result<Arc<dyn SampleSource>> {
    Ok(open_sources(data, search, &mut |_, _, _| {})?.val)
}

const AXES: Axes<'static> = Axes {
    title: "Parts closer to the truth than a distance",
    x: "distance, px",
    y: "share of parts of matched animals",
    log_y: false,
    x_low: Some(0.0),
    y_range: Some((0.0, 1.0)),
    rising: true,
};

fn curves(rows: &[Comparison]) -> Vec<Series> {
    let curve = |(color, row): (usize, &Comparison)| {
        let pck = row.evaluation.report.pck.as_ref();
        let points = pck.map(|p| p.thresholds_px.iter().copied().zip(p.fraction.iter().copied()).collect());
        Series { name: row.name.clone(), points: points.unwrap_or_default(), color, pale: false }
    };
    rows.iter().enumerate().map(curve).collect()
}

/// One column per model, one line per figure.
fn table(rows: &[Comparison]) -> String {
    type Figure = fn(&Comparison) -> String;
    let similarity: [(&str, Figure); 3] = [
        ("OKS", |r| ratio(r.evaluation.report.moks)),
        ("OKS, missed as 0", |r| ratio(r.evaluation.report.moks_all)),
        ("mAP", |r| ratio(r.evaluation.report.map)),
    ];
    // Centres have none: they are found, or not.
    let found: [(&str, Figure); 2] =
        [("precision", |r| ratio(r.evaluation.report.precision)), ("recall", |r| ratio(r.evaluation.report.recall))];
    let points_alone = rows.iter().all(|row| row.evaluation.report.point_reach_px.is_some());
    let others: [(&str, Figure); 14] = [
        ("missed animals", |r| r.evaluation.report.false_negatives.to_string()),
        ("spurious animals", |r| r.evaluation.report.false_positives.to_string()),
        ("mean error, px", |r| fixed(r.evaluation.report.distance.map(|d| d.mean))),
        ("median error, px", |r| fixed(r.evaluation.report.distance.map(|d| d.p50))),
        ("within 3 px", |r| ratio(r.evaluation.report.within_3px)),
        ("frame, median ms", |r| fixed(Some(r.evaluation.latency.p50_ms))),
        ("frame, p99 ms", |r| fixed(Some(r.evaluation.latency.p99_ms))),
        ("  preprocess, ms", |r| fixed(Some(r.evaluation.latency.preprocess_ms))),
        ("  network, ms", |r| fixed(Some(r.evaluation.latency.infer_ms))),
        ("  decode, ms", |r| fixed(Some(r.evaluation.latency.decode_ms))),
        ("parameters", |r| r.network.map_or("-".into(), |n| n.parameters.to_string())),
        ("GFLOP per frame", |r| fixed(r.network.map(|n| n.gflop))),
        ("receptive field, px", |r| r.network.map_or("-".into(), |n| n.receptive_field_px.to_string())),
        ("bundle", |r| bytes(r.bundle_bytes)),
    ];
    let model_type: (&str, Figure) = ("model type", |r| written(&r.model_type));
    let accuracy: &[(&str, Figure)] = if points_alone { &found } else { &similarity };
    let figures: Vec<(&str, Figure)> = std::iter::once(model_type).chain(accuracy.iter().copied()).chain(others).collect();
    let widths: Vec<usize> = rows
        .iter()
        .map(|row| figures.iter().map(|(_, f)| f(row).chars().count()).fold(row.name.chars().count(), usize::max))
        .collect();
    let mut text = String::new();
    let mut line = |head: &str, cells: Vec<String>| {
        let cells = cells.iter().zip(&widths).map(|(cell, &width)| format!("  {cell:>width$}")).collect::<String>();
        // Writing to a string does not fail.
        let _ = writeln!(text, "{head:<20}{cells}");
    };
    line("", rows.iter().map(|row| row.name.clone()).collect());
    for (name, figure) in figures {
        line(name, rows.iter().map(figure).collect());
    }
    text
}

fn ratio(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |v| format!("{v:.4}"))
}

fn fixed(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |v| format!("{v:.2}"))
}
