//! Results on stdout: tables for people, one JSON line for programs.

use serde::Serialize;
use std::io::Write as _;

/// Prints `text` for people, or `value` as one JSON line when `json` is set.
pub(super) fn print_result(json: bool, value: &impl Serialize, text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    let written =
        if json { writeln!(stdout, "{}", serde_json::to_string(value)?) } else { writeln!(stdout, "{}", text.trim_end()) };
    match written {
        // `dormouse inspect FILE | head` is not a failure.
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}
