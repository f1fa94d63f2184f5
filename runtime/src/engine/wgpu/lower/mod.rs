//! From the graph to a program.

mod conv;
mod others;
mod walk;

pub(super) use conv::pools_itself;
pub(super) use walk::{lower, lower_to_maps};
