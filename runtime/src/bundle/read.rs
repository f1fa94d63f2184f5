//! Opening a bundle: everything is checked once, nothing is run, and no network is copied.

use super::bytes::NetworkBytes;
use super::crc32c;
use super::layout::{
    CARD, CONFIG, ENTRY_LEN, Entry, HEADER_LEN, Header, IDENTITY, NETWORK_PREFIX, SELFTEST, SELFTEST_CLASSES, TOP_DOWN,
};
use super::selftest::SelfTest;
use crate::config::Config;
use crate::error::Error;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use serde::de::DeserializeOwned;

/// A checked bundle over borrowed or owned bytes.
#[derive(Debug, Clone)]
pub struct Bundle<'a> {
    file: File<'a>,
    sections: Vec<SectionInfo>,
    config: Config,
}

/// Where the bytes are.
#[derive(Debug, Clone)]
enum File<'a> {
    Borrowed(&'a [u8]),
    Static(&'static [u8]),
    Shared(Arc<Vec<u8>>),
}

impl File<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Static(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

/// One entry of the section table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectionInfo {
    /// Section name.
    pub name: String,
    /// First byte in the file.
    pub offset: usize,
    /// Length in bytes.
    pub len: usize,
    /// CRC-32C of the section.
    pub crc32c: u32,
}

impl<'a> Bundle<'a> {
    /// Checks a bundle in memory. Bytes after the bundle's own end are ignored. An estimator made of it keeps a copy of its
    /// networks; see [`Bundle::from_static`] and [`Bundle::from_vec`].
    ///
    /// # Errors
    /// A typed [`Error`] for anything that is not a whole, undamaged bundle of this major version with a valid configuration.
    pub fn from_bytes(file: &'a [u8]) -> Result<Self, Error> {
        Self::parse(File::Borrowed(file))
    }

    /// As [`Bundle::from_bytes`] for a bundle in flash or in the program itself (`include_bytes!`), of which nothing is copied.
    ///
    /// # Errors
    /// As [`Bundle::from_bytes`].
    pub fn from_static(file: &'static [u8]) -> Result<Bundle<'static>, Error> {
        Bundle::parse(File::Static(file))
    }

    /// As [`Bundle::from_bytes`], keeping the bytes, which estimators share.
    ///
    /// # Errors
    /// As [`Bundle::from_bytes`].
    pub fn from_vec(file: Vec<u8>) -> Result<Bundle<'static>, Error> {
        Bundle::parse(File::Shared(Arc::new(file)))
    }

    /// Reads and checks a bundle file.
    ///
    /// # Errors
    /// [`Error::Io`], and as [`Bundle::from_bytes`].
    #[cfg(feature = "std")]
    pub fn open(path: impl AsRef<std::path::Path>) -> Result<Bundle<'static>, Error> {
        Bundle::from_vec(std::fs::read(path).map_err(|e| Error::Io(e.kind()))?)
    }

    fn parse(stored: File<'a>) -> Result<Self, Error> {
        let file = stored.bytes();
        let header = Header::read(file)?;
        check_crc("body", &file[HEADER_LEN..header.file_len], header.body_crc)?;
        let mut sections: Vec<SectionInfo> = Vec::with_capacity(header.sections);
        let mut free_from = HEADER_LEN + header.sections * ENTRY_LEN;
        for index in 0..header.sections {
            let entry = Entry::read(file, index, header.file_len)?;
            if entry.start < free_from {
                return Err(Error::InvalidTable("sections overlap or are not in ascending order"));
            }
            if sections.iter().any(|s| s.name == entry.name) {
                return Err(Error::InvalidTable("two sections have the same name"));
            }
            check_crc("section", &file[entry.start..entry.end], entry.crc)?;
            free_from = entry.end;
            let (offset, len) = (entry.start, entry.end - entry.start);
            sections.push(SectionInfo { name: entry.name.into(), offset, len, crc32c: entry.crc });
        }
        let config = read_config(file, &sections)?;
        let bundle = Self { file: stored, sections, config };
        for network in &bundle.config.networks {
            bundle.network(&network.name)?;
        }
        Ok(bundle)
    }

    /// The model's configuration, validated.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// All sections in file order, unknown ones included.
    pub fn sections(&self) -> &[SectionInfo] {
        &self.sections
    }

    /// Bytes of the section called `name`.
    ///
    /// # Errors
    /// [`Error::MissingSection`].
    pub fn section(&self, name: &str) -> Result<&[u8], Error> {
        section(self.file.bytes(), &self.sections, name)
    }

    /// ONNX bytes of `network/<name>`.
    ///
    /// # Errors
    /// [`Error::MissingSection`].
    pub fn network(&self, name: &str) -> Result<&[u8], Error> {
        let info = self.network_section(name)?;
        Ok(&self.file.bytes()[info.offset..info.offset + info.len])
    }

    /// As [`Bundle::network`], to be kept beyond this value's life: shared where the bundle's bytes are its own or static, copied
    /// otherwise.
    ///
    /// # Errors
    /// [`Error::MissingSection`].
    pub fn network_bytes(&self, name: &str) -> Result<NetworkBytes, Error> {
        let info = self.network_section(name)?;
        let part = info.offset..info.offset + info.len;
        let shared = match &self.file {
            File::Borrowed(bytes) => Some(bytes[part].into()),
            File::Static(bytes) => Some(NetworkBytes::from_static(&bytes[part])),
            File::Shared(bytes) => NetworkBytes::part_of(bytes, part),
        };
        shared.ok_or_else(|| Entry::missing(name))
    }

    fn network_section(&self, name: &str) -> Result<&SectionInfo, Error> {
        let found = self.sections.iter().find(|s| s.name.strip_prefix(NETWORK_PREFIX) == Some(name));
        found.ok_or_else(|| Entry::missing(&alloc::format!("{NETWORK_PREFIX}{name}")))
    }

    /// The text for people, if there is one.
    ///
    /// # Errors
    /// [`Error::Decode`] if it is not UTF-8.
    pub fn card(&self) -> Result<Option<&str>, Error> {
        let Ok(bytes) = self.section(CARD) else { return Ok(None) };
        let text = core::str::from_utf8(bytes).map_err(|_| Error::Decode { section: CARD, what: "not UTF-8" })?;
        Ok(Some(text))
    }

    /// The stored frame and the poses it must give, if there is one.
    ///
    /// # Errors
    /// [`Error::Decode`] if it does not decode or contradicts itself.
    pub fn self_test(&self) -> Result<Option<SelfTest>, Error> {
        let Ok(bytes) = self.section(SELFTEST) else { return Ok(None) };
        let mut test = SelfTest::decode(bytes, self.config.skeleton.nodes.len())?;
        if let Ok(classes) = self.section(SELFTEST_CLASSES) {
            test.decode_classes(classes, self.config.identity.as_ref().map_or(0, |i| i.classes.len()))?;
        }
        Ok(Some(test))
    }
}

fn section<'f>(file: &'f [u8], sections: &[SectionInfo], name: &str) -> Result<&'f [u8], Error> {
    let info = sections.iter().find(|s| s.name == name).ok_or_else(|| Entry::missing(name))?;
    Ok(&file[info.offset..info.offset + info.len])
}

fn check_crc(what: &'static str, bytes: &[u8], expected: u32) -> Result<(), Error> {
    let got = crc32c(bytes);
    if got == expected { Ok(()) } else { Err(Error::Checksum { what, expected, got }) }
}

/// The configuration, put together from its sections. Of those beside `config` only the ones that the model type needs are
/// looked at, so that a later version may give them to other model types.
fn read_config(file: &[u8], sections: &[SectionInfo]) -> Result<Config, Error> {
    let mut config: Config = decode(CONFIG, section(file, sections, CONFIG)?)?;
    if config.model_type.has_centroids() {
        config.top_down = Some(decode(TOP_DOWN, section(file, sections, TOP_DOWN)?)?);
    }
    if config.model_type.has_identity() {
        config.identity = Some(decode(IDENTITY, section(file, sections, IDENTITY)?)?);
    }
    config.validate()?;
    Ok(config)
}

fn decode<T: DeserializeOwned>(section: &'static str, bytes: &[u8]) -> Result<T, Error> {
    let fault = |what| Error::Decode { section, what };
    let (value, rest) = postcard::take_from_bytes(bytes).map_err(|_| fault("not a postcard configuration of this version"))?;
    if rest.is_empty() { Ok(value) } else { Err(fault("bytes are left after the configuration")) }
}
