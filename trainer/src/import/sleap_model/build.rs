//! A bundle of imported models.

use super::card::card;
use super::check::check_engines;
use super::combine::combine;
use super::read::SleapModel;
use crate::dataset::Image;
use crate::error::Result;
use crate::session::{check_sizes, finish_bundle};
use dormouse::Config;
use dormouse::bundle::BundleWriter;
use dormouse::config::INSTANCE_NETWORK;

/// A bundle and what was found out while building it.
#[derive(Debug, Clone)]
pub struct ImportedBundle {
    /// The file.
    pub bytes: Vec<u8>,
    /// What it says about itself.
    pub config: Config,
    /// Largest difference between engine `cpu` and tract on the networks, over two input sizes.
    pub engine_difference: f32,
    /// Whether a self-test frame is inside.
    pub has_self_test: bool,
    /// What does not fit exactly, beside the notes of the models.
    pub notes: Vec<String>,
}

/// Compares the engines on each network, and puts networks, configuration, self-test and card together. The self-test is the one of `frames`
/// whose weakest keypoint is the surest; there is none without an animal in them.
///
/// # Errors
/// As [`combine`]; [`crate::Error::Export`] when the engines differ; anything the runtime says about the bundle.
pub fn build_imported(first: &SleapModel, second: Option<&SleapModel>, name: &str, frames: &[Image]) -> Result<ImportedBundle> {
    let (config, models, notes) = combine(first, second, name)?;
    let crop_side = config.top_down.as_ref().map_or(0, |top_down| top_down.crop_size_px as usize);
    let mut draft = BundleWriter::new(&config)?.card(&card(&config, &models));
    let mut engine_difference = 0.0_f32;
    for (model, described) in models.iter().zip(&config.networks) {
        let network = model.network();
        let usual = match network.sides_px {
            _ if described.name == INSTANCE_NETWORK => [crop_side; 2],
            [Some(height), Some(width)] => [height, width],
            _ => [256, 256],
        };
        let sizes = check_sizes(described.preprocess.pad_to_stride_px as usize, usual);
        engine_difference = engine_difference.max(check_engines(network, &sizes)?);
        draft = draft.network(&described.name, network.onnx.clone());
    }
    let (bytes, has_self_test) = finish_bundle(draft, frames)?;
    Ok(ImportedBundle { bytes, config, engine_difference, has_self_test, notes })
}
