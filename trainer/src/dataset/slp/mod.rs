//! SLEAP's labels files (`.slp`, `.pkg.slp`) and skeleton files.

mod assemble;
pub(crate) mod embedded;
mod encode;
pub(crate) mod file;
mod json;
#[cfg(test)]
mod odd_images_tests;
mod read;
mod search;
mod skeleton;
mod tables;
#[cfg(test)]
mod test_support;
mod videos;
mod vlen;
mod write;

pub use read::read_labels;
pub use search::VideoSearch;
pub use skeleton::read_skeleton_json;
pub use write::write_labels;
