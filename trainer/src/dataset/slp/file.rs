//! An HDF5 file that is not trusted: every size is checked before it is read, and a panic becomes an error.

use crate::error::{Error, Result};
use hdf5_pure::{AttrValue, Dataset, Datatype, File, FormatError, Group, VlenStringReadOptions};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// No table, string list or single row of images is larger than this.
pub(crate) const MAX_DATASET_BYTES: u64 = 2 << 30;
/// Deflate never packs better than this; a larger claim is not backed by data.
const MAX_INFLATION: u64 = 1040;
/// What a file without much content may still claim (chunks are written whole).
const SLACK_BYTES: u64 = 4 << 20;

/// Runs `work` and turns a panic into an error about `path`.
///
/// The HDF5 reader is careful but not proven against hostile bytes; a file from outside must never take the program down.
pub(crate) fn guarded<T>(path: &Path, work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Error::bad_file(path, "HDF5 structure", "the file is damaged (the reader gave up)")))
}

/// An open HDF5 file with its path for messages.
pub(crate) struct Hdf5File {
    path: PathBuf,
    file: File,
    len_bytes: u64,
}

impl Hdf5File {
    /// Opens a file; its content is fetched when it is asked for.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let len_bytes = std::fs::metadata(path).map_err(|e| Error::io("read", path, e))?.len();
        let file = File::open_streaming(path).map_err(|e| match e {
            hdf5_pure::Error::Io(source) => Error::io("read", path, source),
            other => Error::bad_file(path, "HDF5 header", format!("this is not a complete HDF5 file ({other})")),
        })?;
        // A file that lost its end may still open when the missing part is not read at once; libhdf5 refuses it too.
        let promised_bytes = file.superblock().eof_address;
        if promised_bytes > len_bytes {
            let what = format!("the file is cut off: {promised_bytes} bytes are promised, {len_bytes} are there");
            return Err(Error::bad_file(path, "HDF5 header", what));
        }
        Ok(Self { path: path.to_path_buf(), file, len_bytes })
    }

    /// The file's path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Size of the file in bytes.
    pub(crate) fn len_bytes(&self) -> u64 {
        self.len_bytes
    }

    /// An error at `place`.
    pub(crate) fn bad(&self, place: impl Into<String>, what: impl std::fmt::Display) -> Error {
        Error::bad_file(&self.path, place, what.to_string())
    }

    /// Width of an address in bytes and where address 0 lies in the file.
    pub(crate) fn addressing(&self) -> (u8, u64) {
        let superblock = self.file.superblock();
        (superblock.offset_size, superblock.base_address.get())
    }

    /// The dataset at `name`, `None` when there is none.
    pub(crate) fn dataset(&self, name: &str) -> Result<Option<Dataset>> {
        self.found(name, self.file.dataset(name))
    }

    /// The group at `name`, `None` when there is none.
    pub(crate) fn group(&self, name: &str) -> Result<Option<Group>> {
        self.found(name, self.file.group(name))
    }

    fn found<T>(&self, name: &str, result: Result<T, hdf5_pure::Error>) -> Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(hdf5_pure::Error::Format(FormatError::PathNotFound(_))) => Ok(None),
            Err(other) => Err(self.bad(name, other)),
        }
    }

    /// Attributes of the group at `name`; empty when there is no such group.
    pub(crate) fn group_attributes(&self, name: &str) -> Result<HashMap<String, AttrValue>> {
        self.group(name)?.map_or_else(|| Ok(HashMap::new()), |group| group.attrs().map_err(|e| self.bad(name, e)))
    }

    /// Shape and element type, with the promise that the whole content fits into the bounds of this file.
    pub(crate) fn describe(&self, name: &str, dataset: &Dataset) -> Result<(Vec<u64>, Datatype)> {
        let shape = dataset.shape().map_err(|e| self.bad(name, e))?;
        let datatype = dataset.datatype().map_err(|e| self.bad(name, e))?;
        let element_bytes = u64::from(datatype.type_size()).max(1);
        let limit = self.len_bytes.saturating_mul(MAX_INFLATION).saturating_add(SLACK_BYTES);
        let chunk = dataset.chunk_shape().map_err(|e| self.bad(name, e))?.unwrap_or_default();
        for (what, extent) in [("shape", &shape), ("chunk", &chunk)] {
            let bytes = extent.iter().try_fold(element_bytes, |all, &side| all.checked_mul(side));
            if bytes.is_none_or(|bytes| bytes > limit) {
                return Err(self.bad(name, format!("the {what} {extent:?} is larger than the file can hold")));
            }
        }
        Ok((shape, datatype))
    }

    /// The whole content as stored.
    pub(crate) fn raw(&self, name: &str, dataset: &Dataset) -> Result<Vec<u8>> {
        let (shape, datatype) = self.describe(name, dataset)?;
        let bytes = shape.iter().product::<u64>() * u64::from(datatype.type_size());
        if bytes > MAX_DATASET_BYTES {
            return Err(self.bad(name, format!("{bytes} bytes are more than the {MAX_DATASET_BYTES} that are read")));
        }
        let raw = dataset.read_raw().map_err(|e| self.bad(name, e))?;
        if raw.len() as u64 != bytes {
            return Err(self.bad(name, format!("expected {bytes} bytes, found {}", raw.len())));
        }
        Ok(raw)
    }

    /// A list of strings of fixed or variable length; `None` when there is no such dataset. SLEAP writes an empty list as numbers.
    pub(crate) fn strings(&self, name: &str) -> Result<Option<Vec<String>>> {
        let Some(dataset) = self.dataset(name)? else { return Ok(None) };
        let (shape, datatype) = self.describe(name, &dataset)?;
        let count: u64 = shape.iter().product();
        if count == 0 {
            return Ok(Some(Vec::new()));
        }
        let strings = match datatype {
            Datatype::VariableLength { .. } => {
                // A heap object may be named by many rows, so the sum is bounded by itself, not by the file.
                let payload = usize::try_from(self.len_bytes.saturating_mul(4).min(MAX_DATASET_BYTES)).unwrap_or(usize::MAX);
                dataset.read_vlen_strings(VlenStringReadOptions::new().with_max_payload_bytes(payload))
            }
            Datatype::String { .. } => {
                self.raw(name, &dataset)?;
                dataset.read_string()
            }
            _ => return Err(self.bad(name, "expected strings")),
        };
        strings.map(Some).map_err(|e| self.bad(name, e))
    }
}
