//! What the network should answer: confidence maps and part affinity fields, in SLEAP's definition.

mod confidence;
mod grid;
mod paf;

pub use confidence::confidence_maps;
pub use grid::TargetGrid;
pub use paf::part_affinity_fields;
