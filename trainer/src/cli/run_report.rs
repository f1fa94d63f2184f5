//! What `train` and `demo` print about a finished run.

use super::text;
use crate::metric::EvalReport;
use crate::session::RunOutcome;
use serde_json::{Value, json};

/// A run as JSON; the main accuracy figures stand at the top level.
pub(super) fn run_json(outcome: &RunOutcome) -> Value {
    let (summary, report) = (&outcome.summary, &outcome.validation.report);
    json!({
        "bundle": outcome.bundle,
        "bundle_bytes": outcome.bundle_bytes,
        "export_difference": outcome.export_difference,
        "stopped": summary.reason.describe(),
        "epochs": summary.epochs,
        "steps": summary.steps,
        "best_epoch": summary.best_epoch,
        "best_loss": summary.best_loss,
        "elapsed_s": summary.elapsed_s,
        "moks": report.moks,
        "moks_all": report.moks_all,
        "map": report.map,
        "validation": outcome.validation,
    })
}

/// A run for people.
pub(super) fn run_text(outcome: &RunOutcome, threads: usize) -> String {
    let summary = &outcome.summary;
    format!(
        "trained {} epochs, {} steps in {:.1} min ({}); lowest validation loss {:.6} in epoch {}\n\
         exported network differs from the trained one by at most {:.1e} (burn against tract)\n\
         accuracy of the bundle on the validation samples:\n{}\n{}\nbundle: {} ({})",
        summary.epochs,
        summary.steps,
        summary.elapsed_s / 60.0,
        summary.reason.describe(),
        summary.best_loss,
        summary.best_epoch,
        outcome.export_difference,
        indented(&outcome.validation.report),
        text::latency(&outcome.validation.latency, threads),
        outcome.bundle.display(),
        text::bytes(outcome.bundle_bytes),
    )
}

/// The accuracy table, two spaces to the right.
pub(super) fn indented(report: &EvalReport) -> String {
    report.to_string().trim_end().lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
