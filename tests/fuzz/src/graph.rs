//! A network from an unknown hand: read, optimised, planned, and run where that is cheap.

use dormouse::Error;
use dormouse::engine::Engine as _;
use dormouse::engine::cpu::{CpuNetwork, Isa};
use dormouse::graph::{Graph, MapLayout, Op, Shape, Shapes};
use dormouse::preprocess::InputShape;

/// Height and width of the images: one cell, odd, even, and what a file of any stride up to 16 accepts.
const SIDES_PX: [[usize; 2]; 4] = [[1, 1], [7, 5], [16, 16], [32, 48]];
/// Networks whose arena would be larger are planned but not run.
const MAX_ARENA_BYTES: usize = 1 << 22;
/// Networks with more multiplications than this are planned but not run.
const MAX_PRODUCTS: usize = 1 << 22;
/// Channels of the image where the file does not name them.
const CHANNELS: usize = 3;

/// How far a file got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reached {
    /// The file is a graph.
    Graph,
    /// It can be planned for at least one size.
    Plan,
    /// It ran on engine cpu for at least one size.
    Run,
}

/// Whatever the bytes are, this must return, neither panic nor use much memory or time.
///
/// # Errors
/// Why the bytes are no network for our engines.
pub fn exercise(file: &[u8]) -> Result<Reached, Error> {
    let graph = Graph::from_onnx(file)?;
    let optimized = graph.clone().optimized();
    let channels = graph.inputs().iter().map(|port| port.form.channels.unwrap_or(CHANNELS));
    let channels: Vec<usize> = channels.collect();
    let mut reached = Reached::Graph;
    for [height, width] in SIDES_PX {
        let shapes: Vec<Shape> = channels.iter().map(|&c| Shape::new([1, c, height, width])).collect();
        let Ok(before) = graph.shapes(&shapes) else { continue };
        // The passes must not turn a sound network into one that cannot be planned.
        let after = optimized.shapes(&shapes).expect("optimising keeps a network sound");
        for (a, b) in graph.outputs().iter().zip(optimized.outputs()) {
            assert_eq!(before.of(a.value), after.of(b.value), "optimising changes the shape of {}", a.name);
        }
        let Ok(plan) = optimized.memory_plan(&after, MapLayout::PLAIN, |_| 0) else { continue };
        reached = reached.max(Reached::Plan);
        let cheap = plan.peak_bytes() <= MAX_ARENA_BYTES && products(&optimized, &after) <= MAX_PRODUCTS;
        if cheap && channels.len() == 1 && run(file, InputShape { channels: channels[0], height, width }).is_ok() {
            reached = Reached::Run;
        }
    }
    Ok(reached)
}

/// Multiplications of all convolutions, and numbers of all maps and weights.
fn products(graph: &Graph<'_>, shapes: &Shapes) -> usize {
    let node = |node: &dormouse::graph::Node| {
        let shape = shapes.of(node.output);
        let per_number = match &node.op {
            Op::Conv(conv) => {
                let [_, channels, rows, columns] = sides(&graph.constant(conv.weight).dims);
                channels.saturating_mul(rows).saturating_mul(columns)
            }
            Op::ConvTranspose(conv) => {
                let [channels, _, rows, columns] = sides(&graph.constant(conv.weight).dims);
                channels.saturating_mul(rows).saturating_mul(columns)
            }
            Op::MaxPool(pool) | Op::AveragePool { pool, .. } => pool.window.kernel[0] * pool.window.kernel[1],
            _ => 1,
        };
        shape.numbers().saturating_mul(per_number)
    };
    let weights: usize = graph.constants().iter().map(|c| c.data.len()).sum();
    graph.nodes().iter().map(node).fold(weights, usize::saturating_add)
}

fn sides(dims: &[usize]) -> [usize; 4] {
    let mut sides = [1; 4];
    sides.iter_mut().zip(dims).for_each(|(side, dim)| *side = *dim);
    sides
}

fn run(file: &[u8], input: InputShape) -> Result<(), Error> {
    for (isa, threads) in [(Isa::best(), 2), (Isa::PORTABLE, 1)] {
        let network = CpuNetwork::load_whole(file, threads)?.with_isa(isa);
        let mut engine = network.prepare_cpu(input, 1)?;
        engine.run(&vec![0.5; input.channels * input.height * input.width], 1)?;
        assert!(engine.output(0, 0).is_some(), "a network that ran has outputs");
    }
    Ok(())
}
