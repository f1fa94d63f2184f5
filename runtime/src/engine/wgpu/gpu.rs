//! The device: which adapter is taken, and what went wrong on it.

use super::adapter::AdapterReport;
use super::pipeline_cache::PipelineCache;
use super::pipelines::Pipelines;
use crate::engine::{PipelineCacheReport, Precision};
use crate::error::{Error, Text};
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use wgpu::{Backends, Device, DeviceType, Limits, Queue};

/// An open device; copies share it and its pipelines.
#[derive(Clone)]
pub struct Gpu {
    pub(super) device: Device,
    pub(super) queue: Queue,
    report: AdapterReport,
    pub(super) pipelines: Arc<Pipelines>,
    /// What the driver complained about outside a call: validation, memory, a lost device.
    fault: Arc<Mutex<Option<String>>>,
    lost: Arc<AtomicBool>,
    allow_software: bool,
    /// Pipelines that are kept in a file, if one was named.
    pub(super) kept: Option<Arc<PipelineCache>>,
    /// What is used instead of it after it was lost.
    successor: Arc<Mutex<Option<Gpu>>>,
}

impl Gpu {
    /// Opens the best GPU that serves: a discrete one before one that shares memory with the CPU, those before what does not say what it
    /// is. Software adapters are taken only if there is nothing else and `allow_software` is set.
    ///
    /// # Errors
    /// [`Error::Gpu`] or [`Error::GpuLimit`] if there is no such adapter: what the best one lacks.
    pub fn open(allow_software: bool) -> Result<Self, Error> {
        Self::open_with(allow_software, None)
    }

    /// As [`open`](Self::open); compiled pipelines are kept in a file, as [`Options::pipeline_cache`](crate::Options::pipeline_cache) says.
    ///
    /// # Errors
    /// Those of [`open`](Self::open). What is wrong with the file is [told](Self::pipeline_cache).
    pub fn open_with(allow_software: bool, pipeline_cache: Option<&str>) -> Result<Self, Error> {
        let backends = Backends::VULKAN | Backends::METAL | Backends::DX12;
        // The only counts of workgroups that a device makes itself are at most those that are checked at preparation.
        let flags = wgpu::InstanceFlags::default().difference(wgpu::InstanceFlags::VALIDATION_INDIRECT_CALL);
        let descriptor = wgpu::InstanceDescriptor { backends, flags, ..wgpu::InstanceDescriptor::new_without_display_handle() };
        let mut adapters = pollster::block_on(wgpu::Instance::new(descriptor).enumerate_adapters(backends));
        let rank = |adapter: &wgpu::Adapter| match adapter.get_info().device_type {
            DeviceType::DiscreteGpu => 0,
            DeviceType::IntegratedGpu => 1,
            DeviceType::VirtualGpu => 2,
            DeviceType::Other => 3,
            DeviceType::Cpu => 4,
        };
        adapters.sort_by_key(rank);
        let what = "no driver for Vulkan, Metal or DX12 offers a device";
        let mut refusal = Error::Gpu { adapter: Text::new("not found"), what };
        for (place, adapter) in adapters.iter().enumerate() {
            match Self::open_adapter(adapter, allow_software, pipeline_cache) {
                Ok(gpu) => return Ok(gpu),
                Err(error) if place == 0 => refusal = error,
                Err(_) => {}
            }
        }
        Err(refusal)
    }

    fn open_adapter(adapter: &wgpu::Adapter, allow_software: bool, pipeline_cache: Option<&str>) -> Result<Self, Error> {
        let report = AdapterReport::of(adapter);
        if report.software && !allow_software {
            let what = "it computes on the CPU: allow software adapters (--allow-software), or install the GPU's driver";
            return Err(report.refused(what));
        }
        let limits = adapter.limits();
        let has = |limit: u32| u64::from(limit);
        report.check(&[
            ("max_storage_buffers_per_shader_stage", 5, has(limits.max_storage_buffers_per_shader_stage)),
            ("max_compute_invocations_per_workgroup", 256, has(limits.max_compute_invocations_per_workgroup)),
            ("max_compute_workgroup_storage_size", 16 << 10, has(limits.max_compute_workgroup_storage_size)),
        ])?;
        let opened = Self::request(adapter, report, limits, pipeline_cache.is_some())?;
        let kept = pipeline_cache.map(|path| Arc::new(opened.keep(adapter, path)));
        Ok(Self { allow_software, kept, ..opened })
    }

    fn request(adapter: &wgpu::Adapter, report: AdapterReport, required_limits: Limits, keeps: bool) -> Result<Self, Error> {
        // Timestamps for measuring, and numbers of 16 bits and compiled pipelines for those who ask for them.
        let kept = if keeps { wgpu::Features::PIPELINE_CACHE } else { wgpu::Features::empty() };
        let wanted = wgpu::Features::TIMESTAMP_QUERY | wgpu::Features::SHADER_F16 | kept;
        let required_features = adapter.features() & wanted;
        let descriptor = wgpu::DeviceDescriptor { required_limits, required_features, ..wgpu::DeviceDescriptor::default() };
        let opened = pollster::block_on(adapter.request_device(&descriptor));
        let (device, queue) = opened.map_err(|error| failure("open the device", &error.to_string()))?;
        let fault = Arc::new(Mutex::new(None));
        let lost = Arc::new(AtomicBool::new(false));
        let (seen, told, gone) = (Arc::clone(&fault), Arc::clone(&fault), Arc::clone(&lost));
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| note(&seen, &error.to_string())));
        device.set_device_lost_callback(move |_, message| {
            gone.store(true, Ordering::Release);
            note(&told, format!("the device was lost: {message}").trim_end_matches([':', ' ']));
        });
        let (pipelines, successor) = (Arc::default(), Arc::default());
        Ok(Self { device, queue, report, pipelines, fault, lost, allow_software: false, kept: None, successor })
    }

    /// Opens the file of compiled pipelines. A driver that refuses it loses nothing but time.
    fn keep(&self, adapter: &wgpu::Adapter, path: &str) -> PipelineCache {
        let cache = PipelineCache::open(&self.device, &adapter.get_info(), path);
        match self.check("open the pipeline cache") {
            Ok(()) => cache,
            Err(error) => cache.refused(&error.to_string()),
        }
    }

    /// Gives the device back to the driver. Engines that were prepared on it open it again at their next run.
    pub fn close(&self) {
        self.device.destroy();
    }

    /// Whether the device was lost or closed; known after a run that failed.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    /// This device, or the one that takes its place: opened once for all copies.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub(super) fn live(&self) -> Result<Self, Error> {
        if !self.is_lost() {
            return Ok(self.clone());
        }
        let mut successor = self.successor.lock().unwrap_or_else(PoisonError::into_inner);
        match &*successor {
            Some(gpu) => gpu.live(),
            None => {
                Ok(successor.insert(Self::open_with(self.allow_software, self.kept.as_ref().map(|kept| kept.path()))?).clone())
            }
        }
    }

    /// The adapter.
    pub fn report(&self) -> &AdapterReport {
        &self.report
    }

    /// What became of the file of compiled pipelines, if one was named.
    pub fn pipeline_cache(&self) -> Option<PipelineCacheReport> {
        self.kept.as_ref().map(|kept| kept.report())
    }

    /// Writes the file of compiled pipelines, if one was named and there are new ones.
    pub(super) fn save_pipelines(&self) {
        if let Some(kept) = &self.kept {
            kept.save();
        }
    }

    /// Refuses a precision that the device does not have.
    pub(super) fn check_precision(&self, precision: Precision) -> Result<(), Error> {
        if precision == Precision::Single || self.device.features().contains(wgpu::Features::SHADER_F16) {
            return Ok(());
        }
        Err(self.report.refused("it has no numbers of 16 bits in shaders (SHADER_F16): use single precision"))
    }

    /// The first complaint of the driver since the last call, as an error.
    pub(super) fn check(&self, action: &'static str) -> Result<(), Error> {
        match self.fault.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(message) => Err(failure(action, &message)),
            None => Ok(()),
        }
    }
}

/// Keeps the first message.
fn note(fault: &Mutex<Option<String>>, message: &str) {
    fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| message.to_string());
}

/// An error in the driver's words: of several lines the last one, which names the cause.
pub(super) fn failure(action: &'static str, detail: &str) -> Error {
    let cause = detail.lines().map(str::trim).rfind(|line| !line.is_empty());
    Error::Engine { engine: "wgpu", action, detail: Text::new(cause.unwrap_or("the driver gave no reason")) }
}
