//! From a trained network to the one file that is deployed.

use super::run_folder::RunFacts;
use crate::config::TrainConfig;
use crate::dataset::Image;
use crate::error::Result;
use crate::export::{check_export, metadata, to_onnx};
use crate::model::{PoseNet, forward_flops, parameter_count, receptive_field_px};
use dormouse::bundle::{BundleWriter, ExpectedInstance, SelfTest};
use dormouse::config::{HeadConfig, NetworkConfig, Provenance};
use dormouse::{Bundle, Config, Estimator, Options, PixelFormat, Poses};
use std::fmt::Write as _;

/// Name of the only network of single-instance and bottom-up models.
const POSE: &str = "pose";
/// Largest accepted keypoint distance of the self-test. Engines differ by rounding only (about 1e-3 px was seen); a wrong
/// preprocessing or decoding moves keypoints by half a pixel and more.
const SELF_TEST_TOLERANCE_PX: f32 = 0.1;
/// Frames tried for the self-test; the one whose keypoints are the surest is stored.
const SELF_TEST_CANDIDATES: usize = 16;

/// A bundle and what was found out while building it.
#[derive(Debug, Clone)]
pub struct BuiltBundle {
    /// The file.
    pub bytes: Vec<u8>,
    /// Largest difference between burn and tract on the exported network, over two input sizes.
    pub export_difference: f32,
    /// Whether a self-test frame is inside (none of the frames showed an animal otherwise).
    pub has_self_test: bool,
}

/// Exports `net`, compares burn and tract at the size of the first frame and at a larger, non-square one, and adds
/// configuration, self-test and card.
///
/// # Errors
/// [`crate::Error::Export`] when the exported network differs from the trained one; anything the runtime says about the bundle.
pub fn build_bundle(net: &PoseNet, config: &TrainConfig, name: &str, facts: &RunFacts, frames: &[Image]) -> Result<BuiltBundle> {
    let hash = config.hash()?;
    let onnx = to_onnx(net, &metadata(net, &hash))?;
    let sizes = check_sizes(config.model.max_stride, frames.first());
    let export_difference = check_export(net, &onnx, &sizes)?;
    let runtime_config = runtime_config(net, config, name, facts, &hash);
    let card = card(net, config, name, facts, &hash);
    let draft = BundleWriter::new(&runtime_config)?.network(POSE, onnx).card(&card);
    let test = self_test(&draft.clone().finish()?, frames)?;
    let has_self_test = test.is_some();
    let writer = match test {
        Some(test) => draft.self_test(&test)?,
        None => draft,
    };
    let bytes = writer.finish()?;
    // The file is opened as a user would: parsed, prepared, self-tested.
    Estimator::new(&Bundle::from_bytes(&bytes)?, &Options::default())?;
    Ok(BuiltBundle { bytes, export_difference, has_self_test })
}

/// `[height, width]` of the comparisons: the first frame's size and a larger one of another shape.
fn check_sizes(max_stride: usize, frame: Option<&Image>) -> Vec<[usize; 2]> {
    // Rounding does not depend on the size, so a window of a large frame tells as much in less time.
    let side = |px: usize| px.clamp(1, 256).next_multiple_of(max_stride);
    let (height, width) = frame.map_or((64, 64), |f| (f.height_px(), f.width_px()));
    vec![[side(height), side(width)], [side(height) + max_stride, side(width) + 3 * max_stride]]
}

fn runtime_config(net: &PoseNet, config: &TrainConfig, name: &str, facts: &RunFacts, hash: &str) -> Config {
    let head = |h: &crate::model::HeadSpec| HeadConfig { kind: h.kind, output: h.output.clone(), stride_px: h.stride_px as u32 };
    let heads = net.config().heads.iter().map(head).collect();
    let preprocess = config.preprocess.to_runtime(config.model.max_stride);
    Config {
        name: name.to_owned(),
        model_type: config.model.runtime_type(),
        skeleton: facts.skeleton.clone(),
        networks: vec![NetworkConfig { name: POSE.into(), preprocess, heads }],
        peaks: config.inference.peaks(),
        grouping: config.inference.grouping(),
        limits: config.inference.limits(),
        provenance: Provenance {
            producer: facts.producer.clone(),
            config_hash: hash.to_owned(),
            labels: facts.labels.clone(),
            seed: config.train.seed,
        },
        top_down: None,
        identity: None,
    }
}

/// The frame whose weakest keypoint is the strongest, with the poses found there; `None` if no frame shows an animal.
///
/// A keypoint near the threshold could vanish on an engine that rounds differently, so sure frames make stable tests.
fn self_test(draft: &[u8], frames: &[Image]) -> Result<Option<SelfTest>> {
    let mut best: Option<(f32, SelfTest)> = None;
    for image in frames.iter().take(SELF_TEST_CANDIDATES) {
        let options = Options { self_test: false, ..Options::default() };
        let mut estimator = Estimator::new(&Bundle::from_bytes(draft)?, &options)?;
        let poses = estimator.estimate(&image.frame()?)?;
        let scores = poses.iter().flat_map(|i| i.keypoints).filter(|k| k.is_visible()).map(|k| k.score);
        let weakest = scores.fold(f32::INFINITY, f32::min);
        if weakest.is_finite() && best.as_ref().is_none_or(|(score, _)| weakest > *score) {
            best = Some((weakest, expected(image, poses)));
        }
    }
    Ok(best.map(|(_, test)| test))
}

fn expected(image: &Image, poses: &Poses) -> SelfTest {
    let instance = |i: dormouse::Instance<'_>| ExpectedInstance {
        keypoints: i.keypoints.iter().map(|k| k.is_visible().then_some(k.position)).collect(),
        class: i.identity.map(|id| id.class as u16),
    };
    SelfTest {
        format: if image.channels() == 1 { PixelFormat::Gray8 } else { PixelFormat::Rgb8 },
        width_px: image.width_px() as u32,
        height_px: image.height_px() as u32,
        pixels: image.pixels().to_vec(),
        instances: poses.iter().map(instance).collect(),
        tolerance_px: SELF_TEST_TOLERANCE_PX,
    }
}

/// The text for people inside the bundle.
fn card(net: &PoseNet, config: &TrainConfig, name: &str, facts: &RunFacts, hash: &str) -> String {
    let model = &config.model;
    let flops = forward_flops(net.plan(), 256, 256) as f64 / 1e9;
    let mut card = format!("# {name}\n\nPose model for the dormouse runtime.\n\n");
    let mut line = |key: &str, value: String| {
        // Writing to a string does not fail.
        let _ = writeln!(card, "- {key}: {value}");
    };
    line("model type", format!("{:?}", model.runtime_type()));
    line("nodes", facts.skeleton.nodes.join(", "));
    line("parameters", parameter_count(net.plan()).to_string());
    line("cost", format!("{flops:.2} GFLOP for a network input of 256 x 256"));
    line("receptive field", format!("{} px of the network input", receptive_field_px(&model.unet())));
    line("input scale", config.preprocess.input_scale.to_string());
    line(
        "output strides",
        net.config().heads.iter().map(|h| format!("{} {}", h.output, h.stride_px)).collect::<Vec<_>>().join(", "),
    );
    line("trained on", facts.labels.clone());
    line("made by", facts.producer.clone());
    line("configuration (SHA-256)", hash.to_owned());
    card
}
