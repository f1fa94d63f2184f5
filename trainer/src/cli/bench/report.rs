//! The figures for people.

use super::measure::Measured;
use std::fmt::Write as _;

/// A table of the times and, with `layers`, one line per step.
pub(super) fn text(measured: &Measured, layers: bool) -> String {
    let m = measured;
    let mut text = String::new();
    let isa = m.isa.map(|isa| format!(" ({isa})")).unwrap_or_default();
    let threads = if m.threads == 1 { "1 thread".to_owned() } else { format!("{} threads", m.threads) };
    let _ = writeln!(text, "{}{isa}, {threads}, {}x{} px, {} frames", m.backend, m.width_px, m.height_px, m.frames);
    let _ = writeln!(text, "  prepare     {:9.2} ms", m.prepare_ms);
    let _ = writeln!(text, "  first frame {:9.2} ms", m.first_ms);
    let rows = [("p50", m.p50_ms), ("p90", m.p90_ms), ("p99", m.p99_ms), ("p99.9", m.p999_ms), ("max", m.max_ms)];
    for (name, ms) in rows {
        let _ = writeln!(text, "  {name:11} {ms:9.2} ms");
    }
    let mb = |bytes: usize| bytes as f64 / 1e6;
    if let (Some(arena), Some(weights)) = (m.arena_bytes, m.weight_bytes) {
        let _ = writeln!(text, "  memory      {:9.1} MB of maps, {:.1} MB of weights", mb(arena), mb(weights));
    }
    if let Some(peak) = m.process_peak_bytes {
        let _ = writeln!(text, "  program     {:9.1} MB at its peak", mb(peak));
    }
    if layers && !m.layers.is_empty() {
        let width = m.layers.iter().map(|l| l.node.chars().count()).max().unwrap_or(0).max(4);
        let _ = writeln!(text, "\n  {:width$}  {:15}  {:>8}  {:>7}  {:>7}", "node", "method", "best ms", "GFLOP", "GFLOP/s");
        for layer in &m.layers {
            let speed = if layer.gflop > 0.0 { format!("{:7.4}  {:7.1}", layer.gflop, layer.gflop_per_s) } else { String::new() };
            let _ = writeln!(text, "  {:width$}  {:15}  {:8.3}  {speed}", layer.node, layer.method, layer.min_ms);
        }
    }
    text
}
