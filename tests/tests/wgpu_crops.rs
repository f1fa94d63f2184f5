//! Top-down models on our own GPU engine: the crops that the CPU would cut, and the same poses, in one submission.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use dormouse::config::*;
use dormouse::decode::{CentroidFinder, CropDecoder, crop_plan, decode_plan};
use dormouse::engine::cpu::CpuNetwork;
use dormouse::engine::wgpu::{Gpu, WgpuFrames, WgpuNetwork};
use dormouse::engine::{CropRoute, FrameEngine as _, FrameStage, Network as _, OutputSpec};
use dormouse::preprocess::{CropSampler, Preprocessor};
use dormouse::{Backend, Bundle, Estimator, Frame, ImagePoint, Options, PixelFormat, Stage};
use dormouse_tests::frames_suite::{noise, noise_frame};
use dormouse_tests::poses::same_poses;
use dormouse_tests::tolerance::GPU_REFINED_CELLS;
use dormouse_tests::top_down::{self, HEIGHT, WIDTH, herd, scene};
use dormouse_tests::untrained::model_types;
use dormouse_tests::wgpu_suite::GPU;

const FRAME_PX: (u32, u32) = (WIDTH as u32, HEIGHT as u32);

/// The same model on the CPU and on the GPU.
fn estimators(bundle: &Bundle<'_>) -> [Estimator; 2] {
    [Backend::Cpu, Backend::Wgpu].map(|backend| {
        let options = Options { backend, allow_software: true, frame_px: Some(FRAME_PX), ..Options::default() };
        Estimator::new(bundle, &options).unwrap()
    })
}

fn specs(config: &Config, network: usize) -> Vec<OutputSpec> {
    let spec = |h: &HeadConfig| OutputSpec {
        name: h.output.clone(),
        channels: config.head_channels(h.kind),
        stride_px: (h.kind != HeadKind::ClassVectors).then_some(h.stride_px as usize),
    };
    config.networks[network].heads.iter().map(spec).collect()
}

/// A top-down model on the GPU, and what the CPU needs to do the same.
struct Pair {
    preprocessor: Preprocessor,
    sampler: CropSampler,
    gpu: WgpuFrames,
    finder: CentroidFinder,
    instance: CpuNetwork,
    config: Config,
}

impl Pair {
    fn new(gpu: &Gpu, config: &Config, (width_px, height_px): (u32, u32), from: FrameStage) -> Self {
        config.validate().unwrap();
        let [centroid, instance] = top_down::networks(config);
        let preprocessor = Preprocessor::new(&config.networks[0].preprocess, width_px, height_px).unwrap();
        let crop_px = config.top_down.as_ref().unwrap().crop_size_px;
        let sampler = CropSampler::new(&config.networks[1].preprocess, crop_px, width_px, height_px).unwrap();
        let [first, second] = [(&centroid, 0), (&instance, 1)]
            .map(|(onnx, index)| WgpuNetwork::load_from(gpu, onnx, specs(config, index), from).unwrap());
        let (plan, crops) = (decode_plan(config).unwrap(), crop_plan(config).unwrap());
        let route = CropRoute { network: &second, sampler: &sampler, plan: &crops };
        let frames = first.prepare_with_crops(&preprocessor, &plan, &second, &route).unwrap().unwrap();
        let finder = CentroidFinder::new(config).unwrap();
        let instance = CpuNetwork::load(instance, specs(config, 1), 1).unwrap();
        Self { preprocessor, sampler, gpu: frames, finder, instance, config: config.clone() }
    }

    /// The crops that the CPU chooses among the peaks that the GPU found, and the parts that it finds in them, are those of the GPU. Gives
    /// the numbers of crops and of parts.
    fn same_as_cpu(&mut self, case: &str, frame: &Frame<'_>) -> (usize, usize) {
        let chosen = self.finder.find_found(&self.gpu.found().unwrap(), self.preprocessor.image_map());
        let places: Vec<ImagePoint> = chosen.iter().map(|c| c.position).collect();
        let origins: Vec<[i32; 2]> = places.iter().map(|&p| self.sampler.crop_map(p).origin_px().into()).collect();
        assert_eq!(self.gpu.crops().unwrap().origins, origins, "{case}");
        (origins.len(), self.same_parts(case, frame, &places))
    }

    /// The number of parts in the crops around these places, which are the CPU's.
    fn same_parts(&mut self, case: &str, frame: &Frame<'_>, places: &[ImagePoint]) -> usize {
        let (plan, shape) = (crop_plan(&self.config).unwrap(), self.sampler.shape());
        let crops = self.gpu.crops().unwrap();
        let mut engine = self.instance.prepare(shape, 1).unwrap();
        let mut input = vec![0.0; shape.len()];
        let mut lists = crops.parts.lists();
        let mut parts = 0;
        for (crop, place) in places.iter().enumerate() {
            self.sampler.run(frame, *place, &mut input).unwrap();
            engine.run(&input, 1).unwrap();
            let maps = engine.output(plan.peaks.output, 0).unwrap();
            let expected = (plan.peaks.on_cpu)(&maps, &plan.peaks, true);
            let mut rest = expected.peaks.iter();
            for (part, (list, &count)) in lists.by_ref().zip(&expected.counts).enumerate() {
                assert_eq!(list.len(), count as usize, "{case}: part {part} of crop {crop}");
                for (a, b) in list.iter().zip(rest.by_ref()) {
                    let away = (a[0] - b[0]).abs().max((a[1] - b[1]).abs());
                    assert!(away <= GPU_REFINED_CELLS, "{case}: part {part} of crop {crop} at {a:?}, not {b:?}");
                    assert_eq!(a[2].to_bits(), b[2].to_bits(), "{case}: part {part} of crop {crop}");
                    parts += 1;
                }
                if part + 1 == expected.counts.len() {
                    break;
                }
            }
            if let Some((output, classes)) = plan.classes {
                let vector = engine.output(output, 0).unwrap();
                let expected: Vec<f32> = (0..classes).map(|c| vector.channel(c)[0]).collect();
                assert_eq!(crops.classes[crop * classes..][..classes], expected, "{case}: classes of crop {crop}");
            }
        }
        assert!(lists.next().is_none(), "{case}: parts of crops that are not there");
        parts
    }
}

/// A model with these scales, strides and sides: of centroids and of crops.
fn model(scales: [f32; 2], strides: [u32; 2], crop_size_px: u32, room: [u32; 2], distance_px: f32) -> Config {
    let mut config = top_down::config(true, room[0]);
    config.limits.max_peaks = room[1];
    for (network, (input_scale, stride_px)) in config.networks.iter_mut().zip(scales.into_iter().zip(strides)) {
        network.preprocess.input_scale = input_scale;
        network.preprocess.pad_to_stride_px = stride_px;
        network.heads[0].stride_px = stride_px;
    }
    // One cell whatever the stride.
    config.networks[1].heads[1].stride_px = strides[1];
    config.top_down = config.top_down.map(|t| TopDownConfig { crop_size_px, min_centroid_distance_px: distance_px, ..t });
    config
}

/// In noise there are hundreds of centroids, at any distance, of few different values, and at all edges.
#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn crops_lie_where_the_cpu_puts_them() {
    let bytes = noise(200_000, 21);
    let cases = [
        model([1.0, 1.0], [1, 1], 16, [64, 512], 0.0),
        model([0.5, 1.0], [2, 1], 15, [40, 300], 3.0),
        model([0.37, 0.8], [2, 4], 20, [7, 64], 12.5),
        model([1.0, 0.3], [4, 2], 6, [1, 1024], 5.0),
        model([0.7, 1.7], [1, 8], 24, [100, 1024], 4.0),
        model([1.5, 0.45], [3, 3], 33, [30, 77], 6.7),
    ];
    let sizes = [(64, 48), (97, 61), (33, 120)];
    let (mut crops, mut parts) = (0, 0);
    for refinement in [Refinement::None, Refinement::Integral, Refinement::QuarterPixel] {
        for (index, config) in cases.iter().enumerate() {
            let size = sizes[index % sizes.len()];
            let peaks = PeakConfig { refinement, ..config.peaks };
            let config = Config { peaks, ..config.clone() };
            let mut pair = Pair::new(&GPU, &config, size, FrameStage::default());
            for format in [PixelFormat::Rgb8, PixelFormat::Bgra8] {
                let frame = noise_frame(&bytes, format, size.into());
                let case = format!("model {index}, {refinement:?}, {format:?}");
                // The second run finds what the first one left in the buffers.
                for _ in 0..2 {
                    pair.gpu.run(&frame).unwrap_or_else(|e| panic!("{case}: {e}"));
                    let compared = pair.same_as_cpu(&case, &frame);
                    (crops, parts) = (crops + compared.0, parts + compared.1);
                }
            }
        }
    }
    assert!(crops > 1_500 && parts > 2_000, "{crops} crops and {parts} parts compared");
}

/// Whichever stage the GPU begins with; and crops that the caller asks for, before and behind frames.
#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn every_stage_and_crops_without_centroids() {
    let bytes = noise(200_000, 22);
    let size = (75, 52);
    let frame = noise_frame(&bytes, PixelFormat::Rgba8, size.into());
    let config = model([0.6, 0.9], [2, 1], 18, [12, 200], 2.0);
    for stage in FrameStage::ALL {
        let case = format!("from {}", stage.name());
        let mut pair = Pair::new(&GPU, &config, size, stage);
        for number in [0, 5, 12, 1] {
            let at = |i: usize| ImagePoint { x_px: 9.3 * i as f32 - 5.0, y_px: 61.0 - 5.1 * i as f32 };
            let places: Vec<ImagePoint> = (0..number).map(at).collect();
            let origins: Vec<[i32; 2]> = places.iter().map(|&p| pair.sampler.crop_map(p).origin_px().into()).collect();
            pair.gpu.run_at(&frame, &origins).unwrap();
            assert_eq!(pair.gpu.crops().unwrap().origins, origins, "{case}");
            pair.same_parts(&case, &frame, &places);
            pair.gpu.run(&frame).unwrap();
            assert_eq!(pair.same_as_cpu(&case, &frame).0, 12, "{case}");
        }
    }
}

#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn a_lost_device_costs_no_frame() {
    let bytes = noise(200_000, 23);
    let size = (60, 44);
    let frames = [PixelFormat::Bgr8, PixelFormat::Rgb8].map(|format| noise_frame(&bytes, format, size.into()));
    let config = model([0.6, 0.9], [2, 1], 18, [12, 200], 2.0);
    let gpu = Gpu::open(true).unwrap();
    let mut pair = Pair::new(&gpu, &config, size, FrameStage::default());
    pair.gpu.submit(&frames[0]).unwrap();
    pair.gpu.submit(&frames[1]).unwrap();
    gpu.close();
    for frame in &frames {
        pair.gpu.finish(frame).unwrap();
        assert_eq!(pair.same_as_cpu("on another device", frame).0, 12);
    }
    pair.gpu.run_at(&frames[0], &[[3, 4]]).unwrap();
    assert_eq!(pair.gpu.crops().unwrap().origins, [[3, 4]]);
}

/// Drawn scenes: none to nine animals, also at and beyond the edges, more than there is room for, and known individuals.
#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn drawn_scenes_have_the_same_poses() {
    for identity in [false, true] {
        for room in [3, 16] {
            let file = top_down::bundle(&top_down::config(identity, room), None);
            let [mut cpu, mut gpu] = estimators(&Bundle::from_bytes(&file).unwrap());
            let (mut visible, mut overflow) = (0, 0);
            for index in 0..51 {
                let pixels = scene(&herd(index % 10, 100 + index as u32));
                let frame = Frame::rgb8(&pixels, FRAME_PX.0, FRAME_PX.1).unwrap();
                let mut stages = Vec::new();
                let ours = gpu.estimate_observed(&frame, &mut |stage| stages.push(stage)).unwrap();
                assert_eq!(stages, [Stage::Infer, Stage::Decode], "the crops must not come back to the CPU");
                let expected = cpu.estimate(&frame).unwrap();
                let what = format!("scene {index}, room {room}");
                visible += same_poses(ours, expected, &what);
                overflow += expected.overflow().instances;
                for (a, b) in ours.iter().zip(expected.iter()) {
                    let who = |i: &dormouse::Instance<'_>| i.identity.map(|id| id.class);
                    assert_eq!(who(&a), who(&b), "{what}");
                    assert!((a.score - b.score).abs() < 1e-6, "{what}");
                }
            }
            assert!(visible > 200 && (room > 3 || overflow > 20), "{visible} parts, {overflow} animals without room");
        }
    }
}

/// Real networks, which have every kind of dispatch, on none to six crops.
#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn untrained_networks_look_at_crops() {
    let mut seen = 0;
    for network in model_types().into_iter().filter(|n| n.name.starts_with("top_down") && n.name.contains("instance")) {
        let heads = network.heads();
        let identity = heads.iter().any(|h| h.kind == HeadKind::ClassVectors);
        let mut config = top_down::config(identity, 6);
        let classes = (0..4).map(|c| format!("c{c}")).collect();
        config.identity = config.identity.map(|_| IdentityConfig { classes });
        config.skeleton.nodes = ["a", "b", "c"].map(String::from).to_vec();
        let color = if network.net.config().in_channels == 1 { InputColor::Gray } else { InputColor::Rgb };
        let instance = &mut config.networks[1];
        instance.preprocess = PreprocessConfig { color, pad_to_stride_px: 32, ..instance.preprocess };
        instance.heads = heads;
        config.top_down = config.top_down.map(|t| TopDownConfig { crop_size_px: 64, ..t });
        config.peaks = PeakConfig { threshold: 0.0, refinement: Refinement::Integral };
        let [centroid, _] = top_down::networks(&top_down::config(identity, 6));
        let file = top_down::bundle_of(&config, [centroid, network.onnx], None);
        let [mut cpu, mut gpu] = estimators(&Bundle::from_bytes(&file).unwrap());
        let mut visible = 0;
        for count in [6, 0, 3, 1, 8] {
            let pixels = scene(&herd(count, 7 + count as u32));
            let frame = Frame::rgb8(&pixels, FRAME_PX.0, FRAME_PX.1).unwrap();
            let what = format!("{}, {count} animals", network.name);
            visible += same_poses(gpu.estimate(&frame).unwrap(), cpu.estimate(&frame).unwrap(), &what);
        }
        assert!(visible > 10, "{}: {visible} parts", network.name);
        seen += 1;
    }
    assert_eq!(seen, 6, "two model types with three backbones each");
}

/// Points that the caller knows; frames of another size; networks that were let go.
#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn known_points_and_released_networks() {
    let file = top_down::bundle(&top_down::config(true, 4), None);
    let [mut cpu, mut gpu] = estimators(&Bundle::from_bytes(&file).unwrap());
    gpu.release_networks().unwrap();
    let pixels = scene(&herd(4, 3));
    let frame = Frame::rgb8(&pixels, FRAME_PX.0, FRAME_PX.1).unwrap();
    let at = |x_px, y_px| ImagePoint { x_px, y_px };
    let points = [at(60.0, 40.0), ImagePoint::MISSING, at(-20.0, 500.0), at(20.2, 70.9), at(1.0, 1.0), at(90.0, 11.0)];
    for points in [&points[..], &points[..1], &[], &points[1..2]] {
        let expected = cpu.estimate_at(&frame, points).unwrap();
        same_poses(gpu.estimate_at(&frame, points).unwrap(), expected, &format!("{points:?}"));
        same_poses(gpu.estimate(&frame).unwrap(), cpu.estimate(&frame).unwrap(), "the whole frame");
    }
    assert_eq!(gpu.find_centroids(&frame).unwrap().len(), cpu.find_centroids(&frame).unwrap().len());
    assert!(gpu.estimate(&Frame::gray8(&[0; 16], 4, 4).unwrap()).is_err());
}

/// So many parts that they are more than is read back: the crops are left to the CPU, and the poses are the same.
#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn what_is_too_much_for_one_piece_is_left_to_the_cpu() {
    let limits = Limits { max_instances: 1024, max_peaks: 1024 };
    let file = top_down::bundle(&Config { limits, ..top_down::config(true, 1) }, None);
    let options = |backend| Options { backend, allow_software: true, ..Options::default() };
    let bundle = Bundle::from_bytes(&file).unwrap();
    let mut gpu = Estimator::new(&bundle, &options(Backend::Wgpu)).unwrap();
    let mut cpu = Estimator::new(&bundle, &options(Backend::Cpu)).unwrap();
    let pixels = scene(&herd(5, 4));
    let frame = Frame::rgb8(&pixels, FRAME_PX.0, FRAME_PX.1).unwrap();
    let mut stages = Vec::new();
    let ours = gpu.estimate_observed(&frame, &mut |stage| stages.push(stage)).unwrap();
    assert!(same_poses(ours, cpu.estimate(&frame).unwrap(), "many crops") > 0);
    assert_eq!(stages, [Stage::Infer, Stage::Decode, Stage::Preprocess, Stage::Infer, Stage::Decode]);
}

/// The decoder of crops gets the same from maps and from what an engine found; needs no GPU.
#[test]
fn found_parts_are_decoded_as_maps_are() {
    let config = top_down::config(false, 2);
    let mut decoder = CropDecoder::new(&config).unwrap();
    let mut poses = decoder.new_poses();
    let found = dormouse::engine::Found {
        counts: &[1, 0, 0, 0, 0, 1],
        totals: &[1, 0, 0, 0, 0, 1],
        peaks: &[[3.0, 4.0, 0.5], [1.0, 2.0, 0.75]],
        scores: &[],
    };
    let crops = dormouse::engine::FoundCrops { origins: &[[0, 0], [5, 5], [-3, 8]], parts: found, classes: &[] };
    let sampler = CropSampler::new(&config.networks[1].preprocess, 32, 64, 64).unwrap();
    let map = sampler.crop_map(ImagePoint { x_px: 30.0, y_px: 20.0 });
    decoder.begin(&mut poses);
    decoder.add_found(&crops, [(map, 0.9), (map, 0.8), (map, 0.7)].into_iter(), &mut poses);
    decoder.finish(&mut poses);
    // The crop in the middle shows no part.
    assert_eq!(poses.iter().map(|i| i.score).collect::<Vec<_>>(), [0.9, 0.7]);
    let (left, top) = map.origin_px();
    let last = poses.get(1).unwrap().keypoints[1];
    assert_eq!((last.position.x_px, last.position.y_px, last.score), (1.0 + left as f32, 2.0 + top as f32, 0.75));
}
