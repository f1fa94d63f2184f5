//! How much memory a training takes, told before it starts.

use crate::error::{Error, Result};
use crate::model::{Plan, parameter_count};
use serde::Serialize;
use std::fmt;

/// Bytes of an f32.
const F32: usize = 4;
/// Numbers that a training step holds for each cell of each map: value, gradient, padded copy, sums.
const NUMBERS_PER_CELL: usize = 4;
/// Settings that take the most memory, for messages.
const ADVICE: &str = "lower train.batch_size (train.accumulate can make up for it), preprocess.input_scale or model.filters";

/// Bytes of one training, by what they are for. Samples kept in memory and the program itself are not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MemoryEstimate {
    /// Weights, their gradients and the optimiser's moments.
    pub parameters: usize,
    /// Maps of the forward pass and their gradients.
    pub maps: usize,
    /// Prepared batches: the one in use, and those made ready ahead.
    pub batches: usize,
}

impl MemoryEstimate {
    /// For batches of `batch_size` network inputs of `width_px` x `height_px`, with `moments` numbers per parameter in the optimiser
    /// and `batches_ahead` prepared batches.
    ///
    /// All maps of a step are kept for its backward pass, which adds a gradient of the same size to each; convolutions work on
    /// padded copies and sums, whose memory is kept for the next step: four numbers per cell altogether. That was measured on the CPU
    /// (peaks of 565, 1049 and 1905 MiB without the program itself for batches of 4, 8 and 16; 537, 1001 and 1929 are estimated).
    /// A checkpoint copies weights and moments once more.
    pub fn new(plan: &Plan, batch_size: usize, [width_px, height_px]: [usize; 2], moments: usize, batches_ahead: usize) -> Self {
        // A stride of 0 is one cell for the whole image.
        let side = |px: usize, stride: usize| px.checked_div(stride).unwrap_or(1);
        let cells = |stride: usize| batch_size * side(width_px, stride) * side(height_px, stride);
        let numbers = |node: usize| plan.nodes[node].channels * cells(plan.nodes[node].stride_px);
        let all: usize = (0..plan.nodes.len()).map(numbers).sum();
        let batch: usize = numbers(0) + plan.outputs.iter().map(|&n| numbers(n)).sum::<usize>();
        Self {
            parameters: parameter_count(plan) * (2 + moments) * 2 * F32,
            maps: NUMBERS_PER_CELL * all * F32,
            batches: batch * (batches_ahead + 1) * F32,
        }
    }

    /// Sum of all parts.
    pub fn total(&self) -> usize {
        self.parameters + self.maps + self.batches
    }

    /// Refuses a training that would not fit, instead of letting the system end the program in the middle of it.
    ///
    /// # Errors
    /// [`Error::Train`] that names what to lower, when `available` (bytes) is known and smaller.
    pub fn check(&self, available: Option<usize>) -> Result<()> {
        match available {
            Some(available) if available < self.total() => Err(Error::Train(format!(
                "out of memory before the first step: {self}, but only {} are free; {ADVICE}",
                bytes(available)
            ))),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for MemoryEstimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (total, maps, parameters) = (bytes(self.total()), bytes(self.maps), bytes(self.parameters));
        let batches = bytes(self.batches);
        write!(f, "about {total} of memory are needed ({maps} for maps, {parameters} for weights, {batches} for batches)")
    }
}

fn bytes(count: usize) -> String {
    let mib = count as f64 / f64::from(1 << 20);
    if mib < 1024.0 { format!("{mib:.0} MiB") } else { format!("{:.1} GiB", mib / 1024.0) }
}

/// Adds what to lower to an error of the device that is about memory; other errors stay as they are.
pub fn with_advice(error: Error) -> Error {
    let text = error.to_string().to_lowercase();
    let about_memory = ["out of memory", "outofmemory", "out_of_memory", "alloc"].iter().any(|word| text.contains(word));
    match error {
        Error::Train(what) if about_memory => Error::Train(format!("out of memory: {ADVICE} ({what})")),
        other => other,
    }
}

/// Free memory of this machine in bytes, swap included, within the limit of a container; `None` where the system does not tell
/// (it is read from Linux's `/proc` and `/sys`).
pub fn available_memory() -> Option<usize> {
    let info = std::fs::read_to_string("/proc/meminfo").ok()?;
    let machine = field_kib(&info, "MemAvailable:")?.saturating_add(field_kib(&info, "SwapFree:").unwrap_or(0));
    let text = |name: &str| std::fs::read_to_string(format!("/sys/fs/cgroup/{name}"));
    let number = |name: &str| text(name).ok()?.trim().parse::<usize>().ok();
    let limits = number("memory.max").zip(number("memory.current"));
    let container = limits.map(|(most, used)| free_in_container(most, used, &text("memory.stat").unwrap_or_default()));
    Some(container.map_or(machine, |c| c.min(machine)))
}

/// What is left of a container's `most` bytes. Files that the system keeps in memory count as used, but make room when asked to.
fn free_in_container(most: usize, used: usize, stat: &str) -> usize {
    let line = stat.lines().find_map(|line| line.strip_prefix("inactive_file "));
    let files = line.and_then(|bytes| bytes.trim().parse::<usize>().ok()).unwrap_or(0);
    most.saturating_sub(used.saturating_sub(files))
}

/// A line such as `MemAvailable:   12345 kB`, in bytes.
fn field_kib(info: &str, name: &str) -> Option<usize> {
    let line = info.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse::<usize>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Role;

    fn estimate() -> MemoryEstimate {
        let mut plan = Plan::new(1);
        let conv = plan.conv("a".into(), 0, 8, 3, Role::Relu);
        let pool = plan.max_pool("b".into(), conv);
        let head = plan.conv("c".into(), pool, 2, 1, Role::Head);
        plan.outputs.push(head);
        MemoryEstimate::new(&plan, 4, [32, 16], 2, 3)
    }

    #[test]
    fn hand_counted() {
        let e = estimate();
        // Cells: 4 images x 512 at stride 1, 4 x 128 at stride 2.
        let all = 2048 + 8 * 2048 + 8 * 512 + 2 * 512;
        assert_eq!(e.maps, 4 * 4 * all);
        assert_eq!(e.parameters, 4 * 2 * 4 * (72 + 8 + 16 + 2));
        assert_eq!(e.batches, 4 * 4 * (2048 + 2 * 512));
    }

    #[test]
    fn too_much_names_three_settings() {
        let e = estimate();
        assert!(e.check(None).is_ok() && e.check(Some(e.total())).is_ok());
        for error in [e.check(Some(e.total() - 1)).unwrap_err(), with_advice(Error::Train("Out of memory on device 0".into()))] {
            let text = error.to_string();
            for name in ["train.batch_size", "preprocess.input_scale", "model.filters", "out of memory"] {
                assert!(text.contains(name), "{text}");
            }
        }
        assert_eq!(with_advice(Error::Train("lost".into())).to_string(), "training: lost");
    }

    #[test]
    fn files_in_memory_make_room() {
        assert_eq!(free_in_container(100, 90, "anon 20\ninactive_file 60\nactive_file 10\n"), 70);
        assert_eq!((free_in_container(100, 90, ""), free_in_container(100, 120, "")), (10, 0));
        assert_eq!(free_in_container(100, 20, "inactive_file 60"), 100);
    }

    #[test]
    fn fields_are_read_in_bytes() {
        let info = "MemTotal: 10 kB\nMemAvailable:    7 kB\n";
        assert_eq!((field_kib(info, "MemAvailable:"), field_kib(info, "SwapFree:")), (Some(7168), None));
    }
}
