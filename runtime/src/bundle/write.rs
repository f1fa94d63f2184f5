//! Putting a bundle together.

use super::crc32c;
use super::layout::{
    ALIGNMENT, CARD, CONFIG, ENTRY_LEN, FORMAT_MAJOR, FORMAT_MINOR, HEADER_LEN, IDENTITY, MAGIC, MAX_SECTIONS, NAME_LEN,
    NETWORK_PREFIX, SELFTEST, SELFTEST_CLASSES, TOP_DOWN,
};
use super::selftest::SelfTest;
use crate::config::Config;
use crate::error::Error;
use alloc::string::String;
use alloc::vec::Vec;
use serde::Serialize;

/// Collects sections and lays them out.
#[derive(Debug, Clone)]
pub struct BundleWriter {
    sections: Vec<(String, Vec<u8>)>,
}

impl BundleWriter {
    /// Starts a bundle with a valid configuration; the parts that only some model types have get sections of their own.
    ///
    /// # Errors
    /// As [`Config::validate`].
    pub fn new(config: &Config) -> Result<Self, Error> {
        config.validate()?;
        let mut sections = alloc::vec![(CONFIG.into(), encode(CONFIG, config)?)];
        if let Some(top_down) = &config.top_down {
            sections.push((TOP_DOWN.into(), encode(TOP_DOWN, top_down)?));
        }
        if let Some(identity) = &config.identity {
            sections.push((IDENTITY.into(), encode(IDENTITY, identity)?));
        }
        Ok(Self { sections })
    }

    /// Adds the ONNX bytes of a network under the name used in the configuration.
    #[must_use]
    pub fn network(mut self, name: &str, onnx: Vec<u8>) -> Self {
        self.sections.push((alloc::format!("{NETWORK_PREFIX}{name}"), onnx));
        self
    }

    /// Adds the text for people.
    #[must_use]
    pub fn card(mut self, text: &str) -> Self {
        self.sections.push((CARD.into(), text.as_bytes().to_vec()));
        self
    }

    /// Adds the self-test.
    ///
    /// # Errors
    /// [`Error::Decode`] if it cannot be encoded.
    pub fn self_test(mut self, test: &SelfTest) -> Result<Self, Error> {
        self.sections.push((SELFTEST.into(), test.encode()?));
        if let Some(classes) = test.encode_classes()? {
            self.sections.push((SELFTEST_CLASSES.into(), classes));
        }
        Ok(self)
    }

    /// Lays out header, table and sections.
    ///
    /// # Errors
    /// [`Error::InvalidTable`] for a name that is empty, longer than 40 bytes or used twice, or for too many sections.
    pub fn finish(self) -> Result<Vec<u8>, Error> {
        if self.sections.len() > MAX_SECTIONS {
            return Err(Error::InvalidTable("more than 64 sections"));
        }
        let mut file = alloc::vec![0_u8; HEADER_LEN + self.sections.len() * ENTRY_LEN];
        for (index, (name, bytes)) in self.sections.iter().enumerate() {
            let fits = (1..=NAME_LEN).contains(&name.len()) && !name.contains('\0');
            if !fits || self.sections[..index].iter().any(|(other, _)| other == name) {
                return Err(Error::InvalidTable("section names must be unique and have 1 to 40 bytes"));
            }
            file.resize(file.len().next_multiple_of(ALIGNMENT), 0);
            let offset = file.len() as u64;
            file.extend_from_slice(bytes);
            let entry = &mut file[HEADER_LEN + index * ENTRY_LEN..][..ENTRY_LEN];
            entry[..name.len()].copy_from_slice(name.as_bytes());
            entry[40..48].copy_from_slice(&offset.to_le_bytes());
            entry[48..56].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
            entry[56..60].copy_from_slice(&crc32c(bytes).to_le_bytes());
        }
        write_header(&mut file, self.sections.len());
        Ok(file)
    }
}

fn encode(section: &'static str, value: &impl Serialize) -> Result<Vec<u8>, Error> {
    postcard::to_allocvec(value).map_err(|_| Error::Decode { section, what: "cannot be encoded" })
}

fn write_header(file: &mut [u8], sections: usize) {
    let file_len = file.len() as u64;
    let body_crc = crc32c(&file[HEADER_LEN..]);
    let header = &mut file[..HEADER_LEN];
    header[..8].copy_from_slice(MAGIC);
    header[8..10].copy_from_slice(&FORMAT_MAJOR.to_le_bytes());
    header[10..12].copy_from_slice(&FORMAT_MINOR.to_le_bytes());
    header[16..20].copy_from_slice(&(sections as u32).to_le_bytes());
    header[24..32].copy_from_slice(&file_len.to_le_bytes());
    header[56..60].copy_from_slice(&body_crc.to_le_bytes());
    let header_crc = crc32c(&header[..60]);
    header[60..64].copy_from_slice(&header_crc.to_le_bytes());
}
