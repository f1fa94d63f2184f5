//! Networks that Keras 2 saved (HDF5), as ONNX.

mod activation;
mod convert;
mod file;
mod graph;
mod layer;
mod listed;
mod maps;
mod model;
mod nodes;
mod settings;
mod weights;

pub use model::{KerasModel, KerasNetwork, KerasOutput};
