//! Trained and hand-made models on our own GPU engine: the poses of the CPU engine.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use dormouse::engine::wgpu::{Program, Slot};
use dormouse::preprocess::InputShape;
use dormouse::{Backend, Bundle, Estimator, Frame, Options, Precision};
use dormouse_tests::golden::data_path;
use dormouse_tests::imported;
use dormouse_tests::poses::{same_poses, same_when_submitted};
use dormouse_tests::top_down;
use dormouse_tests::wgpu_suite::GPU;
use dormouse_trainer::dataset::SampleSource;
use dormouse_trainer::dataset::synth::{SynthConfig, SynthScenes};
use dormouse_trainer::dataset::video::open_path;
use dormouse_trainer::predict::Predictor;

static DEMO: &[u8] = include_bytes!("../../model-zoo/demo/demo.dorm");
/// Width and height of the frames; the network sees three quarters of it, padded to multiples of 16 px.
const SIZES_PX: [(usize, usize); 3] = [(128, 128), (161, 97), (256, 192)];
const SCENES: usize = 17;

/// The same model on the CPU and on the GPU.
fn estimators(bundle: &Bundle<'_>, frame_px: (u32, u32)) -> [Estimator; 2] {
    [Backend::Cpu, Backend::Wgpu].map(|backend| {
        let options = Options { backend, allow_software: true, frame_px: Some(frame_px), ..Options::default() };
        let estimator = Estimator::new(bundle, &options).unwrap();
        assert_eq!(estimator.backend(), backend);
        estimator
    })
}

#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn wgpu_and_cpu_find_the_same_poses() {
    let bundle = Bundle::from_bytes(DEMO).unwrap();
    let mut visible = 0;
    for (width_px, height_px) in SIZES_PX {
        let config = SynthConfig { width_px, height_px, count: SCENES, seed: 78, bright_on_dark: 0.0, ..SynthConfig::default() };
        let scenes = SynthScenes::new(config).unwrap();
        let [mut cpu, mut gpu] = estimators(&bundle, (width_px as u32, height_px as u32));
        for index in 0..SCENES {
            let image = scenes.sample(index).unwrap().image;
            let frame = image.frame().unwrap();
            let what = format!("{width_px}x{height_px}, scene {index}");
            visible += same_poses(gpu.estimate(&frame).unwrap(), cpu.estimate(&frame).unwrap(), &what);
        }
    }
    // Scenes without animals would compare nothing.
    assert!(visible > 3 * SCENES * 10, "{visible} keypoints compared");
}

/// Frames of a real video. `DORMOUSE_TEST_BUNDLE` names the model; without it the demo's network looks at flies that it was not
/// trained on: its poses are poor, but must be the same in both engines.
#[test]
#[ignore = "needs ../shared/data/flies, ffmpeg and a Vulkan driver"]
fn wgpu_and_cpu_find_the_same_poses_in_real_frames() {
    const FRAMES: u64 = 100;
    let file = std::env::var_os("DORMOUSE_TEST_BUNDLE").map_or_else(|| DEMO.to_vec(), |path| std::fs::read(path).unwrap());
    let bundle = Bundle::from_bytes(&file).unwrap();
    let mut video = open_path(data_path("flies/centered_pair_small.mp4")).unwrap();
    let [mut cpu, mut gpu] = estimators(&bundle, (video.width_px() as u32, video.height_px() as u32));
    let mut visible = 0;
    for index in 0..FRAMES {
        let image = video.frame(index).unwrap();
        let frame = image.frame().unwrap();
        visible += same_poses(gpu.estimate(&frame).unwrap(), cpu.estimate(&frame).unwrap(), &format!("frame {index}"));
    }
    println!("{visible} visible parts");
    assert!(visible > FRAMES as usize, "{visible} parts in {FRAMES} frames");
}

/// Models that SLEAP trained: transposed convolutions, colour at half size, crops.
#[test]
#[ignore = "needs ../shared/data, ffmpeg and a Vulkan driver"]
fn imported_models_find_the_same_poses() {
    const FRAMES: u64 = 4;
    for (models, video) in [
        (imported::BOTTOM_UP, "flies/centered_pair_small.mp4"),
        (imported::TOP_DOWN, "flies/centered_pair_small.mp4"),
        (imported::ROBOT, "robot/small_robot.mp4"),
    ] {
        let file = imported::imported(models, |_| {});
        let mut video = open_path(data_path(video)).unwrap();
        let frame_px = (video.width_px() as u32, video.height_px() as u32);
        let [mut cpu, mut gpu] = estimators(&Bundle::from_bytes(&file).unwrap(), frame_px);
        let mut visible = 0;
        for index in 0..FRAMES {
            let image = video.frame(index).unwrap();
            let frame = image.frame().unwrap();
            let what = format!("{models:?}, frame {index}");
            visible += same_poses(gpu.estimate(&frame).unwrap(), cpu.estimate(&frame).unwrap(), &what);
        }
        assert!(visible >= 2 * FRAMES as usize, "{models:?}: {visible} parts");
    }
}

#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn top_down_models_too() {
    let frame_px = (top_down::WIDTH as u32, top_down::HEIGHT as u32);
    let animals: Vec<_> = [(30.0, 20.0), (85.4, 30.7), (60.2, 70.0), (3.0, 60.0)].map(|(x, y)| top_down::Animal::at(x, y)).into();
    for identity in [false, true] {
        for room in [2, 8] {
            let file = top_down::bundle(&top_down::config(identity, room), None);
            let bundle = Bundle::from_bytes(&file).unwrap();
            let [mut cpu, mut gpu] = estimators(&bundle, frame_px);
            for count in 0..=animals.len() {
                let pixels = top_down::scene(&animals[..count]);
                let frame = Frame::rgb8(&pixels, frame_px.0, frame_px.1).unwrap();
                let expected = cpu.estimate(&frame).unwrap();
                assert_eq!(expected.len(), count.min(room as usize), "a scene without its animals compares nothing");
                same_poses(gpu.estimate(&frame).unwrap(), expected, &format!("{count} animals, room for {room}"));
            }
        }
    }
}

/// Frames that are submitted while others are on their way: one network, and two.
#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn frames_on_their_way_give_the_same_poses() {
    let config = SynthConfig { width_px: 160, height_px: 128, count: 5, seed: 80, bright_on_dark: 0.0, ..SynthConfig::default() };
    let scenes = SynthScenes::new(config).unwrap();
    let images: Vec<_> = (0..5).map(|index| scenes.sample(index).unwrap().image).collect();
    let frames: Vec<Frame<'_>> = images.iter().map(|image| image.frame().unwrap()).collect();
    let [_, mut gpu] = estimators(&Bundle::from_bytes(DEMO).unwrap(), (160, 128));
    assert!(same_when_submitted(&mut gpu, &frames) > 5);
    let file = top_down::bundle(&top_down::config(true, 6), None);
    let scenes: Vec<_> = (0..7).map(|index| top_down::scene(&top_down::herd(index, index as u32))).collect();
    let frame_px = (top_down::WIDTH as u32, top_down::HEIGHT as u32);
    let frames: Vec<_> = scenes.iter().map(|pixels| Frame::rgb8(pixels, frame_px.0, frame_px.1).unwrap()).collect();
    let [_, mut gpu] = estimators(&Bundle::from_bytes(&file).unwrap(), frame_px);
    assert!(same_when_submitted(&mut gpu, &frames) > 7);
    let report = gpu.device_report().unwrap().unwrap();
    assert!(report.read_bytes <= 64 * 1024 && report.upload_bytes == 3 * top_down::WIDTH * top_down::HEIGHT, "{report:?}");
}

/// A software adapter is taken on request alone; without that the reason names it and its driver.
#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn a_gpu_where_there_is_one_and_the_reason_where_there_is_none() {
    let bundle = Bundle::from_bytes(DEMO).unwrap();
    for allow_software in [true, false] {
        let options = Options { backend: Backend::Auto, allow_software, frame_px: Some((96, 96)), ..Options::default() };
        let estimator = Estimator::new(&bundle, &options).unwrap();
        let report = GPU.report();
        if allow_software || !report.software {
            assert_eq!((estimator.backend(), estimator.fallback()), (Backend::Wgpu, None));
        } else {
            let reason = estimator.fallback().unwrap().to_string();
            assert_eq!(estimator.backend(), Backend::Cpu);
            assert!(reason.contains(&report.name[..8]) && reason.contains("allow software adapters"), "{reason}");
        }
    }
}

/// What `predict` does about a frame that the GPU has no room for.
#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn a_predictor_goes_on_with_the_cpu() {
    let bundle = Bundle::from_bytes(DEMO).unwrap();
    let config = SynthConfig { width_px: 128, height_px: 96, count: 1, seed: 82, bright_on_dark: 0.0, ..SynthConfig::default() };
    let image = SynthScenes::new(config).unwrap().sample(0).unwrap().image;
    let options = Options { allow_software: true, frame_px: Some((128, 96)), precision: Precision::Half, ..Options::default() };
    let mut predictor = Predictor::with_options(&bundle, &options).unwrap();
    let (backend, precision, animals) = (predictor.backend(), predictor.precision(), predictor.instances(&image).unwrap().len());
    assert_eq!((backend, precision), (Backend::Wgpu, Precision::Half));
    predictor.go_on_with_cpu(&bundle, &options).unwrap();
    assert_eq!((predictor.backend(), predictor.precision()), (Backend::Cpu, Precision::Single));
    assert!(animals > 0);
    assert_eq!(predictor.instances(&image).unwrap().len(), animals);
    // The first one is counted apart.
    assert_eq!(predictor.latency().frames, 1);
}

/// Needs no GPU: wgpu refuses a dispatch that reads a buffer that it writes, and copies of maps must stay few.
#[test]
fn the_plan_of_the_demo() {
    let bundle = Bundle::from_bytes(DEMO).unwrap();
    let network = bundle.network(&bundle.config().networks[0].name).unwrap();
    for (width, height) in [(96, 96), (384, 384), (1280, 1024)] {
        let program = Program::from_onnx(network, InputShape { channels: 1, height, width }, Precision::Single).unwrap();
        for dispatch in program.dispatches() {
            assert!(!dispatch.inputs.contains(&dispatch.output), "{} reads what it writes", dispatch.node);
        }
        assert_eq!(program.dispatches()[0].inputs, [Slot::Image]);
        let copies = |name: &str| ["pack", "unpack", "join"].contains(&name);
        let moved = |copied: bool| -> u64 {
            let of = program.dispatches().iter().filter(|d| copies(d.kernel.name()) == copied);
            of.map(|d| d.read_bytes + d.write_bytes).sum()
        };
        assert!(
            2 * moved(true) <= moved(false),
            "{width}x{height}: {} of {} bytes are copies",
            moved(true),
            program.moved_bytes()
        );
    }
}
