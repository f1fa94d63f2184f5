//! `--set key=value`.

use toml::{Table, Value};

/// Sets dotted keys to TOML values: `train.epochs=5`, `model.pafs.sigma=12.5`, `data.train=["a.slp"]`. A value that is no TOML is
/// taken as text, so that `train.device=cuda` needs no quotes.
///
/// Gives one fault per override that cannot be applied.
pub(super) fn apply_overrides(table: &mut Table, overrides: &[String]) -> Vec<String> {
    overrides.iter().filter_map(|o| apply(table, o).err()).collect()
}

fn apply(table: &mut Table, text: &str) -> Result<(), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("--set {text}: `key=value` is expected"))?;
    let (key, value) = (key.trim(), value.trim());
    let mut parts: Vec<&str> = key.split('.').map(str::trim).collect();
    let last = parts.pop().filter(|p| !p.is_empty());
    let (Some(last), false) = (last, parts.iter().any(|p| p.is_empty())) else {
        return Err(format!("--set {text}: `{key}` is not a key"));
    };
    let mut at = table;
    for part in parts {
        let next = at.entry(part).or_insert_with(|| Value::Table(Table::new()));
        at = next.as_table_mut().ok_or_else(|| format!("--set {text}: `{part}` is not a section"))?;
    }
    at.insert(last.into(), parse(value));
    Ok(())
}

fn parse(text: &str) -> Value {
    // A line break could smuggle in more keys; such a text is no value.
    let document: Option<Table> = if text.contains('\n') { None } else { format!("v = {text}").parse().ok() };
    document.and_then(|mut t| t.remove("v")).unwrap_or_else(|| Value::String(text.into()))
}
