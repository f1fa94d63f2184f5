//! Kernels as the driver compiled them.

use super::gpu::Gpu;
use alloc::vec::Vec;
use dormouse_shaders::{Access, Halves, Kernel};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use wgpu::{BindGroupLayout, BufferBindingType, ComputePipeline};

/// A pipeline and the layout of its bindings.
pub(super) type Pipeline = (ComputePipeline, BindGroupLayout);

/// A kernel, which of its numbers have 16 bits, and its override constants.
type PipelineKey = (Kernel, Halves, Vec<(&'static str, u32)>);

/// What was compiled so far.
pub(super) type Pipelines = Mutex<HashMap<PipelineKey, Pipeline>>;

impl Gpu {
    /// The pipeline of a kernel with these override constants, compiled when it is first asked for.
    pub(super) fn pipeline(&self, kernel: Kernel, halves: Halves, overrides: &[(&'static str, u32)]) -> Pipeline {
        let mut pipelines = self.pipelines.lock().unwrap_or_else(PoisonError::into_inner);
        let compiled = pipelines.entry((kernel, halves, overrides.to_vec()));
        compiled.or_insert_with(|| self.compile(kernel, halves, overrides)).clone()
    }

    fn compile(&self, kernel: Kernel, halves: Halves, overrides: &[(&'static str, u32)]) -> Pipeline {
        let label = Some(kernel.name());
        let source = wgpu::ShaderSource::Wgsl(kernel.source(halves).into());
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
            cache: self.kept.as_ref().and_then(|kept| kept.get()),
        });
        if let Some(kept) = &self.kept {
            kept.note_compiled();
        }
        (pipeline, layout)
    }
}
