//! All faults at once: every section is read on its own, so that a mistake in one does not hide those in the others.

use super::TrainConfig;
use super::all_keys::misfit;
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
    faults.extend(table.iter().map(|(key, value)| misfit(key, value)));
    config
}

/// Reads one section. When that fails, each of its fields is tried alone, and so are the fields of tables in it, so that every wrong
/// one is named.
fn section<T: DeserializeOwned + Default>(table: &mut Table, name: &str, faults: &mut Vec<String>) -> T {
    let Some(value) = table.remove(name) else { return T::default() };
    if let Ok(section) = value.clone().try_into::<T>() {
        return section;
    }
    let before = faults.len();
    let mut good = Table::new();
    let read = |fields: Table| Value::Table(fields).try_into::<T>().is_ok();
    // The fields of a section that is no table are not looked at.
    if let Some(fields) = value.as_table().filter(|_| read(Table::new())) {
        good = sound_part(name, fields.clone(), &read, faults);
    }
    if faults.len() == before {
        faults.push(misfit(name, &value));
    }
    Value::Table(good).try_into().unwrap_or_default()
}

/// The fields that `read` accepts, each alone. Of a table that it refuses the same is asked of its fields; what is wrong goes to
/// `faults` with its path.
fn sound_part(path: &str, fields: Table, read: Reads<'_>, faults: &mut Vec<String>) -> Table {
    let mut good = Table::new();
    for (key, field) in fields {
        let inner = format!("{path}.{key}");
        if read(Table::from_iter([(key.clone(), field.clone())])) {
            good.insert(key, field);
            continue;
        }
        let within = |fields: Table| read(Table::from_iter([(key.clone(), Value::Table(fields))]));
        let before = faults.len();
        // The fields of a table that is none are not looked at.
        if let Some(fields) = field.as_table().filter(|_| within(Table::new())) {
            let sound = sound_part(&inner, fields.clone(), &within, faults);
            if within(sound.clone()) {
                good.insert(key.clone(), Value::Table(sound));
            }
        }
        // The table itself is wrong, not one of its fields.
        if faults.len() == before {
            faults.push(misfit(&inner, &field));
        }
    }
    good
}

/// Whether a section with these fields alone can be read.
type Reads<'a> = &'a dyn Fn(Table) -> bool;

/// Adds the faults of keys that have none yet: a value that could not be read was replaced by its default, about which there is
/// nothing to say.
pub(super) fn add_news(faults: &mut Vec<String>, found: Vec<String>) {
    let key = |fault: &String| fault.split(' ').next().unwrap_or_default().to_owned();
    let known: Vec<String> = faults.iter().map(key).collect();
    faults.extend(found.into_iter().filter(|fault| !known.contains(&key(fault))));
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
