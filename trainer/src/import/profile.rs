//! SLEAP's `training_config.json` and profile files (reference sleap-training.md, section 2.1).

use super::fields::Fields;
use super::remarks::{CLASSIC_REASONS, remarks};
use super::sleap_nn::import_nn;
use super::{augmentation, heads, optimization};
use crate::config::{ColorChoice, TrainConfig, commented_toml};
use crate::error::{Error, Result};
use std::path::Path;

/// A configuration from a profile.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// What was taken over; what the profile lacks has SLEAP's default.
    pub config: TrainConfig,
    /// What was not taken over or only in part, and why; one sentence each.
    pub notes: Vec<String>,
}

impl Imported {
    /// The configuration as a commented file; `from` names the profile.
    ///
    /// # Errors
    /// As [`commented_toml`].
    pub fn to_toml(&self, from: &str) -> Result<String> {
        let mut header = format!("From SLEAP's profile {from}.");
        if !self.notes.is_empty() {
            header.push_str("\nNot taken over, or not as it was:");
            self.notes.iter().for_each(|note| header.push_str(&format!("\n- {note}")));
        }
        commented_toml(&self.config, &header, &[])
    }
}

/// Reads a profile file: YAML by its ending means SLEAP-NN's format, everything else classic SLEAP's JSON.
///
/// # Errors
/// [`Error::Io`] and [`Error::BadFile`] when it is no profile, [`Error::Data`] for a kind of model that is not there,
/// [`Error::Config`] when its values are out of range.
pub fn read_profile(path: &Path) -> Result<Imported> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::io("read", path, e))?;
    import_profile(&text, path)
}

/// The same from text; `path` is named in messages. Training labels are those of the profile, if it names any: the
/// configuration is otherwise complete.
///
/// # Errors
/// As [`read_profile`].
pub fn import_profile(text: &str, path: &Path) -> Result<Imported> {
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("yaml") || e.eq_ignore_ascii_case("yml")) {
        return import_nn(text, path);
    }
    let fields = Fields::parse(text, path)?;
    if fields.peek("model.heads").is_none() || fields.peek("model.backbone").is_none() {
        let what = "there is no `model.heads` and `model.backbone`: this is no classic SLEAP profile or training_config.json (files of SLEAP-NN end in .yaml)";
        return Err(Error::bad_file(path, "profile", what));
    }
    let mut found = Imported { config: TrainConfig::default(), notes: Vec::new() };
    data(&fields, &mut found);
    heads::model_type_and_heads(&fields, "model.heads", &heads::CLASSIC_HEADS, &mut found)?;
    heads::crops(&fields, &mut found);
    heads::backbone(&fields, &mut found);
    augmentation::augmentation(&fields, &mut found);
    optimization::optimization(&fields, &mut found);
    found.notes.extend(fields.odd());
    found.notes.extend(remarks(&fields.left(), &CLASSIC_REASONS));
    checked(found)
}

/// The configuration, if all of its values are in range.
///
/// # Errors
/// [`Error::Config`] otherwise.
pub(super) fn checked(found: Imported) -> Result<Imported> {
    // Labels may come later; everything else must be right now.
    let mut complete = found.config.clone();
    if complete.data.train.is_empty() {
        complete.data.train.push("labels.slp".into());
    }
    let faults = complete.faults();
    if faults.is_empty() { Ok(found) } else { Err(Error::Config(faults)) }
}

fn data(fields: &Fields, found: &mut Imported) {
    let config = &mut found.config;
    config.data.train.extend(fields.text("data.labels.training_labels").map(String::from));
    config.data.val.extend(fields.text("data.labels.validation_labels").map(String::from));
    config.data.test.extend(fields.text("data.labels.test_labels").map(String::from));
    if let Some(fraction) = fields.number("data.labels.validation_fraction") {
        config.data.validation_fraction = fraction;
    }
    let name = ["outputs.run_name_prefix", "outputs.run_name", "outputs.run_name_suffix"]
        .map(|key| fields.text(key).unwrap_or_default());
    config.name = fields.text("name").map_or_else(|| name.concat(), String::from);
    if let Some(scale) = fields.number("data.preprocessing.input_scaling") {
        config.preprocess.input_scale = scale as f32;
    }
    let (rgb, gray) = (fields.flag("data.preprocessing.ensure_rgb"), fields.flag("data.preprocessing.ensure_grayscale"));
    config.preprocess.color = if rgb && !gray { ColorChoice::Rgb } else { ColorChoice::Gray };
    if !rgb && !gray {
        let what = "preprocess.color is gray: SLEAP takes the channels of the videos, which the profile does not know; set rgb for colour";
        found.notes.push(what.into());
    }
}

#[cfg(test)]
#[path = "profile_tests.rs"]
mod tests;
