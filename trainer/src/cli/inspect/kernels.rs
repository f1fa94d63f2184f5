//! What engine wgpu would run.

use super::Description;
use crate::cli::bench::{input_channels, read_networks};
use anyhow::Context as _;
use dormouse::Precision;
use dormouse::engine::wgpu::{Program, kernel_table};
use dormouse::preprocess::InputShape;
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;

/// One table for each network of the file.
pub(super) fn describe(path: &Path, (width, height): (usize, usize), precision: Precision) -> anyhow::Result<Description> {
    let (mut values, mut text) = (Vec::new(), String::new());
    for (name, onnx) in read_networks(path)? {
        let input = InputShape { channels: input_channels(&onnx)?, height, width };
        let program = Program::from_onnx(&onnx, input, precision);
        let program = program.with_context(|| format!("engine wgpu does not run network {name}"))?;
        writeln!(text, "network {name} at {width}x{height} px, {precision} precision\n{program}\n")?;
        let row = |d: &dormouse::engine::wgpu::Dispatch| {
            json!({
                "node": d.node, "kernel": d.kernel.name(), "overrides": d.overrides, "workgroups": d.grid, "flop": d.flop,
                "read_bytes": d.read_bytes, "write_bytes": d.write_bytes,
            })
        };
        values.push(json!({
            "network": name,
            "dispatches": program.dispatches().iter().map(row).collect::<Vec<_>>(),
            "flop": program.flop(),
            "moved_bytes": program.moved_bytes(),
            "least_bytes": program.least_bytes(),
            "arena_bytes": program.arena_bytes(),
            "constant_bytes": program.constant_bytes(),
        }));
    }
    writeln!(text, "kernels of convolutions, the first that fits:\n{}", kernel_table())?;
    let value = json!({
        "kind": "kernels", "width_px": width, "height_px": height, "precision": precision.name(), "networks": values
    });
    Ok((value, text))
}
