//! What `train` and `demo` print about a finished run.

use super::text;
use crate::config::Stage;
use crate::metric::{EvalReport, IdentityReport};
use crate::session::{Evaluation, RunOutcome};
use crate::train::TrainSummary;
use serde_json::{Value, json};

/// A run as JSON; the main accuracy figures stand at the top level.
pub(super) fn run_json(outcome: &RunOutcome) -> Value {
    let report = &outcome.validation.report;
    json!({
        "bundle": outcome.bundle,
        "bundle_bytes": outcome.bundle_bytes,
        "export_difference": outcome.export_difference,
        "steps": outcome.steps(),
        "elapsed_s": outcome.elapsed_s(),
        "measuring_s": outcome.measuring_s(),
        "networks": outcome.stages.iter().map(stage_json).collect::<Vec<_>>(),
        "precision": report.precision,
        "recall": report.recall,
        "moks": report.moks,
        "moks_all": report.moks_all,
        "map": report.map,
        "train": outcome.train,
        "validation": outcome.validation,
        "centered": outcome.centered,
        "test": outcome.test,
    })
}

fn stage_json((stage, summary): &(Stage, TrainSummary)) -> Value {
    json!({
        "network": stage.name(),
        "stopped": summary.reason.describe(),
        "epochs": summary.epochs,
        "steps": summary.steps,
        "best_epoch": summary.best_epoch,
        "best_loss": summary.best_loss,
        "elapsed_s": summary.elapsed_s,
    })
}

/// A run for people.
pub(super) fn run_text(outcome: &RunOutcome, threads: usize) -> String {
    let trained: Vec<String> = outcome.stages.iter().map(|stage| stage_text(stage, outcome.stages.len() > 1)).collect();
    let test = outcome.test.as_ref().map_or(String::new(), |test| measured("test", test, threads));
    let centered = outcome.centered.as_ref().map_or(String::new(), |report| {
        format!("accuracy of the instance network alone, given the true centres:\n{}\n", indented(report))
    });
    format!(
        "{}\nexported network differs from the trained one by at most {:.1e} (burn against tract)\n{}{}{}{}bundle: {} ({})",
        trained.join("\n"),
        outcome.export_difference,
        measured("validation", &outcome.validation, threads),
        fitted(&outcome.train.report),
        centered,
        test,
        outcome.bundle.display(),
        text::bytes(outcome.bundle_bytes),
    )
}

fn stage_text((stage, summary): &(Stage, TrainSummary), named: bool) -> String {
    format!(
        "trained {}{} epochs, {} steps in {:.1} min ({}); lowest validation loss {:.6} in epoch {}",
        if named { format!("{} network: ", stage.name()) } else { String::new() },
        summary.epochs,
        summary.steps,
        summary.elapsed_s / 60.0,
        summary.reason.describe(),
        summary.best_loss,
        summary.best_epoch,
    )
}

/// One line on training samples, to see whether the network has learned them by heart.
fn fitted(report: &EvalReport) -> String {
    let shown = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| format!("{v:.3}"));
    let median = report.distance.map_or_else(|| "-".to_owned(), |d| format!("{:.2}", d.p50));
    let found = match report.point_reach_px {
        Some(_) => format!("precision {}, recall {}", shown(report.precision), shown(report.recall)),
        None => format!("OKS {}, mAP {}", shown(report.moks), shown(report.map)),
    };
    format!("on {} training samples, for comparison: {found}, median error {median} px\n", report.frames)
}

fn measured(samples: &str, evaluation: &Evaluation, threads: usize) -> String {
    let (table, latency) = (indented(&evaluation.report), text::latency(&evaluation.latency, threads));
    let identity = evaluation.identity.map_or(String::new(), |report| {
        let share = report.accuracy().map_or("-".to_owned(), |share| format!("{:.1} %", 100.0 * share));
        let IdentityReport { known, wrong, unnamed, .. } = report;
        format!("  identities  {share} right of {known} found animals that are known ({wrong} wrong, {unnamed} without a name)\n")
    });
    format!("accuracy of the bundle on the {samples} samples:\n{table}\n{identity}{latency}\n")
}

/// The accuracy table, two spaces to the right.
pub(super) fn indented(report: &EvalReport) -> String {
    report.to_string().trim_end().lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
