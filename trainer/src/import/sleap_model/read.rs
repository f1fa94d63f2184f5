//! One model folder: its network as ONNX, and how frames become its input.

use super::bounded::{config_text, text_sha256, weights_sha256};
use super::folder::ModelFiles;
use super::heads::{wanted_heads, words};
use super::training_config::{TrainingConfig, read_training_config};
use crate::config::TrainModelType;
use crate::error::{Error, Result};
use crate::import::keras::{KerasModel, KerasNetwork};
use crate::import::remarks::listed;
use dormouse::config::{HeadConfig, HeadKind, InputColor, NetworkConfig, PreprocessConfig, ResizeFilter};
use std::path::{Path, PathBuf};

/// A trained model of classic SLEAP.
#[derive(Debug, Clone)]
pub struct SleapModel {
    pub(super) config: TrainingConfig,
    pub(super) network: KerasNetwork,
    /// Input and outputs as the bundle describes them; the name comes with the bundle.
    pub(super) described: NetworkConfig,
    /// Its `training_config.json`.
    config_file: PathBuf,
    /// Model file.
    pub(super) weights: PathBuf,
    pub(super) weights_sha256: String,
    pub(super) config_sha256: String,
    pub(super) keras_version: String,
    notes: Vec<String>,
}

impl SleapModel {
    /// What the model is for.
    pub fn kind(&self) -> TrainModelType {
        self.config.kind
    }

    /// The files that it was read from.
    pub fn files(&self) -> [&Path; 2] {
        [&self.config_file, &self.weights]
    }

    /// The network.
    pub fn network(&self) -> &KerasNetwork {
        &self.network
    }

    /// What is different here from SLEAP, or was left out; one sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

/// Reads a model by its folder, or by the path of its `training_config.json` or `best_model.h5`.
///
/// # Errors
/// [`Error::Data`] when files are missing or do not fit together; [`Error::BadFile`] and [`Error::Layer`] for what cannot be read.
pub fn read_sleap_model(path: &Path) -> Result<SleapModel> {
    let files = ModelFiles::find(path)?;
    let text = config_text(&files.config)?;
    let config = read_training_config(&text, &files.config)?;
    let (weights_sha256, config_sha256) = (weights_sha256(&files.weights)?, text_sha256(&text));
    let wanted = wanted_heads(config.kind);
    let mut found = Vec::new();
    let keras = KerasModel::open(&files.weights, |name| {
        // Of a stack's outputs SLEAP takes the first.
        let head = wanted.iter().find(|head| name.contains(head.layer) && !found.contains(&head.layer));
        found.extend(head.map(|head| head.layer));
        head.is_some()
    })?;
    if let Some(missing) = wanted.iter().find(|head| !found.contains(&head.layer)) {
        let what = format!(
            "no output is called {}, as {} needs; there is {}",
            missing.layer,
            words(config.kind),
            listed(keras.all_outputs())
        );
        return Err(Error::bad_file(&files.weights, "model_config", what));
    }
    let facts = [
        ("producer".to_string(), concat!("dormouse ", env!("CARGO_PKG_VERSION")).to_string()),
        ("imported_from".into(), format!("SLEAP {}, Keras {}", config.sleap_version, keras.keras_version())),
        ("weights_sha256".into(), weights_sha256.clone()),
        ("input_range".into(), "0..1".into()),
    ];
    let network = keras.to_onnx(&facts)?;
    let mut notes = config.notes.clone();
    notes.extend(left_out(&keras, &network));
    let described = described(&config, &network, &files.weights, &mut notes)?;
    let keras_version = keras.keras_version().to_owned();
    let (config_file, weights) = (files.config, files.weights);
    Ok(SleapModel { config, network, described, config_file, weights, weights_sha256, config_sha256, keras_version, notes })
}

/// Outputs that nobody decodes.
fn left_out(keras: &KerasModel, network: &KerasNetwork) -> Vec<String> {
    let others = keras.all_outputs().iter().filter(|name| network.outputs.iter().all(|output| output.name != **name));
    others
        .map(|name| match name.contains("OffsetRefinementHead") {
            true => format!("{name} is left out: peaks are refined by their neighbourhood, not by learned offsets"),
            false => format!("{name} is left out: nothing reads it"),
        })
        .collect()
}

/// Input and outputs of the network in the bundle's words.
fn described(config: &TrainingConfig, network: &KerasNetwork, path: &Path, notes: &mut Vec<String>) -> Result<NetworkConfig> {
    let fault = |what: String| Error::bad_file(path, "network", what);
    if let Some(channels) = config.channels.filter(|channels| *channels != network.channels) {
        notes.push(format!("the configuration says {channels} channels, the network takes {}, which counts", network.channels));
    }
    // What the network needs and what SLEAP padded to, whichever is coarser.
    let pad = config.pad_to_stride_px;
    let pad_to_stride_px = if pad.is_multiple_of(network.max_stride_px) { pad } else { network.max_stride_px };
    let preprocess = PreprocessConfig {
        color: if network.channels == 1 { InputColor::Gray } else { InputColor::Rgb },
        input_scale: config.input_scale,
        resize: ResizeFilter::Bilinear,
        pad_to_stride_px: pad_to_stride_px as u32,
    };
    let mut heads = Vec::new();
    for (wanted, (_, said_px)) in wanted_heads(config.kind).iter().zip(&config.strides_px) {
        let output = network.outputs.iter().find(|output| output.name.contains(wanted.layer));
        let output = output.ok_or_else(|| fault(format!("{} has become part of another layer", wanted.layer)))?;
        let expected = expected_channels(config, wanted.kind);
        if output.channels != expected {
            let what = format!("{} has {} channels; the configuration asks for {expected}", output.name, output.channels);
            return Err(fault(what));
        }
        let is_vector = wanted.kind == HeadKind::ClassVectors;
        let stride_px = match output.stride_px {
            None if is_vector => network.max_stride_px,
            Some(stride) if !is_vector => stride,
            _ => return Err(fault(format!("{} is a map where a vector is expected, or the other way round", output.name))),
        };
        if let Some(said) = said_px.filter(|said| *said != stride_px && !is_vector) {
            notes.push(format!("{} has a stride of {stride_px} px; the configuration says {said}", output.name));
        }
        heads.push(HeadConfig { kind: wanted.kind, output: output.name.clone(), stride_px: stride_px as u32 });
    }
    Ok(NetworkConfig { name: String::new(), preprocess, heads })
}

fn expected_channels(config: &TrainingConfig, kind: HeadKind) -> usize {
    match kind {
        HeadKind::ConfidenceMaps => config.skeleton.nodes.len(),
        HeadKind::PartAffinityFields => 2 * config.skeleton.edges.len(),
        HeadKind::Centroids => 1,
        HeadKind::ClassMaps | HeadKind::ClassVectors => config.classes.len(),
    }
}
