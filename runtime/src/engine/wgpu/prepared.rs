//! A program on the device: buffers, pipelines and bind groups, all made before the first run.

use super::gpu::Gpu;
use super::program::{Dispatch, Program, Slot};
use super::readback::read_back;
use crate::error::Error;
use alloc::vec;
use alloc::vec::Vec;
use wgpu::{BindGroup, Buffer, BufferBinding, BufferUsages, ComputePipeline};

/// The smallest buffer: one vec4.
const LEAST_BYTES: u64 = 16;

/// A dispatch that is ready to be recorded.
pub(super) struct Ready {
    pipeline: ComputePipeline,
    bindings: BindGroup,
    grid: [u32; 3],
}

/// A program on the device.
pub(super) struct Prepared {
    pub gpu: Gpu,
    image: Buffer,
    results: Buffer,
    /// What the CPU reads.
    readback: Buffer,
    pub ready: Vec<Ready>,
}

/// All buffers that dispatches bind.
struct Buffers {
    maps: Vec<Buffer>,
    image: Buffer,
    results: Buffer,
    constants: Buffer,
    params: Buffer,
    /// Bytes from one uniform to the next.
    params_apart: usize,
}

impl Ready {
    /// Records it for that many images.
    pub fn record(&self, pass: &mut wgpu::ComputePass<'_>, images: usize) {
        let Self { pipeline, bindings, grid } = self;
        pass.set_pipeline(pipeline);
        pass.set_bind_group(0, bindings, &[]);
        pass.dispatch_workgroups(grid[0], grid[1], grid[2] * images as u32);
    }
}

impl Prepared {
    /// Makes everything for up to `images` images a run.
    ///
    /// # Errors
    /// [`Error::Gpu`] if a buffer or grid is beyond the device's limits, [`Error::Engine`] if the driver refuses something.
    pub fn new(gpu: &Gpu, program: &Program, images: usize) -> Result<Self, Error> {
        check_limits(gpu, program, images)?;
        let buffers = Buffers::new(gpu, program);
        let ready = program.dispatches.iter().enumerate().map(|(index, d)| buffers.ready(gpu, index, d)).collect();
        let size = program.result_bytes.max(LEAST_BYTES);
        let readback = buffer(gpu, "readback", size, BufferUsages::MAP_READ | BufferUsages::COPY_DST);
        // Uploads what was queued, so that the first frame does not pay for it.
        gpu.queue.submit([]);
        gpu.check("prepare the network")?;
        Ok(Self { gpu: gpu.clone(), image: buffers.image, results: buffers.results, readback, ready })
    }

    /// Runs `images` images: one upload, one submit, one wait. `results` are as many numbers as the program gives back.
    ///
    /// # Errors
    /// [`Error::Engine`] if the driver fails or the device was lost.
    pub fn run(&self, input: &[f32], images: usize, results: &mut [f32]) -> Result<(), Error> {
        let device = &self.gpu.device;
        self.gpu.queue.write_buffer(&self.image, 0, bytemuck::cast_slice(input));
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        for dispatch in &self.ready {
            dispatch.record(&mut pass, images);
        }
        drop(pass);
        let bytes = size_of_val(results) as u64;
        encoder.copy_buffer_to_buffer(&self.results, 0, &self.readback, 0, bytes);
        self.gpu.queue.submit([encoder.finish()]);
        read_back(&self.gpu, &self.readback, bytemuck::cast_slice_mut(results))
    }
}

impl Buffers {
    fn new(gpu: &Gpu, program: &Program) -> Self {
        let maps = program.buffers.iter().map(|bytes| buffer(gpu, "maps", *bytes, BufferUsages::STORAGE)).collect();
        let input = BufferUsages::STORAGE | BufferUsages::COPY_DST;
        let image = buffer(gpu, "image", program.image_bytes, input);
        let results = buffer(gpu, "results", program.result_bytes, BufferUsages::STORAGE | BufferUsages::COPY_SRC);
        let constants = buffer(gpu, "constants", program.constants.len() as u64, input);
        gpu.queue.write_buffer(&constants, 0, &program.constants);
        let align = gpu.device.limits().min_uniform_buffer_offset_alignment.max(16) as usize;
        let longest = program.dispatches.iter().map(|d| d.params.len()).max().unwrap_or(0);
        let params_apart = longest.next_multiple_of(align);
        let mut uniforms = vec![0; params_apart * program.dispatches.len()];
        for (dispatch, bytes) in program.dispatches.iter().zip(uniforms.chunks_exact_mut(params_apart.max(1))) {
            bytes[..dispatch.params.len()].copy_from_slice(&dispatch.params);
        }
        let params = buffer(gpu, "params", uniforms.len() as u64, BufferUsages::UNIFORM | BufferUsages::COPY_DST);
        gpu.queue.write_buffer(&params, 0, &uniforms);
        Self { maps, image, results, constants, params, params_apart }
    }

    fn slot(&self, slot: Slot) -> &Buffer {
        match slot {
            Slot::Image => &self.image,
            Slot::Maps(index) => &self.maps[index],
            Slot::Results => &self.results,
        }
    }

    /// Binds in the order of the kernel table: parameters, constants, inputs, output.
    fn ready(&self, gpu: &Gpu, index: usize, dispatch: &Dispatch) -> Ready {
        let (pipeline, layout) = gpu.pipeline(dispatch.kernel, &dispatch.overrides);
        let part = |buffer, offset: usize, len: usize| {
            let size = core::num::NonZeroU64::new(len as u64);
            wgpu::BindingResource::Buffer(BufferBinding { buffer, offset: offset as u64, size })
        };
        let mut resources = vec![part(&self.params, index * self.params_apart, dispatch.params.len().next_multiple_of(16))];
        resources.extend(dispatch.constants.iter().map(|range| part(&self.constants, range.start, range.len())));
        let slots = dispatch.inputs.iter().chain([&dispatch.output]);
        resources.extend(slots.map(|slot| self.slot(*slot).as_entire_binding()));
        let entries: Vec<_> =
            (0..).zip(resources).map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource }).collect();
        let descriptor = wgpu::BindGroupDescriptor { label: Some(&dispatch.node), layout: &layout, entries: &entries };
        let bindings = gpu.device.create_bind_group(&descriptor);
        Ready { pipeline, bindings, grid: dispatch.grid }
    }
}

pub(super) fn buffer(gpu: &Gpu, label: &str, bytes: u64, usage: BufferUsages) -> Buffer {
    let size = bytes.max(LEAST_BYTES).next_multiple_of(16);
    gpu.device.create_buffer(&wgpu::BufferDescriptor { label: Some(label), size, usage, mapped_at_creation: false })
}

/// What the device cannot hold is told before anything is made, with the limit and both numbers.
fn check_limits(gpu: &Gpu, program: &Program, images: usize) -> Result<(), Error> {
    let limits = gpu.device.limits();
    let maps = program.buffers.iter().copied().chain([program.image_bytes, program.result_bytes]).max().unwrap_or(0);
    let constants = program.constants.len() as u64;
    let bound = program.dispatches.iter().flat_map(|d| &d.constants).map(|range| range.len() as u64).max().unwrap_or(0);
    let grid = |d: &Dispatch| u64::from(d.grid[0].max(d.grid[1])).max(u64::from(d.grid[2]) * images as u64);
    let groups = program.dispatches.iter().map(grid).max().unwrap_or(0);
    let needs = [
        ("max_storage_buffer_binding_size", maps.max(bound), limits.max_storage_buffer_binding_size),
        ("max_buffer_size", maps.max(constants), limits.max_buffer_size),
        ("max_compute_workgroups_per_dimension", groups, u64::from(limits.max_compute_workgroups_per_dimension)),
    ];
    gpu.report().check(&needs)
}
