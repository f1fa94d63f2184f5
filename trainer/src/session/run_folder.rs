//! Files of a run folder.

use super::made_with::MadeWith;
use crate::config::TrainConfig;
use crate::error::{Error, Result};
use crate::output::write_atomically;
use dormouse::Skeleton;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What a run must remember beside its configuration, so that it can be exported without its labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunFacts {
    /// Program and version.
    pub producer: String,
    /// Training labels, for people.
    pub labels: String,
    /// Parts and edges; one node for centroid models.
    pub skeleton: Skeleton,
    /// Known individuals, in the order of the classes; empty for models that know nobody.
    #[serde(default)]
    pub classes: Vec<String>,
    /// Side of the crops in pixels of the instance network's input; 0 for models without crops.
    #[serde(default)]
    pub crop_size_px: u32,
    /// Node that is the centre of an animal.
    #[serde(default)]
    pub anchor_part: Option<u16>,
    /// Program, machine and seeds.
    #[serde(default)]
    pub made_with: MadeWith,
}

/// A folder that holds one training run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// The folder at `path`, which need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the bundle goes.
    pub fn bundle(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.dorm"))
    }

    /// The model's name: the configured one, or the folder's.
    pub fn name(&self, config: &TrainConfig) -> String {
        let of_folder = || self.path.file_name().map(|n| n.to_string_lossy().into_owned());
        Some(config.name.clone()).filter(|n| !n.is_empty()).or_else(of_folder).unwrap_or_else(|| "model".into())
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes the configuration as it was asked for, if that is known, as it was resolved, and the facts; the folder is made if it is
    /// missing.
    ///
    /// # Errors
    /// [`Error::Io`] when the system refuses.
    pub fn write(&self, asked: Option<&str>, config: &TrainConfig, facts: &RunFacts) -> Result<()> {
        std::fs::create_dir_all(&self.path).map_err(|e| Error::io("create folder", &self.path, e))?;
        if let Some(asked) = asked {
            self.write_text("config.asked.toml", asked)?;
        }
        self.write_text("config.toml", &config.to_toml()?)?;
        self.write_json("run.json", facts)
    }

    /// Writes a value as readable JSON.
    ///
    /// # Errors
    /// [`Error::Io`] when the system refuses.
    pub fn write_json(&self, name: &str, value: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string_pretty(value).map_err(|e| Error::Data(format!("{name}: {e}")))?;
        self.write_text(name, &text)
    }

    fn write_text(&self, name: &str, text: &str) -> Result<()> {
        write_atomically(&self.file(name), |file| file.write_all(text.as_bytes()))
    }

    /// Reads configuration and facts back.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::BadFile`] when this is no run folder.
    pub fn read(&self) -> Result<(TrainConfig, RunFacts)> {
        let config = TrainConfig::load(&self.file("config.toml"), &[])?;
        let path = self.file("run.json");
        let text = std::fs::read_to_string(&path).map_err(|e| Error::io("read", &path, e))?;
        let facts: RunFacts = serde_json::from_str(&text).map_err(|e| Error::bad_file(&path, "run facts", e.to_string()))?;
        facts.skeleton.validate()?;
        Ok((config, facts))
    }
}
