//! From the graph to steps: each node gets a method, places in the arena and packed weights.

mod conv;
mod lowering;
mod others;
mod places;
mod separable;

pub(super) use lowering::lower;
