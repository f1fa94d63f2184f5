//! The device: which adapter is taken, what went wrong on it, and its pipelines.

use crate::error::{Error, Text};
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use dormouse_shaders::{Access, Kernel};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use wgpu::{Backends, BindGroupLayout, BufferBindingType, ComputePipeline, Device, DeviceType, Limits, Queue};

/// What is known about an adapter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdapterReport {
    /// Name of the device.
    pub name: String,
    /// Driver and its version.
    pub driver: String,
    /// Vulkan, Metal or DX12.
    pub api: &'static str,
    /// Whether it computes on the CPU, so that its times say nothing about a GPU.
    pub software: bool,
}

impl AdapterReport {
    fn of(adapter: &wgpu::Adapter) -> Self {
        let info = adapter.get_info();
        let driver = format!("{} {}", info.driver, info.driver_info).trim().to_string();
        Self { name: info.name, driver, api: info.backend.to_str(), software: info.device_type == DeviceType::Cpu }
    }
}

impl fmt::Display for AdapterReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.software { "SOFTWARE, not a GPU: " } else { "" };
        write!(f, "{kind}{}, driver {}, {}", self.name, self.driver, self.api)
    }
}

/// A pipeline and the layout of its bindings.
pub(super) type Pipeline = (ComputePipeline, BindGroupLayout);

/// A kernel and its override constants.
type PipelineKey = (Kernel, Vec<(&'static str, u32)>);

/// An open device; copies share it and its pipelines.
#[derive(Clone)]
pub struct Gpu {
    pub(super) device: Device,
    pub(super) queue: Queue,
    report: AdapterReport,
    pipelines: Arc<Mutex<HashMap<PipelineKey, Pipeline>>>,
    /// What the driver complained about outside a call: validation, memory, a lost device.
    fault: Arc<Mutex<Option<String>>>,
}

impl Gpu {
    /// Opens the best GPU: a discrete one before one that shares memory with the CPU, those before what does not say what it is.
    /// Software adapters are taken only if there is nothing else and `allow_software` is set.
    ///
    /// # Errors
    /// [`Error::Gpu`] if there is no such adapter or the driver refuses to open it.
    pub fn open(allow_software: bool) -> Result<Self, Error> {
        let backends = Backends::VULKAN | Backends::METAL | Backends::DX12;
        let descriptor = wgpu::InstanceDescriptor { backends, ..wgpu::InstanceDescriptor::new_without_display_handle() };
        let mut adapters = pollster::block_on(wgpu::Instance::new(descriptor).enumerate_adapters(backends));
        let rank = |adapter: &wgpu::Adapter| match adapter.get_info().device_type {
            DeviceType::DiscreteGpu => 0,
            DeviceType::IntegratedGpu => 1,
            DeviceType::VirtualGpu => 2,
            DeviceType::Other => 3,
            DeviceType::Cpu => 4,
        };
        adapters.sort_by_key(rank);
        let Some(adapter) = adapters.into_iter().next() else {
            let what = "no driver for Vulkan, Metal or DX12 offers a device";
            return Err(Error::Gpu { adapter: Text::new("none"), what });
        };
        let report = AdapterReport::of(&adapter);
        if report.software && !allow_software {
            return Err(report.refused("it computes on the CPU: allow software adapters to use it, or install the GPU's driver"));
        }
        let limits = adapter.limits();
        if limits.max_storage_buffers_per_shader_stage < 5 || limits.max_compute_invocations_per_workgroup < 64 {
            return Err(report.refused("it needs 5 storage buffers a shader and workgroups of 64"));
        }
        Self::request(&adapter, report, limits)
    }

    fn request(adapter: &wgpu::Adapter, report: AdapterReport, required_limits: Limits) -> Result<Self, Error> {
        let descriptor = wgpu::DeviceDescriptor { required_limits, ..wgpu::DeviceDescriptor::default() };
        let opened = pollster::block_on(adapter.request_device(&descriptor));
        let (device, queue) = opened.map_err(|error| failure("open the device", &error.to_string()))?;
        let fault = Arc::new(Mutex::new(None));
        let (seen, lost) = (Arc::clone(&fault), Arc::clone(&fault));
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| note(&seen, &error.to_string())));
        device.set_device_lost_callback(move |_, message| note(&lost, &format!("the device was lost: {message}")));
        Ok(Self { device, queue, report, pipelines: Arc::default(), fault })
    }

    /// The adapter.
    pub fn report(&self) -> &AdapterReport {
        &self.report
    }

    /// The first complaint of the driver since the last call, as an error.
    pub(super) fn check(&self, action: &'static str) -> Result<(), Error> {
        match self.fault.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(message) => Err(failure(action, &message)),
            None => Ok(()),
        }
    }

    /// The pipeline of a kernel with these override constants, compiled when it is first asked for.
    pub(super) fn pipeline(&self, kernel: Kernel, overrides: &[(&'static str, u32)]) -> Pipeline {
        let mut pipelines = self.pipelines.lock().unwrap_or_else(PoisonError::into_inner);
        let compiled = pipelines.entry((kernel, overrides.to_vec()));
        compiled.or_insert_with(|| self.compile(kernel, overrides)).clone()
    }

    fn compile(&self, kernel: Kernel, overrides: &[(&'static str, u32)]) -> Pipeline {
        let label = Some(kernel.name());
        let source = wgpu::ShaderSource::Wgsl(kernel.source().concat().into());
        let module = self.device.create_shader_module(wgpu::ShaderModuleDescriptor { label, source });
        let entry = |(binding, access): (u32, &Access)| {
            let ty = match access {
                Access::Params => BufferBindingType::Uniform,
                Access::Read => BufferBindingType::Storage { read_only: true },
                Access::Write => BufferBindingType::Storage { read_only: false },
            };
            wgpu::BindGroupLayoutEntry {
                binding,
                visibility: wgpu::ShaderStages::COMPUTE,
                ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
                count: None,
            }
        };
        let entries: Vec<_> = (0..).zip(kernel.bindings()).map(entry).collect();
        let layout = self.device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label, entries: &entries });
        let pipeline_layout = self.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label,
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let constants: Vec<(&str, f64)> = overrides.iter().map(|(name, value)| (*name, f64::from(*value))).collect();
        let pipeline = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label,
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: None,
            // Every kernel writes its workgroup memory before it reads it.
            compilation_options: wgpu::PipelineCompilationOptions {
                constants: &constants,
                zero_initialize_workgroup_memory: false,
            },
            cache: None,
        });
        (pipeline, layout)
    }
}

impl AdapterReport {
    /// An error that names the adapter and its driver.
    pub(super) fn refused(&self, what: &'static str) -> Error {
        Error::Gpu { adapter: Text::new(&format!("{} ({})", self.name, self.driver)), what }
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
