//! What is otherwise in a run that goes on.

use super::run_folder::RunFolder;
use crate::config::TrainConfig;
use toml::{Table, Value};

/// Sentences on the keys that differ from those the run began with; none where it cannot be told.
pub(super) fn changes(folder: &RunFolder, config: &TrainConfig) -> Vec<String> {
    let Ok((before, _)) = folder.read() else { return Vec::new() };
    let table = |config: &TrainConfig| Table::try_from(config).unwrap_or_default();
    let mut changed = Vec::new();
    compare("", &table(&before), &table(config), &mut changed);
    let mut said: Vec<String> = changed.iter().map(|change| format!("note: since the run began, {change}")).collect();
    // Time, place and ends of a training are not part of the samples.
    if changed.iter().any(|change| change.starts_with("data.")) {
        said.push(
            "note: with other data or another split, frames that were trained on may now validate: accuracy would be flattered"
                .into(),
        );
    }
    said
}

/// Adds `KEY changed from A to B` for every value that differs.
fn compare(path: &str, before: &Table, now: &Table, changed: &mut Vec<String>) {
    let keys = before.keys().chain(now.keys().filter(|key| !before.contains_key(key.as_str())));
    for key in keys {
        let inner = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        match (before.get(key), now.get(key)) {
            (Some(Value::Table(a)), Some(Value::Table(b))) => compare(&inner, a, b, changed),
            (a, b) if a != b => {
                let shown = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), Value::to_string);
                changed.push(format!("{inner} changed from {} to {}", shown(a), shown(b)));
            }
            _ => {}
        }
    }
}
