//! Settings of other programs.

mod augmentation;
mod fields;
mod heads;
mod optimization;
mod presets;
mod profile;
mod remarks;

pub use presets::{PRESETS, Preset, preset};
pub use profile::{Imported, import_profile, read_profile};
