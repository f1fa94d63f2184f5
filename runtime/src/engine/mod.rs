//! Running a network. Which engine runs it is a value, chosen once at preparation.

mod backend;
pub mod cpu;
mod frames;
mod network;
#[cfg(feature = "tract")]
mod tract;
#[cfg(feature = "wgpu")]
pub mod wgpu;

pub use backend::Backend;
pub use frames::{DecodePlan, Find, Found, FrameEngine, FrameStage, LinePlan, PeakLists, PeakPlan, ScorePlan};
pub use network::{Engine, EngineOptions, MAX_THREADS, Network, OutputSpec, load_network};
