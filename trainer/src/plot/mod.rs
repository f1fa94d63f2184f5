//! Charts of a training run.

mod chart;
mod files;
mod log;
mod metrics;
mod nodes;

pub use chart::{Axes, Series, line_chart};
pub use files::write_plots;
pub use log::TrainingLog;
pub use metrics::{NodeError, SplitMetrics};
pub use nodes::node_chart;
