//! Two profiles, one for centroids and one for crops, as one configuration.

use super::heads::NO_CENTROID;
use super::profile::Imported;
use crate::config::{TrainConfig, TrainModelType};
use crate::error::{Error, Result};
use toml::{Table, Value};

/// Sections that each network has its own of.
const OWN: [&str; 4] = ["preprocess", "model", "augment", "train"];
/// Keys that hold for the run as a whole.
const SHARED: [(&str, &str); 3] = [("model", "type"), ("train", "device"), ("train", "seed")];

/// Puts the settings of a centroid model into the `[centroid]` table of a top-down one: those that differ from the common ones.
///
/// # Errors
/// [`Error::Data`] when the first has no crops or the second is no centroid model; [`Error::Config`] when both together have
/// faults.
pub fn with_centroid(mut instance: Imported, centroid: Imported) -> Result<Imported> {
    let kinds = (instance.config.model.model_type, centroid.config.model.model_type);
    if !matches!(kinds, (TrainModelType::TopDown | TrainModelType::TopDownId, TrainModelType::Centroid)) {
        let (first, second) = (kinds.0.name(), kinds.1.name());
        return Err(Error::Data(format!(
            "a profile of centered instances and one of centroids make a top-down model; these are {first} and {second}"
        )));
    }
    let table = |config: &TrainConfig| Table::try_from(config).map_err(|e| Error::Config(vec![e.to_string()]));
    let (common, mut own) = (table(&instance.config)?, table(&centroid.config)?);
    own.retain(|section, _| OWN.contains(&section));
    for (section, key) in SHARED {
        own.get_mut(section).and_then(Value::as_table_mut).and_then(|table| table.remove(key));
    }
    instance.config.centroid = difference(&own, &common);
    instance.notes.retain(|note| note != NO_CENTROID);
    let new = centroid.notes.into_iter().filter(|note| !instance.notes.contains(note)).collect::<Vec<_>>();
    instance.notes.extend(new.into_iter().map(|note| format!("centroid network: {note}")));
    let mut complete = instance.config.clone();
    complete.data.train.push("labels.slp".into());
    let faults = complete.faults();
    if faults.is_empty() { Ok(instance) } else { Err(Error::Config(faults)) }
}

/// The entries of `own` that `common` has not, or has otherwise.
fn difference(own: &Table, common: &Table) -> Table {
    let mut rest = Table::new();
    for (key, value) in own {
        match (value, common.get(key)) {
            (Value::Table(own), Some(Value::Table(common))) => {
                let inner = difference(own, common);
                if !inner.is_empty() {
                    rest.insert(key.clone(), Value::Table(inner));
                }
            }
            (value, other) if other != Some(value) => {
                rest.insert(key.clone(), value.clone());
            }
            _ => {}
        }
    }
    rest
}
