//! The training loop. It emits events and draws nothing; renderers show them.

pub mod accumulate;
pub mod accuracy;
pub mod checkpoint;
pub mod curve;
pub mod events;
mod exact;
pub mod gradients;
pub mod loader;
pub mod log;
pub mod loop_;
pub mod memory;
pub mod optimizer;
pub mod precision;
pub mod progress;
pub mod schedule;
pub mod silence;
pub mod spec;
pub mod stop;
pub mod validate;

pub use accuracy::{Accuracy, MeasureAccuracy, Moment};
pub use checkpoint::{Checkpoint, OptimizerState, Progress, load_weights};
pub use events::{Event, EventSink, Fanout, StopReason};
pub use loop_::{TrainSummary, Validation, train};
pub use memory::{MemoryEstimate, available_memory};
pub use optimizer::{Optimizer, OptimizerConfig, OptimizerKind};
pub use precision::Precision;
pub use spec::{EarlyStopping, HeadTraining, Plateau, Schedule, StepDecay, TrainSpec};
