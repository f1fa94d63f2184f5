//! Where each number of the bundle lies.
//!
//! Header (64 bytes):
//!
//! | bytes | content |
//! |---|---|
//! | 0..8 | magic `DORMOUSE` |
//! | 8..10, 10..12 | format major, minor |
//! | 12..16 | flags; a set bit in the upper half must be understood by the reader |
//! | 16..20 | number of sections |
//! | 24..32 | length of the whole file |
//! | 56..60 | CRC-32C of everything after the header |
//! | 60..64 | CRC-32C of header bytes 0..60 |
//!
//! Table entry (64 bytes): name (40 bytes, UTF-8, zero-padded), offset u64, length u64, CRC-32C of the section u32, zero u32.

use crate::error::{Error, Text};

/// First bytes of every bundle.
pub const MAGIC: &[u8; 8] = b"DORMOUSE";
/// Readers refuse another major version.
pub const FORMAT_MAJOR: u16 = 1;
/// Minor versions only add sections.
pub const FORMAT_MINOR: u16 = 0;
/// Sections start at multiples of this many bytes.
pub const ALIGNMENT: usize = 64;
/// More sections are refused.
pub const MAX_SECTIONS: usize = 64;

pub(super) const HEADER_LEN: usize = 64;
pub(super) const ENTRY_LEN: usize = 64;
pub(super) const NAME_LEN: usize = 40;

pub(super) const CONFIG: &str = "config";
pub(super) const TOP_DOWN: &str = "config/top_down";
pub(super) const IDENTITY: &str = "config/identity";
pub(super) const CARD: &str = "card";
pub(super) const SELFTEST: &str = "selftest";
pub(super) const SELFTEST_CLASSES: &str = "selftest/classes";
pub(super) const NETWORK_PREFIX: &str = "network/";

/// The fields of a header whose checksum is right and whose version is ours.
pub(super) struct Header {
    pub sections: usize,
    pub file_len: usize,
    pub body_crc: u32,
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    let mut raw = [0; 2];
    raw.copy_from_slice(&bytes[at..at + 2]);
    u16::from_le_bytes(raw)
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut raw = [0; 4];
    raw.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(raw)
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut raw = [0; 8];
    raw.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(raw)
}

impl Header {
    /// Reads and checks the first 64 bytes of `file`.
    pub fn read(file: &[u8]) -> Result<Self, Error> {
        if file.len() < MAGIC.len() || &file[..MAGIC.len()] != MAGIC {
            return Err(Error::NotABundle);
        }
        let truncated = |what, expected: u64| Error::Truncated { what, expected, got: file.len() as u64 };
        if file.len() < HEADER_LEN {
            return Err(truncated("header", HEADER_LEN as u64));
        }
        let (major, minor) = (u16_at(file, 8), u16_at(file, 10));
        // The version comes before the checksum: another major version may check something else.
        if major != FORMAT_MAJOR {
            return Err(Error::UnsupportedVersion { major, minor, supported: FORMAT_MAJOR });
        }
        let (expected, got) = (u32_at(file, 60), super::crc32c(&file[..60]));
        if expected != got {
            return Err(Error::Checksum { what: "header", expected, got });
        }
        if u32_at(file, 12) >> 16 != 0 {
            return Err(Error::InvalidTable("a flag is set that this runtime must understand and does not"));
        }
        let sections = u32_at(file, 16) as usize;
        if sections > MAX_SECTIONS {
            return Err(Error::InvalidTable("more than 64 sections"));
        }
        let file_len = u64_at(file, 24);
        if file_len > file.len() as u64 {
            return Err(truncated("file", file_len));
        }
        if file_len < (HEADER_LEN + sections * ENTRY_LEN) as u64 {
            return Err(Error::InvalidTable("the file is shorter than its own section table"));
        }
        Ok(Self { sections, file_len: file_len as usize, body_crc: u32_at(file, 56) })
    }
}

/// A table entry whose range lies inside the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    pub name: &'a str,
    pub start: usize,
    pub end: usize,
    pub crc: u32,
}

impl<'a> Entry<'a> {
    /// Reads entry `index` of a file that starts with a checked header.
    pub fn read(file: &'a [u8], index: usize, file_len: usize) -> Result<Self, Error> {
        let at = HEADER_LEN + index * ENTRY_LEN;
        let raw = &file[at..at + ENTRY_LEN];
        let name_len = raw[..NAME_LEN].iter().position(|&b| b == 0).unwrap_or(NAME_LEN);
        let name = core::str::from_utf8(&raw[..name_len]).map_err(|_| Error::InvalidTable("a section name is not UTF-8"))?;
        if name.is_empty() {
            return Err(Error::InvalidTable("a section has no name"));
        }
        let (offset, length) = (u64_at(raw, 40), u64_at(raw, 48));
        if offset % ALIGNMENT as u64 != 0 {
            return Err(Error::InvalidTable("a section does not start at a multiple of 64 bytes"));
        }
        let end = offset.checked_add(length).ok_or(Error::InvalidTable("a section's range overflows"))?;
        if end > file_len as u64 {
            return Err(Error::Truncated { what: "section", expected: end, got: file_len as u64 });
        }
        Ok(Self { name, start: offset as usize, end: end as usize, crc: u32_at(raw, 56) })
    }

    pub fn missing(name: &str) -> Error {
        Error::MissingSection(Text::new(name))
    }
}
