//! Identity of a configuration.

use super::TrainConfig;
use crate::error::{Error, Result};
use sha2::{Digest, Sha256};

/// SHA-256 of the configuration as TOML with sorted keys and all defaults written out.
pub(super) fn of(config: &TrainConfig) -> Result<String> {
    let fault = |e: &dyn std::fmt::Display| Error::Config(vec![e.to_string()]);
    // A `toml::Table` keeps its keys sorted (the crate is used without `preserve_order`).
    let table = toml::Table::try_from(config).map_err(|e| fault(&e))?;
    let text = toml::to_string(&table).map_err(|e| fault(&e))?;
    Ok(Sha256::digest(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect())
}
