//! From the graph to a program.

mod conv;
mod others;
mod table;
mod walk;

pub(super) use conv::pools_itself;
pub use table::kernel_table;
pub(super) use walk::{lower, lower_to_maps};
