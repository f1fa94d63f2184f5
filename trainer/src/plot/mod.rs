//! Charts of a training run.

mod accuracy;
mod chart;
mod files;
mod log;
mod metrics;
mod nodes;

pub use accuracy::accuracy_chart;
pub use chart::{Axes, Series, line_chart, stacked_charts};
pub use files::write_plots;
pub use log::TrainingLog;
pub use metrics::{NodeError, SplitMetrics};
pub use nodes::node_chart;
