//! Small pieces of text that several commands print.

use crate::predict::Latency;
use crate::report::number_of;
use dormouse::engine::MAX_THREADS;

/// `12.3 kB`, `4.56 MB`.
pub(super) fn bytes(count: usize) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        _ => format!("{:.2} MB", count as f64 / 1e6),
    }
}

/// One paragraph on latency.
pub(super) fn latency(latency: &Latency, threads: usize) -> String {
    if latency.frames == 0 {
        return format!("latency of the only frame, {}: {:.1} ms", number_of(threads, "thread"), latency.first_ms);
    }
    format!(
        "latency per frame over {}, {}: p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms (first frame {:.1} ms)\n\
         stages, mean: preprocess {:.2} ms, network {:.2} ms, decode {:.3} ms",
        number_of(latency.frames, "frame"),
        number_of(threads, "thread"),
        latency.p50_ms,
        latency.p99_ms,
        latency.max_ms,
        latency.first_ms,
        latency.preprocess_ms,
        latency.infer_ms,
        latency.decode_ms,
    )
}

/// A choice as words: `QuarterPixel` becomes `quarter pixel`.
pub(super) fn written(choice: &impl std::fmt::Debug) -> String {
    let mut text = String::new();
    for letter in format!("{choice:?}").chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push(' ');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

/// Threads to use when none are asked for: all cores.
pub(super) fn default_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS)
}
