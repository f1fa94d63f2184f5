//! What a run was made with, so that it can be made again.

use crate::config::TrainConfig;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Commit of the program's sources, with `+changes` where they differed from it; `unknown` for a program built outside of a clone.
pub const GIT: &str = env!("DORMOUSE_GIT");

/// Program, machine and seeds of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MadeWith {
    /// Version of the program.
    pub dormouse: String,
    /// Commit of its sources.
    pub git: String,
    /// Versions of the crates that numbers depend on.
    pub crates: BTreeMap<String, String>,
    /// Processor architecture and operating system.
    pub machine: String,
    /// Threads of the machine.
    pub threads: usize,
    /// Where the training ran.
    pub device: String,
    /// Seed of weights, order and augmentation.
    pub seed: u64,
    /// Seed of the split into training, validation and test.
    pub split_seed: u64,
}

impl MadeWith {
    /// This program, on this machine, with the seeds of a configuration.
    pub fn now(config: &TrainConfig) -> Self {
        let crates = env!("DORMOUSE_CRATES").split_whitespace().filter_map(|pair| pair.split_once('='));
        Self {
            dormouse: env!("CARGO_PKG_VERSION").into(),
            git: GIT.into(),
            crates: crates.map(|(name, version)| (name.into(), version.into())).collect(),
            machine: format!("{} {}", std::env::consts::ARCH, std::env::consts::OS),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            device: config.train.device.clone(),
            seed: config.train.seed,
            split_seed: config.data.seed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_and_seeds_are_known() {
        let made = MadeWith::now(&TrainConfig::default());
        assert_eq!((made.seed, made.split_seed, made.device.as_str()), (1, 42, "cpu"));
        for name in ["burn", "tract-onnx"] {
            assert!(made.crates[name].starts_with("0.2"), "{made:?}");
        }
        assert!(!made.git.is_empty());
    }
}
