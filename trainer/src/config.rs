//! The training configuration: a TOML file, one struct per stage, all faults reported together.

mod all_keys;
mod commented;
mod crop_padding;
mod data;
mod hash;
mod heads;
mod identity;
mod inference;
mod model;
mod overrides;
mod preprocess;
mod stage;
mod top_down;
mod train;
mod validate;

pub use all_keys::ALL_KEYS;
pub use commented::commented_toml;
pub use crop_padding::CropPadding;
pub use data::{DataConfig, SynthConfig};
pub use heads::HeadPlan;
pub use identity::{ClassMapConfig, ClassVectorConfig, IdentitySection};
pub use inference::InferenceConfig;
pub use model::{BackboneChoice, CompactSection, ConfmapConfig, ModelConfig, PafConfig, TrainModelType};
pub use preprocess::{ColorChoice, PreprocessSection, ResizeChoice};
pub use stage::Stage;
pub use top_down::TopDownSection;
pub use train::TrainSection;

use crate::augment::AugmentConfig;
use crate::error::{Error, Result};
use overrides::apply_overrides;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A whole training run. Every section and field may be left out; the defaults are SLEAP's where SLEAP has the field.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// Model name, for people; empty: the run folder's name. Default empty.
    pub name: String,
    /// Where samples come from.
    pub data: DataConfig,
    /// Frame to network input.
    pub preprocess: PreprocessSection,
    /// The network and its targets.
    pub model: ModelConfig,
    /// Random changes of the training samples.
    pub augment: AugmentConfig,
    /// The optimisation.
    pub train: TrainSection,
    /// What the bundle tells the runtime about finding poses.
    pub inference: InferenceConfig,
    /// Centroids and crops, for models with a centroid network.
    pub top_down: TopDownSection,
    /// Known individuals, for models that tell them apart.
    pub identity: IdentitySection,
    /// Settings of the centroid network alone: `preprocess`, `model`, `augment` and `train`, each with the keys that differ from
    /// the common ones.
    #[serde(skip_serializing_if = "toml::Table::is_empty")]
    pub centroid: toml::Table,
    /// The same for the network that looks at crops.
    #[serde(skip_serializing_if = "toml::Table::is_empty")]
    pub instance: toml::Table,
}

impl TrainConfig {
    /// Reads a file, applies `key=value` overrides and checks everything.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be read, otherwise [`Error::Config`] with all faults.
    pub fn load(path: &Path, overrides: &[String]) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::io("read", path, e))?;
        Self::parse(&text, overrides)
    }

    /// The same from text.
    ///
    /// # Errors
    /// [`Error::Config`] with all faults.
    pub fn parse(text: &str, overrides: &[String]) -> Result<Self> {
        let (mut faults, mut table) = (Vec::new(), toml::Table::new());
        match text.parse() {
            Ok(read) => table = read,
            Err(fault) => faults.push(toml::de::Error::to_string(&fault)),
        }
        // A file that is no TOML has no values to complain about.
        let readable = faults.is_empty();
        faults.extend(apply_overrides(&mut table, overrides));
        let config = validate::sections(table, &mut faults);
        if readable {
            validate::add_news(&mut faults, config.faults());
        }
        if faults.is_empty() { Ok(config) } else { Err(Error::Config(faults)) }
    }

    /// The resolved configuration as TOML, defaults included; saved beside the checkpoints.
    ///
    /// # Errors
    /// [`Error::Config`] when a value cannot be written as TOML (a number above 2^63).
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string_pretty(self).map_err(|e| Error::Config(vec![e.to_string()]))
    }

    /// SHA-256 of the resolved configuration, hexadecimal. Order of fields and left-out defaults do not change it.
    ///
    /// # Errors
    /// As [`Self::to_toml`].
    pub fn hash(&self) -> Result<String> {
        hash::of(self)
    }
}

#[cfg(test)]
mod tests;
