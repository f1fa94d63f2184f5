//! Compiled pipelines that outlive the program: the driver's own cache, kept in a file.

use super::pipeline_file;
use crate::bundle::crc32c;
use crate::engine::PipelineCacheReport;
use alloc::format;
use alloc::string::String;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use wgpu::{AdapterInfo, Device, Features};

/// A driver's cache and the file that it is kept in.
pub(super) struct PipelineCache {
    /// None if the driver offers none.
    cache: Option<wgpu::PipelineCache>,
    path: String,
    key: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    report: PipelineCacheReport,
    /// Length and checksum of the data that the file holds.
    held: Option<(usize, u32)>,
    /// The file must not be written: it is not ours.
    is_foreign: bool,
    /// Something was compiled since the file was written.
    grown: bool,
}

impl PipelineCache {
    /// Reads the file if there is one that fits this adapter and driver; otherwise begins anew. `device` must have been asked for
    /// [`PIPELINE_CACHE`](Features::PIPELINE_CACHE) where the adapter has it.
    pub fn open(device: &Device, info: &AdapterInfo, path: &str) -> Self {
        let path = String::from(path);
        let offered = wgpu::util::pipeline_cache_key(info).filter(|_| device.features().contains(Features::PIPELINE_CACHE));
        let Some(adapter) = offered else {
            let report = fault("the driver offers no cache that a program could keep".into());
            return Self { cache: None, path, key: String::new(), state: Mutex::new(State { report, ..State::default() }) };
        };
        // Kernels change with the program: what an older one compiled would stay in the file for ever.
        let (driver, version, program) = (&info.driver, &info.driver_info, env!("CARGO_PKG_VERSION"));
        let key = format!("{adapter}|{}|{driver}|{version}|dormouse {program}", info.name);
        let (data, state) = match pipeline_file::read(Path::new(&path), &key) {
            Ok(None) => (None, State::default()),
            Ok(Some(data)) => {
                let report = PipelineCacheReport { read_bytes: data.len(), ..PipelineCacheReport::default() };
                let held = Some((data.len(), crc32c(&data)));
                (Some(data), State { report, held, ..State::default() })
            }
            Err(unfit) => {
                let not = if unfit.ours { "not read" } else { "neither read nor written" };
                let report = fault(format!("{path} is {not}: {}", unfit.why));
                (None, State { report, is_foreign: !unfit.ours, ..State::default() })
            }
        };
        Self { cache: Some(create(device, data.as_deref())), path, key, state: Mutex::new(state) }
    }

    /// The file.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What pipelines are to be made with.
    pub fn get(&self) -> Option<&wgpu::PipelineCache> {
        self.cache.as_ref()
    }

    /// Another pipeline was compiled with it.
    pub fn note_compiled(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).grown = true;
    }

    /// Gives the cache up, which the driver refused.
    pub fn refused(self, why: &str) -> Self {
        let report = fault(format!("the driver refused its cache: {why}"));
        Self { cache: None, state: Mutex::new(State { report, ..State::default() }), ..self }
    }

    /// Writes the file if anything is new. What goes wrong is [told](Self::report) and no error.
    pub fn save(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(cache) = self.cache.as_ref().filter(|_| state.grown && !state.is_foreign) else { return };
        state.grown = false;
        let Some(data) = cache.get_data() else {
            state.report.fault = Some("the driver did not give its pipelines".into());
            return;
        };
        let holds = Some((data.len(), crc32c(&data)));
        if state.held == holds {
            return;
        }
        match pipeline_file::write(Path::new(&self.path), &self.key, &data) {
            Ok(()) => (state.held, state.report.written_bytes) = (holds, data.len()),
            Err(error) => state.report.fault = Some(format!("{} is not written: {error}", self.path)),
        }
    }

    /// What was read and written so far.
    pub fn report(&self) -> PipelineCacheReport {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).report.clone()
    }
}

fn fault(why: String) -> PipelineCacheReport {
    PipelineCacheReport { fault: Some(why), ..PipelineCacheReport::default() }
}

/// A cache that begins with what an earlier one of this adapter and driver held.
#[expect(unsafe_code, reason = "wgpu trusts the bytes that a cache begins with")]
fn create(device: &Device, data: Option<&[u8]>) -> wgpu::PipelineCache {
    // What wgpu itself finds to be out of date begins anew.
    let descriptor = wgpu::PipelineCacheDescriptor { label: Some("pipelines"), data, fallback: true };
    // SAFETY: `data` must have come from `PipelineCache::get_data`. It comes from `pipeline_file::read` alone, which gives out nothing
    // but bytes behind a header with our magic, version, lengths, key and CRC-32C, and `pipeline_file::write`, which makes such files,
    // is given what `get_data` gave and nothing else, by `save` above. Accidents (a cut or damaged file, another adapter, driver or
    // program) are thereby shut out. Intent is not: the checksum is no signature, so whoever can write the file can forge both. Hence
    // the file is read only if, on Unix, this user or root owns it and nobody else may write it, who could as well change this program;
    // and only if the caller of `Options::pipeline_cache` has named it.
    unsafe { device.create_pipeline_cache(&descriptor) }
}
