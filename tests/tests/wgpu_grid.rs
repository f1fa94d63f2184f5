//! Convolutions of engine wgpu on a grid of shapes against the reference executor, max-pools that they make themselves, joined maps
//! with gaps, and a device that is lost.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use dormouse::engine::Engine as _;
use dormouse::engine::wgpu::{Gpu, WgpuNetwork};
use dormouse::preprocess::InputShape;
use dormouse_tests::onnx::{Attr, Onnx, numbers};
use dormouse_tests::wgpu_suite::{GPU, file, same_as_reference, weights};

const CHANNELS: [usize; 8] = [1, 2, 3, 4, 7, 16, 33, 67];
/// Height and width.
const SIDES: [[usize; 2]; 6] = [[1, 1], [1, 5], [2, 3], [7, 9], [16, 17], [33, 5]];
/// Window, steps, distance of taps, padding.
const WINDOWS: [(usize, i64, i64, i64); 6] = [(1, 1, 1, 0), (3, 1, 1, 1), (3, 2, 1, 1), (3, 1, 2, 2), (5, 2, 1, 2), (2, 2, 1, 1)];

fn conv(
    onnx: Onnx,
    [x, y]: [&str; 2],
    [from, to]: [usize; 2],
    (side, stride, dilation, pad): (usize, i64, i64, i64),
    groups: usize,
) -> Onnx {
    let fan_in = from / groups * side * side;
    let attributes = [
        ("kernel_shape", Attr::Ints(&[side as i64; 2][..])),
        ("strides", Attr::Ints(&[stride; 2])),
        ("dilations", Attr::Ints(&[dilation; 2])),
        ("pads", Attr::Ints(&[pad; 4])),
        ("group", Attr::Int(groups as i64)),
    ];
    let (w, b) = (format!("{y}/w"), format!("{y}/b"));
    onnx.floats(&w, &[to, from / groups, side, side], &weights(to * fan_in, fan_in)).floats(&b, &[to], &numbers(to, 5)).node(
        "Conv",
        &[x, &w, &b],
        y,
        &attributes,
    )
}

/// Every window with every size, and numbers of channels that change from one to the next so that all of them meet.
#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn shapes() {
    let mut cases = 0;
    for (w, window) in WINDOWS.into_iter().enumerate() {
        for (s, [height, width]) in SIDES.into_iter().enumerate() {
            for step in 0..2 {
                let from = CHANNELS[(w + 3 * s + 5 * step) % CHANNELS.len()];
                let to = CHANNELS[(3 * w + s + 2 * step + 1) % CHANNELS.len()];
                // Groups: none, one a channel, and in between where it divides both.
                let between = (2..from).find(|g| from.is_multiple_of(*g) && to.is_multiple_of(*g));
                for groups in [Some(1), (from == to && from > 1).then_some(from), between].into_iter().flatten() {
                    let onnx = file(from).node("LeakyRelu", &["x"], "a", &[("alpha", Attr::Float(0.5))]);
                    let case = format!("{from}->{to} {window:?} g{groups} on {width}x{height}");
                    same_as_reference(&case, &conv(onnx, ["a", "y"], [from, to], window, groups).bytes(), [from, height, width]);
                    cases += 1;
                }
            }
        }
    }
    assert!(cases >= 2 * WINDOWS.len() * SIDES.len(), "{cases}");
}

/// Odd sides, whose last row or column no window takes; with and without another reader of the map before the pool.
#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn pools_behind_convolutions() {
    let half = || [("kernel_shape", Attr::Ints(&[2, 2])), ("strides", Attr::Ints(&[2, 2]))];
    let window = (3, 1, 1, 1);
    for channels in [1, 5, 12, 20] {
        for [height, width] in [[2, 2], [5, 6], [16, 16], [35, 49]] {
            let sides = [channels, height, width];
            let start = || file(channels).node("Sigmoid", &["x"], "a", &[]);
            let made = conv(start(), ["a", "b"], [channels, channels + 3], window, 1).node("HardSwish", &["b"], "c", &[]);
            let only = made.node("MaxPool", &["c"], "p", &half()).node("Sigmoid", &["p"], "y", &[]);
            let kernels = same_as_reference(&format!("only pooled {sides:?}"), &only.bytes(), sides);
            assert!(!kernels.contains(&"pool"), "{kernels:?}");
            let made = conv(start(), ["a", "b"], [channels, 8], window, 1).node("MaxPool", &["b"], "p", &half());
            let both = conv(made, ["p", "q"], [8, 8], window, 1)
                .ints("s", &[1, 8, height as i64, width as i64])
                .node("Resize", &["q", "", "", "s"], "u", &[("mode", Attr::Text("nearest"))])
                .node("Concat", &["b", "u"], "y", &[("axis", Attr::Int(1))]);
            let kernels = same_as_reference(&format!("map and pooled {sides:?}"), &both.bytes(), sides);
            assert!(!kernels.contains(&"pool") && !kernels.contains(&"join"), "{kernels:?}");
        }
    }
    // What is enlarged from the pooled map would be written where that lies.
    let made = conv(file(4).node("Sigmoid", &["x"], "a", &[]), ["a", "b"], [4, 8], window, 1);
    let meets = made
        .node("MaxPool", &["b"], "p", &half())
        .floats("s", &[4], &[1.0, 1.0, 2.0, 2.0])
        .node("Resize", &["p", "", "s"], "u", &[("mode", Attr::Text("nearest"))])
        .node("Concat", &["b", "u"], "y", &[("axis", Attr::Int(1))]);
    same_as_reference("a pool that is enlarged at once", &meets.bytes(), [4, 10, 12]);
}

/// Parts that do not fill their blocks, read by convolutions and by something else.
#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn joined_maps_with_gaps() {
    let join = [("axis", Attr::Int(1))];
    for (side, pad, to) in [(3, 1, 9), (1, 0, 40), (3, 1, 40)] {
        let parts = file(5).node("Sigmoid", &["x"], "a", &[]).node("HardSwish", &["x"], "b", &[]);
        let joined = parts.node("Concat", &["a", "b", "x"], "c", &join);
        let onnx = conv(joined, ["c", "y"], [15, to], (side, 1, 1, pad), 1);
        let kernels = same_as_reference(&format!("gaps, {side}x{side}"), &onnx.bytes(), [5, 9, 11]);
        // The image itself is not made, so that it is copied.
        assert_eq!(kernels.iter().filter(|k| **k == "join").count(), 1, "{kernels:?}");
    }
    let joined =
        file(5).node("Sigmoid", &["x"], "a", &[]).node("HardSwish", &["x"], "b", &[]).node("Concat", &["a", "b"], "c", &join);
    let other = conv(joined, ["c", "d"], [10, 10], (3, 1, 1, 1), 10).node("Relu", &["d"], "y", &[]);
    same_as_reference("no gaps for a depthwise convolution", &other.bytes(), [5, 9, 11]);
}

#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn a_lost_device_costs_no_frame() {
    let onnx = conv(file(3), ["x", "y"], [3, 8], (3, 1, 1, 1), 1).bytes();
    let gpu = Gpu::open(true).unwrap();
    let network = WgpuNetwork::load_whole(&gpu, &onnx).unwrap();
    let shape = InputShape { channels: 3, height: 8, width: 9 };
    let image = numbers(shape.len(), 3);
    let mut engine = network.prepare_wgpu(shape, 1).unwrap();
    engine.run(&image, 1).unwrap();
    let expected = engine.output(0, 0).unwrap().channel(7).to_vec();
    gpu.close();
    engine.run(&image, 1).unwrap();
    assert_eq!(engine.output(0, 0).unwrap().channel(7), expected);
    // Another engine of the same network finds the device that was opened again.
    let mut other = network.prepare_wgpu(shape, 1).unwrap();
    other.run(&image, 1).unwrap();
    assert_eq!(other.output(0, 0).unwrap().channel(7), expected);
}

/// Times are positive where the adapter has timestamps, one for each dispatch.
#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn dispatches_are_timed() {
    let onnx = conv(file(3), ["x", "y"], [3, 8], (3, 1, 1, 1), 1).bytes();
    let shape = InputShape { channels: 3, height: 64, width: 64 };
    let mut engine = WgpuNetwork::load_whole(&GPU, &onnx).unwrap().prepare_wgpu(shape, 1).unwrap();
    assert_eq!(engine.time_dispatches().unwrap(), None, "nothing was run yet");
    engine.run(&numbers(shape.len(), 3), 1).unwrap();
    if let Some(times) = engine.time_dispatches().unwrap() {
        assert_eq!(times.len(), engine.program().dispatches().len());
        assert!(times.iter().all(|ms| (0.0..60_000.0).contains(ms)) && times.iter().sum::<f64>() > 0.0, "{times:?}");
    }
}
