//! What is told about the file of compiled pipelines.

use alloc::string::String;
use core::fmt;

/// What became of the file that keeps an engine's compiled pipelines ([`Options::pipeline_cache`](crate::Options::pipeline_cache)).
///
/// Whether the driver makes use of what it is given, it does not say: measure the preparation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PipelineCacheReport {
    /// Bytes that were read and given to the driver; 0 if there was no file, or none that fits.
    pub read_bytes: usize,
    /// Bytes that were written last; 0 if the driver had nothing new.
    pub written_bytes: usize,
    /// Why the file was not read or not written. No file is no fault.
    pub fault: Option<String>,
}

impl fmt::Display for PipelineCacheReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kilobytes = |bytes: usize| bytes as f64 / 1e3;
        write!(f, "{:.1} kB read, {:.1} kB written", kilobytes(self.read_bytes), kilobytes(self.written_bytes))?;
        match &self.fault {
            Some(fault) => write!(f, "; {fault}"),
            None => Ok(()),
        }
    }
}
