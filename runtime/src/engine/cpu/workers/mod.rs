//! Threads that work on the tasks of one step together, and sleep between runs.

mod crew;
#[cfg(feature = "std")]
mod gate;
#[cfg(feature = "std")]
mod pool;
#[cfg(feature = "std")]
mod shares;

pub(super) use crew::Workers;
