//! All faults at once: every section is read on its own, so that a mistake in one does not hide those in the others.

use super::TrainConfig;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

/// Reads the sections; a section at fault keeps its defaults and adds to `faults`.
pub(super) fn sections(mut table: Table, faults: &mut Vec<String>) -> TrainConfig {
    let config = TrainConfig {
        name: section(&mut table, "name", faults),
        data: section(&mut table, "data", faults),
        preprocess: section(&mut table, "preprocess", faults),
        model: section(&mut table, "model", faults),
        augment: section(&mut table, "augment", faults),
        train: section(&mut table, "train", faults),
        inference: section(&mut table, "inference", faults),
        top_down: section(&mut table, "top_down", faults),
        identity: section(&mut table, "identity", faults),
        centroid: section(&mut table, "centroid", faults),
        instance: section(&mut table, "instance", faults),
    };
    for key in table.keys() {
        let known = "name, data, preprocess, model, augment, train, inference, top_down, identity, centroid, instance";
        faults.push(format!("`{key}` is not a section; there are {known}"));
    }
    config
}

/// Reads one section. When that fails, each of its fields is tried alone, and so are the fields of tables in it, so that every wrong
/// one is named.
fn section<T: DeserializeOwned + Default>(table: &mut Table, name: &str, faults: &mut Vec<String>) -> T {
    let Some(value) = table.remove(name) else { return T::default() };
    let whole_fault = match value.clone().try_into::<T>() {
        Ok(section) => return section,
        Err(fault) => fault,
    };
    let before = faults.len();
    let mut good = Table::new();
    if let Value::Table(fields) = value {
        good = sound_part(name, fields, &|fields| Value::Table(fields).try_into::<T>().map(drop), faults);
    }
    if faults.len() == before {
        faults.push(format!("{name}: {}", one_line(&whole_fault)));
    }
    Value::Table(good).try_into().unwrap_or_default()
}

/// The fields that `read` accepts, each alone. Of a table that it refuses the same is asked of its fields; what is wrong goes to
/// `faults` with its path.
fn sound_part(path: &str, fields: Table, read: Reads<'_>, faults: &mut Vec<String>) -> Table {
    let mut good = Table::new();
    for (key, field) in fields {
        let inner = format!("{path}.{key}");
        let fault = match read(Table::from_iter([(key.clone(), field.clone())])) {
            Ok(()) => {
                good.insert(key, field);
                continue;
            }
            Err(fault) => fault,
        };
        let before = faults.len();
        if let Value::Table(fields) = field {
            let within = |fields: Table| read(Table::from_iter([(key.clone(), Value::Table(fields))]));
            let sound = sound_part(&inner, fields, &within, faults);
            if within(sound.clone()).is_ok() {
                good.insert(key.clone(), Value::Table(sound));
            }
        }
        // The table itself is wrong, not one of its fields.
        if faults.len() == before {
            faults.push(format!("{inner}: {}", one_line(&fault)));
        }
    }
    good
}

/// Tries to read a section with these fields alone.
type Reads<'a> = &'a dyn Fn(Table) -> Result<(), toml::de::Error>;

fn one_line(fault: &toml::de::Error) -> String {
    fault.message().replace('\n', " ")
}

impl TrainConfig {
    /// All faults of the values, as sentences that start with the field's key.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        self.own_faults(&mut faults);
        self.stage_faults(&mut faults);
        faults
    }

    /// The same without the tables of single networks.
    pub(super) fn own_faults(&self, faults: &mut Vec<String>) {
        self.data.faults(faults);
        self.preprocess.faults(faults);
        self.model.faults(faults);
        faults.extend(self.augment.faults());
        self.train.faults(faults);
        self.inference.faults(faults);
        self.top_down.faults(faults);
        self.identity.faults(&self.model, faults);
    }
}
