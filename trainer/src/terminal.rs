//! Lines for the person at the terminal.

use std::fmt::Display;
use std::io::Write as _;

/// Writes a line to standard error. Where nobody can be told any more (a closed terminal, a full disk under the log) the work goes
/// on all the same: `eprintln!` would end a training of hours for a line of its log.
pub fn tell(line: impl Display) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
