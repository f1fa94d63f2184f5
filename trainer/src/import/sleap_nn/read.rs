//! A whole file.

use super::super::fields::Fields;
use super::super::profile::{Imported, checked};
use super::super::remarks::remarks;
use super::reasons::REASONS;
use super::{augmentation, data, model, trainer};
use crate::config::TrainConfig;
use crate::error::{Error, Result};
use std::path::Path;

/// Reads SLEAP-NN's `training_config.yaml` or a configuration for `sleap-nn train`; what it lacks has SLEAP-NN's default.
///
/// # Errors
/// [`Error::BadFile`] when it is no such file, [`Error::Data`] for a kind of model that is not there, [`Error::Config`] when its
/// values are out of range.
pub(in super::super) fn import_nn(text: &str, path: &Path) -> Result<Imported> {
    let fields = Fields::parse_yaml(text, path)?;
    if fields.peek("model_config.head_configs").is_none() {
        let what = "there is no `model_config.head_configs`: this is no configuration of SLEAP-NN";
        return Err(Error::bad_file(path, "profile", what));
    }
    let mut found = Imported { config: TrainConfig::default(), notes: Vec::new() };
    model::heads(&fields, &mut found)?;
    model::backbone(&fields, &mut found);
    data::data(&fields, &mut found);
    augmentation::augmentation(&fields, &mut found);
    trainer::trainer(&fields, &mut found);
    found.notes.extend(fields.odd());
    found.notes.extend(remarks(&fields.left(), &REASONS));
    checked(found)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
