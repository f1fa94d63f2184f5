//! SLEAP-NN's YAML files (reference sleap-training.md, section 2.3).

mod augmentation;
mod data;
mod model;
mod read;
mod reasons;
mod trainer;

pub(super) use read::import_nn;
