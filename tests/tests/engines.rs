//! One trained network, every engine: the same animals at the same places.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use dormouse::engine::cpu::CpuNetwork;
use dormouse::engine::{EngineOptions, MAX_THREADS, OutputSpec, load_network};
use dormouse::{Backend, Bundle, Error, Estimator, Frame, OnSizeChange, Options};
use dormouse_tests::golden::data_path;
use dormouse_tests::onnx::{Attr, Onnx};
use dormouse_tests::poses::{same_poses, same_when_submitted};
use dormouse_trainer::dataset::SampleSource;
use dormouse_trainer::dataset::synth::{SynthConfig, SynthScenes};
use dormouse_trainer::dataset::video::open_path;

static DEMO: &[u8] = include_bytes!("../../model-zoo/demo/demo.dorm");
/// Width and height of the frames; the network sees three quarters of it, padded to multiples of 16 px.
const SIZES_PX: [(usize, usize); 5] = [(128, 128), (96, 128), (200, 152), (161, 97), (256, 192)];
const SCENES: usize = 12;

fn estimator(bundle: &Bundle<'_>, backend: Backend, threads: usize, frame_px: (u32, u32)) -> Estimator {
    let options = Options { backend, threads, frame_px: Some(frame_px), ..Options::default() };
    let estimator = Estimator::new(bundle, &options).unwrap();
    assert_eq!(estimator.backend(), backend);
    estimator
}

#[test]
fn cpu_and_tract_find_the_same_poses() {
    let bundle = Bundle::from_bytes(DEMO).unwrap();
    let mut visible = 0;
    for (width_px, height_px) in SIZES_PX {
        let config = SynthConfig { width_px, height_px, count: SCENES, seed: 77, bright_on_dark: 0.0, ..SynthConfig::default() };
        let scenes = SynthScenes::new(config).unwrap();
        let frame_px = (width_px as u32, height_px as u32);
        let mut tract = estimator(&bundle, Backend::Tract, 1, frame_px);
        let mut ours = [(Backend::Cpu, 1), (Backend::Cpu, 2), (Backend::Cpu, 3)].map(|(b, n)| estimator(&bundle, b, n, frame_px));
        for index in 0..SCENES {
            let image = scenes.sample(index).unwrap().image;
            let frame: Frame<'_> = image.frame().unwrap();
            let expected = tract.estimate(&frame).unwrap();
            for ours in &mut ours {
                visible +=
                    same_poses(ours.estimate(&frame).unwrap(), expected, &format!("{width_px}x{height_px}, scene {index}"));
            }
        }
    }
    // Scenes without animals would compare nothing.
    assert!(visible > 3 * 5 * SCENES * 10, "{visible} keypoints compared");
}

/// Whatever is there: engine wgpu runs, or the CPU does and says what the GPU lacks. Builds without that engine look for no GPU.
#[test]
fn the_cpu_takes_over_where_there_is_no_gpu() {
    let bundle = Bundle::from_bytes(DEMO).unwrap();
    let options = Options { frame_px: Some((128, 96)), ..Options::default() };
    assert_eq!(options.backend, Backend::Auto);
    let mut estimator = Estimator::new(&bundle, &options).unwrap();
    match estimator.fallback() {
        None if cfg!(feature = "wgpu") => assert_eq!(estimator.backend(), Backend::Wgpu),
        None => assert_eq!(estimator.backend(), Backend::Cpu),
        Some(reason) => {
            assert_eq!((estimator.backend(), cfg!(feature = "wgpu")), (Backend::Cpu, true));
            assert!(matches!(reason, Error::Gpu { .. }), "{reason}");
        }
    }
    let config = SynthConfig { width_px: 128, height_px: 96, count: 1, seed: 77, bright_on_dark: 0.0, ..SynthConfig::default() };
    let image = SynthScenes::new(config).unwrap().sample(0).unwrap().image;
    let mut cpu = self::estimator(&bundle, Backend::Cpu, 1, (128, 96));
    assert_eq!(cpu.fallback(), None);
    let frame = image.frame().unwrap();
    assert!(same_poses(estimator.estimate(&frame).unwrap(), cpu.estimate(&frame).unwrap(), "with or without a GPU") > 0);
}

/// Callers that get the next frame while the engine works need no second way for engines on the CPU.
#[test]
fn frames_on_their_way_give_the_same_poses() {
    let bundle = Bundle::from_bytes(DEMO).unwrap();
    let config = SynthConfig { width_px: 128, height_px: 96, count: 5, seed: 77, bright_on_dark: 0.0, ..SynthConfig::default() };
    let scenes = SynthScenes::new(config).unwrap();
    let images: Vec<_> = (0..5).map(|index| scenes.sample(index).unwrap().image).collect();
    let frames: Vec<Frame<'_>> = images.iter().map(|image| image.frame().unwrap()).collect();
    let mut ours = estimator(&bundle, Backend::Cpu, 1, (128, 96));
    assert!(same_when_submitted(&mut ours, &frames) > 5);
    // A frame of another size is refused and stays out; the next one takes its place.
    let pixels = [0; 64 * 64];
    let other = Frame::gray8(&pixels, 64, 64).unwrap();
    assert!(matches!(ours.submit(&other), Err(Error::SizeChanged { .. })));
    assert_eq!(ours.submit(&frames[0]).map(|ticket| ticket.number()), Ok(5));
    // Even one that may come is not prepared for while others are on their way.
    let options = Options { backend: Backend::Cpu, on_size_change: OnSizeChange::Reprepare, ..Options::default() };
    let mut any = Estimator::new(&bundle, &options).unwrap();
    any.submit(&frames[0]).unwrap();
    assert!(matches!(any.submit(&other), Err(Error::InFlight(_))));
    assert!(!any.finish().unwrap().1.is_empty());
    any.submit(&other).unwrap();
    assert!(any.finish().is_ok());
}

/// Images reach an engine as numbers 0 to 1; a network for bytes would scale them once more and find nothing, without a word.
#[test]
fn released_networks_keep_to_one_size() {
    let bundle = Bundle::from_static(DEMO).unwrap();
    let unprepared =
        Estimator::new(&bundle, &Options { backend: Backend::Cpu, ..Options::default() }).unwrap().release_networks();
    assert!(matches!(unprepared, Err(Error::InvalidConfig { field: "estimator", .. })), "{unprepared:?}");
    let config = SynthConfig { width_px: 128, height_px: 96, count: 1, seed: 77, bright_on_dark: 0.0, ..SynthConfig::default() };
    let image = SynthScenes::new(config).unwrap().sample(0).unwrap().image;
    let frame = image.frame().unwrap();
    let mut whole = estimator(&bundle, Backend::Cpu, 1, (128, 96));
    let mut released = estimator(&bundle, Backend::Cpu, 1, (128, 96));
    released.release_networks().unwrap();
    assert!(same_poses(released.estimate(&frame).unwrap(), whole.estimate(&frame).unwrap(), "released") > 0);
    released.prepare(128, 96).unwrap();
    let other = released.prepare(96, 128);
    assert!(matches!(other, Err(Error::InvalidConfig { field: "estimator", .. })), "{other:?}");
    whole.prepare(96, 128).unwrap();
}

#[test]
fn a_network_for_bytes_is_refused() {
    let network = |onnx: Onnx| {
        let onnx = onnx.node("Cast", &["x"], "f", &[("to", Attr::Int(1))]).node("Relu", &["f"], "y", &[]).output("y");
        CpuNetwork::load_whole(onnx.bytes(), 1)
    };
    assert!(network(Onnx::new(17).input("x", &[-1, 1, -1, -1])).is_ok());
    assert!(matches!(network(Onnx::new(17).byte_input("x", &[-1, 1, -1, -1])), Err(Error::Engine { .. })));
}

#[test]
fn more_threads_than_any_machine_needs_are_an_error() {
    let bundle = Bundle::from_static(DEMO).unwrap();
    for (threads, fits) in [(0, true), (usize::MAX, false), (MAX_THREADS + 1, false)] {
        let options = Options { backend: Backend::Cpu, threads, self_test: false, ..Options::default() };
        let made = Estimator::new(&bundle, &options).map(|_| ());
        assert!(if fits { made.is_ok() } else { matches!(made, Err(Error::InvalidConfig { field: "threads", .. })) }, "{made:?}");
    }
}

/// Weights that are no numbers give maps that are none, which look like frames without animals.
#[test]
fn weights_that_are_not_finite_are_refused_by_every_engine() {
    let outputs = || vec![OutputSpec { name: "y".into(), channels: 2, stride_px: Some(1) }];
    let load = |backend, weights: &[f32]| {
        let onnx = Onnx::new(17).input("x", &[-1, 1, -1, -1]).floats("w", &[2, 1, 1, 1], weights);
        let onnx = onnx.node("Conv", &["x", "w"], "y", &[]).output("y").bytes();
        load_network(&EngineOptions { backend, ..EngineOptions::default() }, onnx.into(), outputs()).map(|_| ())
    };
    for backend in [Backend::Auto, Backend::Cpu, Backend::Tract] {
        load(backend, &[1.0, -2.0]).unwrap();
        for bad in [f32::NAN, f32::INFINITY] {
            let error = load(backend, &[1.0, bad]).unwrap_err();
            assert!(matches!(error, Error::NotFinite { index: 1, .. }), "{backend}: {error}");
            assert!(error.to_string().contains("\"y/Conv\""), "{error}");
        }
    }
}

/// Frames of a real video: engine cpu puts every part where tract puts it. `DORMOUSE_TEST_BUNDLE` names the model. Without it
/// the demo's network looks at flies that it was not trained on: its poses are poor, but must be the same in both engines.
#[test]
#[ignore = "needs ../shared/data/flies and ffmpeg"]
fn cpu_and_tract_find_the_same_poses_in_real_frames() {
    const FRAMES: u64 = 100;
    let file = std::env::var_os("DORMOUSE_TEST_BUNDLE").map_or_else(|| DEMO.to_vec(), |path| std::fs::read(path).unwrap());
    let bundle = Bundle::from_bytes(&file).unwrap();
    let mut video = open_path(data_path("flies/centered_pair_small.mp4")).unwrap();
    let frame_px = (video.width_px() as u32, video.height_px() as u32);
    let mut tract = estimator(&bundle, Backend::Tract, 2, frame_px);
    let mut ours = estimator(&bundle, Backend::Cpu, 2, frame_px);
    let (mut visible, mut animals) = (0, 0);
    for index in 0..FRAMES {
        let image = video.frame(index).unwrap();
        let frame: Frame<'_> = image.frame().unwrap();
        let expected = tract.estimate(&frame).unwrap();
        animals += expected.len();
        visible += same_poses(ours.estimate(&frame).unwrap(), expected, &format!("frame {index}"));
    }
    println!("{animals} animals, {visible} visible parts");
    assert!(visible > FRAMES as usize, "{visible} parts in {FRAMES} frames");
}
