//! A network from an unknown hand: read, optimised, planned, and run where that is cheap.

use dormouse::Error;
use dormouse::engine::Engine as _;
use dormouse::engine::cpu::{CpuNetwork, Isa};
use dormouse::graph::{Graph, Node, Op, Shape, Shapes};
use dormouse::preprocess::InputShape;

/// Height and width of the images: one cell, odd, even, and what a file of any stride up to 16 accepts.
const SIDES_PX: [[usize; 2]; 4] = [[1, 1], [7, 5], [16, 16], [32, 48]];
/// Networks with more numbers in all their maps and weights are not prepared.
const MAX_NUMBERS: usize = 1 << 22;
/// Networks with more multiplications are prepared but not run.
const MAX_PRODUCTS: usize = 1 << 22;
/// Channels of the image where the file does not name them.
const CHANNELS: usize = 3;

/// How far a file got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reached {
    /// The file is a graph.
    Graph,
    /// Its maps have sizes for at least one size of the image.
    Shapes,
    /// It was planned and prepared for at least one size of the image.
    Plan,
    /// It ran for at least one size of the image.
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
        // The passes must not turn a sound network into one without shapes, or with others.
        let after = optimized.shapes(&shapes).expect("optimising keeps a network sound");
        for (a, b) in graph.outputs().iter().zip(optimized.outputs()) {
            assert_eq!(before.of(a.value), after.of(b.value), "optimising changes the shape of {}", a.name);
        }
        reached = reached.max(Reached::Shapes);
        let [numbers, products] = cost(&optimized, &after);
        let image = shapes.iter().map(|shape| shape.numbers()).sum::<usize>();
        if channels.len() == 1 && numbers.saturating_add(image) <= MAX_NUMBERS {
            let input = InputShape { channels: channels[0], height, width };
            reached = reached.max(engine(file, input, products <= MAX_PRODUCTS).unwrap_or(reached));
            #[cfg(feature = "wgpu")]
            gpu_program(file, input);
        }
    }
    Ok(reached)
}

/// Numbers of all maps and weights, and multiplications of all operators.
fn cost(graph: &Graph<'_>, shapes: &Shapes) -> [usize; 2] {
    let per_number = |node: &Node| match &node.op {
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
    let sum = |each: &dyn Fn(&Node) -> usize| graph.nodes().iter().map(each).fold(0, usize::saturating_add);
    let weights: usize = graph.constants().iter().map(|c| c.data.len()).sum();
    let numbers = sum(&|node| shapes.of(node.output).numbers());
    [numbers.saturating_add(weights), sum(&|node| shapes.of(node.output).numbers().saturating_mul(per_number(node)))]
}

fn sides(dims: &[usize]) -> [usize; 4] {
    let mut sides = [1; 4];
    sides.iter_mut().zip(dims).for_each(|(side, dim)| *side = *dim);
    sides
}

/// Prepares engine cpu with its best instructions; runs it, and once more with plain Rust, if asked to.
fn engine(file: &[u8], input: InputShape, run: bool) -> Result<Reached, Error> {
    for (isa, threads) in [(Isa::best(), 2), (Isa::PORTABLE, 1)] {
        let network = CpuNetwork::load_whole(file, threads)?.with_isa(isa);
        let mut engine = network.prepare_cpu(input, 1)?;
        if !run {
            return Ok(Reached::Plan);
        }
        engine.run(&vec![0.5; input.len()], 1)?;
        assert!(engine.output(0, 0).is_some(), "a network that ran has outputs");
    }
    Ok(Reached::Run)
}

/// What engine wgpu would run, if it would: planned without a GPU, every dispatch within what the program has.
#[cfg(feature = "wgpu")]
fn gpu_program(file: &[u8], input: InputShape) {
    use dormouse::engine::wgpu::{Program, Slot};
    for precision in [dormouse::Precision::Single, dormouse::Precision::Half] {
        let Ok(program) = Program::from_onnx(file, input, precision) else { return };
        for dispatch in program.dispatches() {
            let name = &dispatch.node;
            assert!(!dispatch.inputs.contains(&dispatch.output), "{name} reads what it writes");
            let slots = dispatch.inputs.iter().chain([&dispatch.output]);
            let known = |slot: &Slot| !matches!(slot, Slot::Maps(buffer) if *buffer >= program.buffers());
            assert!(slots.into_iter().all(known), "{name} uses a buffer that is not there");
            assert!(dispatch.constants.iter().all(|c| c.end <= program.constant_bytes()), "{name} reads behind the constants");
            assert!(dispatch.grid.iter().all(|groups| *groups > 0), "{name}: {:?} workgroups", dispatch.grid);
            let (halves, can) = (dispatch.halves, dispatch.kernel.halvable());
            let fit = (halves.input <= can.input && halves.other_input <= can.other_input)
                && (halves.output <= can.output && halves.weights <= can.weights);
            assert!(fit, "{name}: {halves:?} of {can:?}");
        }
    }
}
