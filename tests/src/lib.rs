//! What crosses crates: readers of reference files, named tolerances, and the tests themselves under `tests/`.

pub mod golden;
pub mod npy;
pub mod tolerance;
