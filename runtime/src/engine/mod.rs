//! Running a network. Which engine runs it is a value, chosen once at preparation.

mod backend;
pub mod cpu;
mod frames;
mod network;
mod pipeline_cache;
mod precision;
#[cfg(feature = "tract")]
mod tract;
#[cfg(feature = "wgpu")]
pub mod wgpu;

pub use backend::Backend;
pub use frames::{
    CropPlan, CropRoute, DecodePlan, DeviceReport, Find, Found, FoundCrops, FrameEngine, FrameStage, LinePlan, MOST_IN_FLIGHT,
    PeakLists, PeakPlan, ScorePlan,
};
pub use network::{Engine, EngineOptions, MAX_THREADS, Network, OutputSpec, load_network};
pub use pipeline_cache::PipelineCacheReport;
pub use precision::Precision;
