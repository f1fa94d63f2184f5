//! Running a bundle over videos, images and labels files, offline, with the very runtime that ships.

mod engine;
mod frame_list;
mod input;
mod run;
mod timing;

pub use engine::cpu_backend;
pub use frame_list::FrameList;
pub use input::{FrameReader, PredictInput};
pub use run::{Predictor, class_names};
pub use timing::{Latency, StageTimes};
