//! The decode stage on maps of SLEAP's own models gives SLEAP's own predictions.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use dormouse::config::*;
use dormouse::decode::Decoder;
use dormouse::{ImageMap, Poses, Skeleton};
use dormouse_tests::golden::{GoldenAnimal, data_path, golden_frame};
use dormouse_tests::npy::{Tensor, read_f32};
use dormouse_tests::tolerance::{SAME_MAPS_INSTANCE_SCORE, SAME_MAPS_KEYPOINT_PX, SAME_MAPS_KEYPOINT_SCORE};

/// Two nodes A -> B; both reference models have that skeleton. Strides as in their `training_config.json`.
fn config(model_type: ModelType, heads: &[(HeadKind, u32)], input_scale: f32, refinement: Refinement) -> Config {
    let head = |&(kind, stride_px)| HeadConfig { kind, output: format!("{kind:?}"), stride_px };
    let preprocess =
        PreprocessConfig { color: InputColor::Gray, input_scale, resize: ResizeFilter::Bilinear, pad_to_stride_px: 8 };
    Config {
        name: "golden".into(),
        model_type,
        skeleton: Skeleton { name: "pair".into(), nodes: vec!["A".into(), "B".into()], edges: vec![(0, 1)], symmetries: vec![] },
        networks: vec![NetworkConfig { name: "pose".into(), preprocess, heads: heads.iter().map(head).collect() }],
        peaks: PeakConfig { threshold: 0.2, refinement },
        grouping: GroupingConfig::default(),
        limits: Limits::default(),
        top_down: None,
        identity: None,
        provenance: Provenance::default(),
    }
}

fn maps(tensor: &Tensor) -> dormouse::tensor::Maps<'_> {
    let [1, channels, height, width] = tensor.shape[..] else { panic!("shape {:?}", tensor.shape) };
    dormouse::tensor::Maps::new(&tensor.data, channels, height, width).unwrap()
}

fn tensor(name: &str) -> Tensor {
    read_f32(&data_path("golden/tensors").join(name)).unwrap()
}

/// Largest differences of keypoints (px), keypoint scores and instance scores; numbers and order of animals must agree.
fn compare(poses: &Poses, golden: &[GoldenAnimal]) -> [f32; 3] {
    assert_eq!(poses.len(), golden.len(), "{poses:?}\n{golden:?}");
    let mut worst = [0.0_f32; 3];
    for (animal, expected) in poses.iter().zip(golden) {
        worst[2] = worst[2].max((animal.score - expected.score).abs());
        assert_eq!(animal.keypoints.len(), expected.points.len());
        for (keypoint, point) in animal.keypoints.iter().zip(&expected.points) {
            assert_eq!(keypoint.is_visible(), point.is_some());
            if let &Some([x, y, score]) = point {
                worst[0] = worst[0].max((keypoint.position.x_px - x).abs());
                worst[0] = worst[0].max((keypoint.position.y_px - y).abs());
                worst[1] = worst[1].max((keypoint.score - score).abs());
            }
        }
    }
    worst
}

fn assert_close(poses: &Poses, golden: &[GoldenAnimal]) {
    let [px, keypoint_score, instance_score] = compare(poses, golden);
    eprintln!("worst keypoint {px} px, keypoint score {keypoint_score}, instance score {instance_score}");
    assert!(px <= SAME_MAPS_KEYPOINT_PX);
    assert!(keypoint_score <= SAME_MAPS_KEYPOINT_SCORE);
    assert!(instance_score <= SAME_MAPS_INSTANCE_SCORE);
}

fn bottom_up(refinement: Refinement) -> Poses {
    let heads = [(HeadKind::ConfidenceMaps, 2), (HeadKind::PartAffinityFields, 4)];
    let mut decoder = Decoder::new(&config(ModelType::BottomUp, &heads, 1.0, refinement)).unwrap();
    let mut poses = decoder.new_poses();
    let (confmaps, pafs) = (tensor("bottomup.f0.confmaps.npy"), tensor("bottomup.f0.pafs.npy"));
    decoder.decode(maps(&confmaps), Some(maps(&pafs)), ImageMap::new(1.0), &mut poses).unwrap();
    poses
}

#[test]
#[ignore = "needs ../shared/data"]
fn bottom_up_maps_give_the_recorded_animals() {
    assert_close(&bottom_up(Refinement::Integral), &golden_frame("bottomup.centered_pair_small.json", 0).unwrap());
}

#[test]
#[ignore = "needs ../shared/data"]
fn bottom_up_maps_without_refinement_give_the_recorded_animals() {
    assert_close(&bottom_up(Refinement::None), &golden_frame("bottomup.centered_pair_small.norefine.json", 0).unwrap());
}

#[test]
#[ignore = "needs ../shared/data"]
fn single_instance_maps_give_the_recorded_animal() {
    let config = config(ModelType::SingleInstance, &[(HeadKind::ConfidenceMaps, 4)], 0.5, Refinement::Integral);
    let mut decoder = Decoder::new(&config).unwrap();
    let mut poses = decoder.new_poses();
    let confmaps = tensor("single.f0.confmaps.npy");
    decoder.decode(maps(&confmaps), None, ImageMap::new(0.5), &mut poses).unwrap();
    // The input was halved, and the recording has no half-pixel term: SLEAP-NN's convention, as in `ImageMap`.
    assert_close(&poses, &golden_frame("single.small_robot.json", 0).unwrap());
}
