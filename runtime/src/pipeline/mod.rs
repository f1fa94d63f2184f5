//! From frame to poses: the one place that sees preprocess, engine and decode together.

mod crops;
mod estimator;
mod flights;
mod options;
mod preparation;
mod top_down;
mod whole_frame;

pub use estimator::Estimator;
pub use flights::Ticket;
pub use options::{OnSizeChange, Options, Stage};
