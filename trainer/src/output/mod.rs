//! Poses as files for other programs.

mod atomic;
mod csv;
mod json;

pub use atomic::{check_place, write_atomically};
pub use csv::write_csv;
pub use json::{TrackMeaning, write_json};
