//! Models that classic SLEAP trained: a folder with `training_config.json` and `best_model.h5`.

mod bounded;
mod build;
mod card;
mod check;
mod combine;
mod folder;
mod heads;
mod read;
mod training_config;

pub use build::{ImportedBundle, build_imported};
pub use combine::combine;
pub use read::{SleapModel, read_sleap_model};
