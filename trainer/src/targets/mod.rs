//! What the network should answer: confidence maps, centroids, part affinity fields and classes, in SLEAP's definition.

mod centroid;
mod class_maps;
mod class_vector;
mod confidence;
mod grid;
mod paf;

pub use centroid::{centroid, centroids};
pub use class_maps::class_maps;
pub use class_vector::class_vector;
pub use confidence::confidence_maps;
pub use grid::TargetGrid;
pub use paf::part_affinity_fields;
