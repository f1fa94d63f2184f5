//! One file that holds a whole model: `*.dorm`.
//!
//! Little-endian. A 64-byte header, a table of 64-byte entries, then the sections, each starting at a multiple of 64 bytes
//! so that the file can be mapped, placed in flash, or embedded with `include_bytes!`.

mod bytes;
mod checksum;
mod layout;
mod read;
mod selftest;
mod write;

pub use bytes::NetworkBytes;
pub use checksum::crc32c;
pub use layout::{ALIGNMENT, FORMAT_MAJOR, FORMAT_MINOR, MAGIC, MAX_SECTIONS};
pub use read::{Bundle, SectionInfo};
pub use selftest::{ExpectedInstance, SelfTest};
pub use write::BundleWriter;
