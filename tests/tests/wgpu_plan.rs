//! What engine wgpu runs for the recipe `flies-bottomup`, against a committed table, and how many bytes that moves. Needs no GPU.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use dormouse::Precision;
use dormouse::engine::wgpu::Program;
use dormouse::preprocess::InputShape;
use dormouse_tests::onnx::{Attr, numbers};
use dormouse_tests::untrained::flies_bottomup;
use dormouse_tests::wgpu_suite::file;
use std::fmt::Write as _;
use std::path::Path;

/// The plan's bytes by the fewest that a plan of one layer after another can move.
const MOST: f64 = 1.5;
/// Width and height.
const SIZES_PX: [(usize, usize); 2] = [(384, 384), (1280, 1024)];

#[test]
fn the_plan_of_the_recipe_is_the_committed_one() {
    let onnx = flies_bottomup().onnx;
    let mut table = String::new();
    for (width, height) in SIZES_PX {
        let program = Program::from_onnx(&onnx, InputShape { channels: 1, height, width }, Precision::Single).unwrap();
        writeln!(table, "{width}x{height} px\n{program}\n").unwrap();
        let ratio = program.moved_bytes() as f64 / program.least_bytes() as f64;
        assert!((1.0..=MOST).contains(&ratio), "{width}x{height}: {ratio} times the least\n{program}");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("plans/flies-bottomup.txt");
    if std::env::var_os("DORMOUSE_WRITE_PLANS").is_some() {
        std::fs::write(&path, &table).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    assert_eq!(table, committed, "if the plan changed on purpose, run this test with DORMOUSE_WRITE_PLANS=1");
}

/// Maps and weights are nearly all that is moved: with 16 bits about half as many bytes are, and memory halves too.
#[test]
fn numbers_of_16_bits_halve_the_bytes() {
    let onnx = flies_bottomup().onnx;
    for (width, height) in SIZES_PX {
        let plan = |precision| Program::from_onnx(&onnx, InputShape { channels: 1, height, width }, precision).unwrap();
        let [single, half] = [Precision::Single, Precision::Half].map(plan);
        assert_eq!(half.dispatches().len(), single.dispatches().len());
        let ratios = [
            half.moved_bytes() as f64 / single.moved_bytes() as f64,
            half.arena_bytes() as f64 / single.arena_bytes() as f64,
            half.constant_bytes() as f64 / single.constant_bytes() as f64,
            half.moved_bytes() as f64 / half.least_bytes() as f64,
        ];
        println!(
            "{width}x{height}: {ratios:.3?}, {:.1} MB moved, {:.1} MB",
            half.moved_bytes() as f64 / 1e6,
            half.arena_bytes() as f64 / 1e6
        );
        // Outputs and the image are those that stay.
        assert!(ratios[0] < 0.6 && ratios[1] < 0.8 && ratios[2] < 0.55 && ratios[3] <= MOST, "{width}x{height}: {ratios:?}");
    }
}

/// A network that is small enough to count by hand: 4x4 px, two convolutions, a pool, an enlargement and a join.
#[test]
fn the_least_is_what_one_counts_by_hand() {
    let window = [("kernel_shape", Attr::Ints(&[2, 2])), ("strides", Attr::Ints(&[2, 2]))];
    let onnx = file(1)
        .floats("v", &[3, 1, 1, 1], &numbers(3, 5))
        .node("Conv", &["x", "v"], "a", &[])
        .node("MaxPool", &["a"], "p", &window)
        .floats("w", &[2, 3, 1, 1], &numbers(6, 5))
        .node("Conv", &["p", "w"], "b", &[])
        .floats("s", &[4], &[1.0, 1.0, 2.0, 2.0])
        .node("Resize", &["b", "", "s"], "u", &[("mode", Attr::Text("nearest"))])
        .node("Concat", &["a", "u"], "c", &[("axis", Attr::Int(1))])
        .floats("k", &[1, 5, 1, 1], &numbers(5, 5))
        .node("Conv", &["c", "k"], "y", &[])
        .bytes();
    let least = |precision| {
        let program = Program::from_onnx(&onnx, InputShape { channels: 1, height: 4, width: 4 }, precision);
        program.unwrap().least_bytes()
    };
    // The first reads 16 pixels and 3 weights and writes 3 maps of 16 and 3 pooled ones of 4; the second reads those and 6 weights
    // and writes 2 maps of 4; the last one reads 3 maps of 16, 2 of 4 and 5 weights and writes 16.
    let numbers = (16 + 3 + 48 + 12) + (12 + 6 + 8) + (48 + 8 + 5 + 16);
    assert_eq!(least(Precision::Single), 4 * numbers);
    // The image and the output have 32 bits always.
    assert_eq!(least(Precision::Half), 2 * numbers + 2 * (16 + 16));
}
