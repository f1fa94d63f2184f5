//! The demo's trained network on our own GPU engine: maps and poses of the CPU engine.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use dormouse::engine::wgpu::{Program, Slot};
use dormouse::preprocess::InputShape;
use dormouse::{Backend, Bundle, Estimator, Options};
use dormouse_tests::tolerance::SAME_POSE_PX;
use dormouse_trainer::dataset::SampleSource;
use dormouse_trainer::dataset::synth::{SynthConfig, SynthScenes};

static DEMO: &[u8] = include_bytes!("../../model-zoo/demo/demo.dorm");
/// Width and height of the frames; the network sees three quarters of it, padded to multiples of 16 px.
const SIZES_PX: [(usize, usize); 3] = [(128, 128), (161, 97), (256, 192)];
const SCENES: usize = 4;

#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn wgpu_and_cpu_find_the_same_poses() {
    let bundle = Bundle::from_bytes(DEMO).unwrap();
    let mut visible = 0;
    for (width_px, height_px) in SIZES_PX {
        let config = SynthConfig { width_px, height_px, count: SCENES, seed: 78, bright_on_dark: 0.0, ..SynthConfig::default() };
        let scenes = SynthScenes::new(config).unwrap();
        let frame_px = Some((width_px as u32, height_px as u32));
        let [mut cpu, mut gpu] = [Backend::Cpu, Backend::Wgpu].map(|backend| {
            let options = Options { backend, allow_software: true, frame_px, ..Options::default() };
            let estimator = Estimator::new(&bundle, &options).unwrap();
            assert_eq!(estimator.backend(), backend);
            estimator
        });
        for index in 0..SCENES {
            let image = scenes.sample(index).unwrap().image;
            let frame = image.frame().unwrap();
            let (ours, expected) = (gpu.estimate(&frame).unwrap(), cpu.estimate(&frame).unwrap());
            let what = format!("{width_px}x{height_px}, scene {index}");
            assert_eq!(ours.len(), expected.len(), "{what}");
            for (a, b) in ours.iter().zip(expected.iter()) {
                for (a, b) in a.keypoints.iter().zip(b.keypoints) {
                    assert_eq!(a.is_visible(), b.is_visible(), "{what}");
                    if a.is_visible() {
                        let away = (a.position.x_px - b.position.x_px).hypot(a.position.y_px - b.position.y_px);
                        assert!(away <= SAME_POSE_PX, "{what}: {away} px apart");
                        visible += 1;
                    }
                }
            }
        }
    }
    // Scenes without animals would compare nothing.
    assert!(visible > 3 * SCENES * 10, "{visible} keypoints compared");
}

/// Needs no GPU: wgpu refuses a dispatch that reads a buffer that it writes, and copies of maps must stay few.
#[test]
fn the_plan_of_the_demo() {
    let bundle = Bundle::from_bytes(DEMO).unwrap();
    let network = bundle.network(&bundle.config().networks[0].name).unwrap();
    for (width, height) in [(96, 96), (384, 384), (1280, 1024)] {
        let program = Program::from_onnx(network, InputShape { channels: 1, height, width }).unwrap();
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
