//! After preparation our CPU engine allocates nothing, whatever it runs; what preparation itself takes is bounded.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use dormouse::bundle::NetworkBytes;
use dormouse::engine::Engine as _;
use dormouse::engine::cpu::{CpuNetwork, Isa};
use dormouse::preprocess::InputShape;
use dormouse::{Backend, Bundle, Estimator, Frame, Options, PixelFormat};
use dormouse_tests::cpu_suite::{file, weights};
use dormouse_tests::heap::{CountingHeap, heap_use, with_little_memory};
use dormouse_tests::onnx::Attr;
use dormouse_tests::top_down;

#[global_allocator]
static HEAP: CountingHeap = CountingHeap;

#[test]
fn running_allocates_nothing() {
    let pads = [("pads", Attr::Ints(&[1; 4][..]))];
    let own = [("pads", Attr::Ints(&[1; 4][..])), ("group", Attr::Int(9))];
    let two = [("kernel_shape", Attr::Ints(&[2; 2][..])), ("strides", Attr::Ints(&[2; 2][..]))];
    let onnx = file(1)
        .floats("stem", &[20, 1, 3, 3], &weights(180, 9))
        .floats("dense", &[20, 20, 3, 3], &weights(3600, 180))
        .floats("joined", &[9, 40, 3, 3], &weights(3240, 360))
        .floats("own", &[9, 1, 3, 3], &weights(81, 9))
        .floats("mix", &[9, 9, 1, 1], &weights(81, 9))
        .floats("head", &[5, 9, 1, 1], &weights(45, 9))
        .floats("x2", &[4], &[1.0, 1.0, 2.0, 2.0])
        .node("Conv", &["x", "stem"], "a", &pads)
        .node("Relu", &["a"], "b", &[])
        .node("MaxPool", &["b"], "c", &two)
        .node("Conv", &["c", "dense"], "d", &pads)
        .node("Sigmoid", &["d"], "e", &[])
        .node("Resize", &["e", "", "x2"], "f", &[("mode", Attr::Text("linear"))])
        .node("Concat", &["b", "f"], "g", &[("axis", Attr::Int(1))])
        .node("Conv", &["g", "joined"], "h", &pads)
        .node("Conv", &["h", "own"], "i", &own)
        .node("Conv", &["i", "mix"], "j", &[])
        .node("Add", &["h", "j"], "k", &[])
        .node("Conv", &["k", "head"], "y", &[])
        .bytes();
    let shape = InputShape { channels: 1, height: 32, width: 48 };
    let images = vec![0.5; 2 * shape.len()];
    for isa in Isa::all() {
        for threads in [1, 2] {
            let network = CpuNetwork::load_whole(&onnx, threads).unwrap().with_isa(isa);
            let mut engine = network.prepare_cpu(shape, 2).unwrap();
            for images in [&images[..], &images[..shape.len()]] {
                let (result, used) = heap_use(|| engine.run(images, images.len() / shape.len()));
                result.unwrap();
                assert_eq!(used.requests, 0, "{isa}, {threads} threads, {} images", images.len() / shape.len());
            }
            let methods: Vec<_> = engine.steps().map(|s| s.method).collect();
            for method in ["direct, pool", "winograd 4x4", "winograd, linear", "depthwise, 1x1, add", "direct, planes"] {
                assert!(methods.contains(&method), "no {method} in {methods:?}");
            }
        }
    }
}

/// Weights are in memory once in the file and once packed: preparation adds to what it leaves behind only the room in which one
/// group of a layer's outputs is transformed, and the lists of nodes, steps and buffers.
#[test]
fn preparation_copies_no_weights() {
    // A layer whose transformed weights are kept, one whose are not, a sum of 1x1 and a depthwise one.
    let [few, many] = [32, 160];
    let pads = [("pads", Attr::Ints(&[1; 4][..]))];
    let own = [("pads", Attr::Ints(&[1; 4][..])), ("group", Attr::Int(many as i64))];
    let onnx = file(few)
        .floats("kept", &[few, few, 3, 3], &weights(9 * few * few, 9 * few))
        .floats("wide", &[many, few, 1, 1], &weights(few * many, few))
        .floats("made", &[many, many, 3, 3], &weights(9 * many * many, 9 * many))
        .floats("own", &[many, 1, 3, 3], &weights(9 * many, 9))
        .node("Relu", &["x"], "a", &[])
        .node("Conv", &["a", "kept"], "b", &pads)
        .node("Conv", &["b", "wide"], "c", &[])
        .node("Conv", &["c", "made"], "d", &pads)
        .node("Conv", &["d", "own"], "y", &own)
        .bytes();
    let kernels = 4 * (9 * few * few + few * many + 9 * many * many + 9 * many);
    let bytes = NetworkBytes::from(onnx);
    let shape = InputShape { channels: few, height: 32, width: 32 };
    const LISTS: usize = 64 << 10;
    for isa in Isa::all() {
        let (network, used) = heap_use(|| CpuNetwork::load_whole(bytes.clone(), 1).unwrap().with_isa(isa));
        assert!(used.peak < LISTS, "reading the file takes {} bytes", used.peak);
        let (engine, used) = heap_use(|| network.prepare_cpu(shape, 1).unwrap());
        // Kernels of two blocks of outputs.
        let room = 4 * 2 * isa.lanes() * few * 9;
        let left = engine.arena_bytes() + engine.weight_bytes();
        assert!(used.peak <= left + room + LISTS, "{isa}: {} bytes at the peak for {left} that stay", used.peak);
        // Only the small layer's weights are kept in their larger form.
        let packed = kernels + 4 * 27 * few * few.next_multiple_of(2 * isa.lanes());
        assert!(engine.weight_bytes() < packed + LISTS, "{isa}: {} bytes of {kernels} bytes of kernels", engine.weight_bytes());
    }
}

/// A frame size that needs more memory than a device has is an error, not the end of the program.
#[test]
fn too_little_memory_is_an_error() {
    let onnx = file(1).floats("w", &[8, 1, 3, 3], &weights(72, 9)).node("Conv", &["x", "w"], "y", &[]).bytes();
    let network = CpuNetwork::load_whole(onnx, 1).unwrap();
    let prepare = |side| network.prepare_cpu(InputShape { channels: 1, height: side, width: side }, 1);
    const MOST: usize = 1 << 20;
    let refused = with_little_memory(MOST, || prepare(512).map(|engine| engine.arena_bytes()));
    let message = refused.unwrap_err().to_string();
    assert!(message.contains("there is no memory for") && message.contains(" MB of maps"), "{message}");
    assert!(with_little_memory(MOST, || prepare(64).is_ok()));
}

static DEMO: &[u8] = include_bytes!("../../model-zoo/demo/demo.dorm");

/// Requests of each of five frames, two of which are on their way at a time, from the first submission on, and the animals found.
fn submitted(bundle: &[u8], frame: &Frame<'_>, in_flight: Option<PixelFormat>) -> (Vec<usize>, usize) {
    let frame_px = Some((frame.width_px(), frame.height_px()));
    let options = Options { backend: Backend::Cpu, threads: 2, frame_px, in_flight, ..Options::default() };
    let mut estimator = Estimator::new(&Bundle::from_bytes(bundle).unwrap(), &options).unwrap();
    let mut animals = 0;
    let requests = (0..5).map(|index| {
        let work = || {
            estimator.submit(frame).unwrap();
            if index > 0 {
                animals += estimator.finish().unwrap().1.len();
            }
        };
        heap_use(work).1.requests
    });
    (requests.collect(), animals)
}

/// Submitting copies frames, to memory that was made before.
#[test]
fn submitting_and_finishing_allocate_nothing() {
    let test = Bundle::from_bytes(DEMO).unwrap().self_test().unwrap().unwrap();
    let (width_px, height_px) = (top_down::WIDTH as u32, top_down::HEIGHT as u32);
    let scene = top_down::scene(&[top_down::Animal::at(30.0, 20.0), top_down::Animal::at(85.4, 30.7)]);
    let models = [
        (DEMO.to_vec(), test.frame().unwrap()),
        (top_down::bundle(&top_down::config(true, 4), None), Frame::rgb8(&scene, width_px, height_px).unwrap()),
    ];
    for (bundle, frame) in models {
        let (requests, animals) = submitted(&bundle, &frame, Some(frame.format()));
        assert_eq!((requests, animals > 4), (vec![0; 5], true));
        // Gray frames were announced, which take less; and none were.
        let other = if frame.format() == PixelFormat::Gray8 { None } else { Some(PixelFormat::Gray8) };
        assert_eq!(submitted(&bundle, &frame, other).0, [1, 1, 0, 0, 0]);
    }
}
