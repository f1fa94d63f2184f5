//! Settings of other programs.

mod augmentation;
mod fields;
mod heads;
pub mod keras;
mod optimization;
mod presets;
mod profile;
mod remarks;
pub mod sleap_model;
mod sleap_nn;
mod two_networks;

pub use heads::NO_CENTROID;
pub use presets::{PRESETS, Preset, preset};
pub use profile::{Imported, import_profile, read_profile};
pub use two_networks::with_centroid;
