//! Drawn scenes with articulated animals whose parts are known exactly: for trying out, for benchmarks and for tests.

mod animal;
mod camera;
mod canvas;
mod config;
mod egg;
mod floor;
mod fly;
mod geom;
mod marks;
mod mouse;
mod place;
mod scenes;
mod shape;
#[cfg(test)]
mod tests;
mod texture;
mod tube;

pub use config::{Species, SynthConfig};
pub use scenes::SynthScenes;
