//! The HDF5 file of a Keras model: the attribute `model_config` and the group `model_weights`.

use super::listed::WeightGroup;
use crate::dataset::slp::file::Hdf5File;
use crate::error::Result;
use hdf5_pure::{AttrValue, Datatype};
use std::cell::Cell;
use std::collections::HashMap;
use std::path::Path;

/// Most numbers of all weights together (1 GiB), against files that claim more than they are worth.
const MAX_NUMBERS: usize = 1 << 28;
/// What to do where the format is another one.
const ADVICE: &str = "classic SLEAP's best_model.h5 is expected (a whole model, saved by Keras 2)";

/// An open file.
pub(super) struct KerasFile {
    file: Hdf5File,
    /// The attribute `model_config`.
    pub model_config: String,
    /// Keras that saved it.
    pub keras_version: String,
    /// Numbers that may still be read.
    budget: Cell<usize>,
}

impl KerasFile {
    /// Opens a file and checks that it holds a model of Keras 2 with its weights.
    ///
    /// # Errors
    /// [`crate::Error::Io`] and [`crate::Error::BadFile`].
    pub fn open(path: &Path) -> Result<Self> {
        let file = Hdf5File::open(path)?;
        let attributes = file.group_attributes("/")?;
        let text = |key: &str| attributes.get(key).and_then(AttrValue::as_str).map(str::to_owned);
        let Some(model_config) = text("model_config") else {
            let what = if attributes.contains_key("layer_names") {
                "it holds weights without a network"
            } else {
                "it is no Keras model"
            };
            return Err(file.bad("attribute model_config", format!("there is none, so {what}: {ADVICE}")));
        };
        let keras_version = text("keras_version").unwrap_or_else(|| "unknown".into());
        if !keras_version.starts_with("2.") {
            return Err(file.bad("attribute keras_version", format!("it is {keras_version}: {ADVICE}")));
        }
        if file.group("model_weights")?.is_none() {
            return Err(file.bad("model_weights", format!("there is no such group: {ADVICE}")));
        }
        Ok(Self { file, model_config, keras_version, budget: Cell::new(MAX_NUMBERS) })
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Numbers that were read so far.
    pub fn numbers_read(&self) -> usize {
        MAX_NUMBERS - self.budget.get()
    }

    /// Where a layer's weights lie, by their own names (`kernel`, `bias`, `gamma`, ...).
    ///
    /// # Errors
    /// [`crate::Error::BadFile`] when the group's list of names cannot be read.
    pub fn weight_places(&self, weights: &WeightGroup) -> Result<HashMap<String, String>> {
        let group = format!("model_weights/{}", weights.group);
        let attributes = self.file.group_attributes(&group)?;
        // Keras cuts lists of more than 64 kB into pieces; an empty list is stored as numbers.
        let whole = attributes.get("weight_names").into_iter();
        let pieces = (0..).map_while(|piece| attributes.get(&format!("weight_names{piece}")));
        let names: Vec<&String> = whole.chain(pieces).flat_map(|value| value.as_strings().unwrap_or_default()).collect();
        // `layer/kernel:0`: the last part without the number of the output; a layer's name may have slashes of its own.
        let own = |name: &&String| {
            let (layer, last) = name.rsplit_once('/').unwrap_or(("", name.as_str()));
            let is_its = weights.layer.as_ref().is_none_or(|own| own == layer);
            is_its.then(|| (last.split(':').next().unwrap_or(last).to_owned(), format!("{group}/{name}")))
        };
        Ok(names.iter().filter_map(own).collect())
    }

    /// Numbers of the dataset at `place`, which must have these sides.
    ///
    /// # Errors
    /// [`crate::Error::BadFile`] when it is missing, of another shape or not of 32-bit floats.
    pub fn floats(&self, place: &str, sides: &[usize]) -> Result<Vec<f32>> {
        let dataset = self.file.dataset(place)?.ok_or_else(|| self.file.bad(place, "there is no such dataset"))?;
        let (shape, datatype) = self.file.describe(place, &dataset)?;
        if !shape.iter().copied().eq(sides.iter().map(|&side| side as u64)) {
            return Err(self.file.bad(place, format!("its shape is {shape:?}; the layer's settings ask for {sides:?}")));
        }
        if !matches!(datatype, Datatype::FloatingPoint { size: 4, .. }) {
            return Err(self.file.bad(place, "its numbers are not 32-bit floats"));
        }
        let count = sides.iter().try_fold(1usize, |all, &side| all.checked_mul(side));
        let Some(rest) = count.and_then(|count| self.budget.get().checked_sub(count)) else {
            return Err(self.file.bad(place, format!("all weights together are more than {MAX_NUMBERS} numbers")));
        };
        self.budget.set(rest);
        let numbers = dataset.read_f32().map_err(|e| self.file.bad(place, e))?;
        if count != Some(numbers.len()) {
            return Err(self.file.bad(place, format!("{} numbers do not fill {sides:?}", numbers.len())));
        }
        Ok(numbers)
    }
}
