//! From a trained network to the one file that is deployed.

use super::run_folder::RunFacts;
use super::stage::StageNet;
use crate::config::{Stage, TrainConfig};
use crate::dataset::Image;
use crate::error::Result;
use crate::export::{check_export, metadata, to_onnx};
use crate::model::{forward_flops, parameter_count, receptive_field_px};
use crate::predict::cpu_backend;
use dormouse::bundle::{BundleWriter, ExpectedInstance, SelfTest};
use dormouse::config::{HeadConfig, IdentityConfig, NetworkConfig, Provenance, TopDownConfig};
use dormouse::{Bundle, Config, Estimator, Options, PixelFormat, Poses};
use std::fmt::Write as _;

/// Largest accepted keypoint distance of the self-test. Engines differ by rounding only (about 1e-3 px was seen); a wrong
/// preprocessing or decoding moves keypoints by half a pixel and more.
const SELF_TEST_TOLERANCE_PX: f32 = 0.1;
/// Frames tried for the self-test; the one whose keypoints are the surest is stored.
const SELF_TEST_CANDIDATES: usize = 16;
/// Side of the input that the card tells the cost for, of networks that see whole frames.
const CARD_SIDE_PX: usize = 256;

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

/// Exports the networks, compares burn and tract on each at the size of its input (the first frame or a crop) and at a larger,
/// non-square one, and adds configuration, self-test and card. `config` is that of the whole model.
///
/// # Errors
/// [`crate::Error::Export`] when the exported network differs from the trained one; anything the runtime says about the bundle.
pub fn build_bundle(
    nets: &[StageNet],
    config: &TrainConfig,
    name: &str,
    facts: &RunFacts,
    frames: &[Image],
) -> Result<BuiltBundle> {
    let mut export_difference = 0.0_f32;
    let (draft, networks) = draft(nets, config, name, facts)?;
    for (StageNet { stage, config, net }, onnx) in nets.iter().zip(&networks) {
        let size = match stage {
            Stage::Instance => [facts.crop_size_px as usize; 2],
            _ => frames.first().map_or([64, 64], |f| [f.height_px(), f.width_px()]),
        };
        export_difference = export_difference.max(check_export(net, onnx, &check_sizes(config.model.max_stride, size))?);
    }
    let (bytes, has_self_test) = finish_bundle(draft, frames)?;
    Ok(BuiltBundle { bytes, export_difference, has_self_test })
}

/// The file with a self-test made of one of the frames, if one shows an animal, and whether it has one. It is opened as a user would:
/// parsed, prepared, self-tested.
///
/// # Errors
/// Anything the runtime says about the bundle.
pub(crate) fn finish_bundle(draft: BundleWriter, frames: &[Image]) -> Result<(Vec<u8>, bool)> {
    let test = self_test(&draft.clone().finish()?, frames)?;
    let has_self_test = test.is_some();
    let writer = match test {
        Some(test) => draft.self_test(&test)?,
        None => draft,
    };
    let bytes = writer.finish()?;
    prepare_on_cpu(&Bundle::from_bytes(&bytes)?, true)?;
    Ok((bytes, has_self_test))
}

/// Asks the runtime whether it runs such a model, before time is spent on training it.
///
/// # Errors
/// What the runtime says against it.
pub(super) fn check_runtime(nets: &[StageNet], config: &TrainConfig, facts: &RunFacts) -> Result<()> {
    let bytes = draft(nets, config, "untrained", facts)?.0.finish()?;
    prepare_on_cpu(&Bundle::from_bytes(&bytes)?, true)?;
    Ok(())
}

/// The shipped runtime on the CPU: what a bundle holds must not depend on the GPU of the machine that trained it.
fn prepare_on_cpu(bundle: &Bundle<'_>, self_test: bool) -> Result<Estimator> {
    Ok(Estimator::new(bundle, &Options { backend: cpu_backend(bundle), self_test, ..Options::default() })?)
}

/// The bundle without self-test, and its networks as ONNX.
///
/// # Errors
/// When a network cannot be exported or the runtime refuses the configuration.
pub(super) fn draft(
    nets: &[StageNet],
    config: &TrainConfig,
    name: &str,
    facts: &RunFacts,
) -> Result<(BundleWriter, Vec<Vec<u8>>)> {
    let hash = config.hash()?;
    let networks =
        nets.iter().map(|trained| to_onnx(&trained.net, &metadata(&trained.net, &hash))).collect::<Result<Vec<_>>>()?;
    let mut draft = BundleWriter::new(&runtime_config(nets, config, name, facts, &hash))?;
    for (trained, onnx) in nets.iter().zip(&networks) {
        draft = draft.network(trained.stage.name(), onnx.clone());
    }
    Ok((draft.card(&card(nets, config, name, facts, &hash)), networks))
}

/// `[height, width]` of the comparisons: the usual size and a larger one of another shape.
pub(crate) fn check_sizes(max_stride: usize, [height, width]: [usize; 2]) -> Vec<[usize; 2]> {
    // Rounding does not depend on the size, so a window of a large frame tells as much in less time.
    let side = |px: usize| px.clamp(1, 256).next_multiple_of(max_stride);
    vec![[side(height), side(width)], [side(height) + max_stride, side(width) + 3 * max_stride]]
}

fn runtime_config(nets: &[StageNet], config: &TrainConfig, name: &str, facts: &RunFacts, hash: &str) -> Config {
    let head = |h: &crate::model::HeadSpec| HeadConfig { kind: h.kind, output: h.output.clone(), stride_px: h.stride_px as u32 };
    let network = |trained: &StageNet| NetworkConfig {
        name: trained.stage.name().into(),
        preprocess: trained.config.preprocess.to_runtime(trained.config.model.max_stride),
        heads: trained.net.config().heads.iter().map(head).collect(),
    };
    let model_type = config.model.runtime_type();
    let top_down = TopDownConfig {
        anchor_part: facts.anchor_part,
        crop_size_px: facts.crop_size_px,
        centroid_threshold: config.top_down.centroid_threshold,
        min_centroid_distance_px: config.top_down.min_centroid_distance_px,
    };
    Config {
        name: name.to_owned(),
        model_type,
        skeleton: facts.skeleton.clone(),
        networks: nets.iter().map(network).collect(),
        peaks: config.inference.peaks(),
        grouping: config.inference.grouping(),
        limits: config.inference.limits(),
        provenance: Provenance {
            producer: facts.producer.clone(),
            config_hash: hash.to_owned(),
            labels: facts.labels.clone(),
            seed: config.train.seed,
        },
        top_down: model_type.has_centroids().then_some(top_down),
        identity: model_type.has_identity().then(|| IdentityConfig { classes: facts.classes.clone() }),
    }
}

/// The frame whose weakest keypoint is the strongest, with the poses found there; `None` if no frame shows an animal.
///
/// A keypoint near the threshold could vanish on an engine that rounds differently, so sure frames make stable tests.
fn self_test(draft: &[u8], frames: &[Image]) -> Result<Option<SelfTest>> {
    let mut best: Option<(f32, SelfTest)> = None;
    for image in frames.iter().take(SELF_TEST_CANDIDATES) {
        let mut estimator = prepare_on_cpu(&Bundle::from_bytes(draft)?, false)?;
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
fn card(nets: &[StageNet], config: &TrainConfig, name: &str, facts: &RunFacts, hash: &str) -> String {
    let mut card = format!("# {name}\n\nPose model for the dormouse runtime.\n\n");
    let mut line = |key: &str, value: String| {
        // Writing to a string does not fail.
        let _ = writeln!(card, "- {key}: {value}");
    };
    line("model type", config.model.model_type.name().to_owned());
    line("nodes", facts.skeleton.nodes.join(", "));
    if !facts.classes.is_empty() {
        line("individuals", facts.classes.join(", "));
    }
    if config.model.runtime_type().has_centroids() {
        let anchor = config.top_down.anchor_part.as_str();
        let mean = "the mean of the visible parts";
        line("centre of an animal", if anchor.is_empty() { mean.to_owned() } else { format!("{anchor}, else {mean}") });
    }
    if facts.crop_size_px > 0 {
        line("crops", format!("{0} x {0} px of the input of the instance network", facts.crop_size_px));
    }
    for StageNet { stage, config, net } in nets {
        let key = |what: &str| if nets.len() > 1 { format!("{} network, {what}", stage.name()) } else { what.to_owned() };
        let side_px = if *stage == Stage::Instance { facts.crop_size_px as usize } else { CARD_SIDE_PX };
        let flops = forward_flops(net.plan(), side_px, side_px) as f64 / 1e9;
        let strides = net.config().heads.iter().map(|h| format!("{} {}", h.output, h.stride_px)).collect::<Vec<_>>().join(", ");
        line(&key("parameters"), parameter_count(net.plan()).to_string());
        line(&key("cost"), format!("{flops:.2} GFLOP for a network input of {side_px} x {side_px}"));
        line(&key("receptive field"), format!("{} px of the network input", receptive_field_px(&config.model.backbone())));
        line(&key("input scale"), config.preprocess.input_scale.to_string());
        line(&key("output strides"), strides);
    }
    line("trained on", facts.labels.clone());
    line("made by", facts.producer.clone());
    line("configuration (SHA-256)", hash.to_owned());
    card
}
