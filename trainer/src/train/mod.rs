//! The training loop. It emits events and draws nothing; renderers show them.

pub mod adam;
pub mod checkpoint;
pub mod events;
pub mod gradients;
pub mod loader;
pub mod log;
pub mod loop_;
pub mod progress;
pub mod schedule;
pub mod spec;
pub mod stop;
pub mod validate;

pub use checkpoint::{Checkpoint, Progress, load_weights};
pub use events::{Event, EventSink, Fanout, StopReason};
pub use loop_::{TrainSummary, train};
pub use spec::{EarlyStopping, HeadTraining, Plateau, Schedule, TrainSpec};
