//! A program on the device: buffers, pipelines and bind groups, all made before the first run.

use super::gpu::Gpu;
use super::program::{Dispatch, Program, Slot};
use super::readback::{Readback, Waiting};
use crate::error::Error;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;
use wgpu::{BindGroup, Buffer, BufferBinding, BufferUsages, ComputePipeline};

/// The smallest buffer: one vec4.
const LEAST_BYTES: u64 = 16;

/// A dispatch that is ready to be recorded.
pub(super) struct Ready {
    pipeline: ComputePipeline,
    bindings: BindGroup,
    grid: [u32; 3],
    /// The buffer and its byte where the device counts workgroups.
    counted: Option<(Buffer, u64)>,
}

/// A part of a buffer that is read back, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    pub slot: Slot,
    pub at: usize,
    pub bytes: usize,
}

/// A program on the device.
pub(super) struct Prepared {
    pub gpu: Gpu,
    buffers: Buffers,
    /// What the CPU reads: one for each run that may be on its way at the same time.
    readbacks: Vec<Readback>,
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
        let Self { pipeline, bindings, grid, counted } = self;
        pass.set_pipeline(pipeline);
        pass.set_bind_group(0, bindings, &[]);
        match counted {
            Some((buffer, byte)) => pass.dispatch_workgroups_indirect(buffer, *byte),
            None => pass.dispatch_workgroups(grid[0], grid[1], grid[2] * images as u32),
        }
    }
}

impl Prepared {
    /// Makes everything for up to `images` images a run, of whose results at most `read_bytes` are read at once, and for up to `runs` runs
    /// on their way.
    ///
    /// # Errors
    /// [`Error::Gpu`] if a buffer or grid is beyond the device's limits, [`Error::Engine`] if the driver refuses something.
    pub fn new(gpu: &Gpu, program: &Program, images: usize, read_bytes: u64, runs: usize) -> Result<Self, Error> {
        check_limits(gpu, program, images)?;
        let buffers = Buffers::new(gpu, program);
        let ready = program.dispatches.iter().enumerate().map(|(index, d)| buffers.ready(gpu, index, d)).collect();
        let size = read_bytes.max(LEAST_BYTES);
        let usage = BufferUsages::MAP_READ | BufferUsages::COPY_DST;
        let readback = |_| Readback::new(buffer(gpu, "readback", size, usage));
        let readbacks = (0..runs).map(readback).collect();
        // Uploads what was queued, so that the first frame does not pay for it.
        gpu.queue.submit([]);
        gpu.check("prepare the network")?;
        gpu.save_pipelines();
        Ok(Self { gpu: gpu.clone(), buffers, readbacks, ready })
    }

    /// Runs `images` images: one upload, one submit, one wait. `results` are as many numbers as the program gives back.
    ///
    /// # Errors
    /// [`Error::Engine`] if the driver fails or the device was lost.
    pub fn run(&self, input: &[f32], images: usize, results: &mut [f32]) -> Result<(), Error> {
        self.write(Slot::Image, 0, bytemuck::cast_slice(input));
        let all = Piece { slot: Slot::Results, at: 0, bytes: size_of_val(results) };
        self.submit(0..self.ready.len(), images, &[all], 0).read(&self.gpu, bytemuck::cast_slice_mut(results))
    }

    /// Whether the device was lost; for after a call that failed.
    pub fn is_lost(&self) -> bool {
        // The driver's callback comes while it is polled; what that says is known already.
        let _ = self.gpu.device.poll(wgpu::PollType::Poll);
        self.gpu.is_lost()
    }

    /// Queues bytes for a buffer, a multiple of 4 at a multiple of 4.
    pub fn write(&self, slot: Slot, offset: usize, bytes: &[u8]) {
        self.gpu.queue.write_buffer(self.buffers.slot(slot), offset as u64, bytes);
    }

    /// Queues `size` bytes for a buffer, a multiple of 4; `fill` writes them. False if the driver refuses.
    pub fn write_with(&self, slot: Slot, size: usize, fill: impl FnOnce(&mut wgpu::QueueWriteBufferView)) -> bool {
        let Some(size) = core::num::NonZeroU64::new(size as u64) else { return true };
        let view = self.gpu.queue.write_buffer_with(self.buffers.slot(slot), 0, size);
        view.map(|mut view| fill(&mut view)).is_some()
    }

    /// Queues the parameters of a dispatch.
    pub fn write_params(&self, dispatch: usize, bytes: &[u8]) {
        self.gpu.queue.write_buffer(&self.buffers.params, (dispatch * self.buffers.params_apart) as u64, bytes);
    }

    /// Submits some of the dispatches for `images` images and asks for pieces of buffers, which come one behind the other. No other run
    /// may be on its way with the same `readback`.
    pub fn submit(&self, dispatches: Range<usize>, images: usize, pieces: &[Piece], readback: usize) -> Waiting {
        let readback = &self.readbacks[readback];
        let mut encoder = self.gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        for dispatch in &self.ready[dispatches] {
            dispatch.record(&mut pass, images);
        }
        drop(pass);
        let mut bytes = 0;
        for piece in pieces {
            let from = self.buffers.slot(piece.slot);
            encoder.copy_buffer_to_buffer(from, piece.at as u64, readback.buffer(), bytes, piece.bytes as u64);
            bytes += piece.bytes as u64;
        }
        readback.ask(bytes, self.gpu.queue.submit([encoder.finish()]))
    }
}

impl Buffers {
    fn new(gpu: &Gpu, program: &Program) -> Self {
        let input = BufferUsages::STORAGE | BufferUsages::COPY_DST;
        let counting =
            |index| program.dispatches.iter().any(|d| d.counted.is_some_and(|counted| counted.buffer == Slot::Maps(index)));
        let maps = program.buffers.iter().enumerate().map(|(index, bytes)| {
            let counts = if counting(index) { BufferUsages::INDIRECT } else { BufferUsages::empty() };
            buffer(gpu, "maps", *bytes, input | BufferUsages::COPY_SRC | counts)
        });
        let maps = maps.collect();
        let image = buffer(gpu, "image", program.image_bytes, input);
        let results = buffer(gpu, "results", program.result_bytes, input | BufferUsages::COPY_SRC);
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
        let (pipeline, layout) = gpu.pipeline(dispatch.kernel, dispatch.halves, &dispatch.overrides);
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
        let counted = dispatch.counted.map(|counted| (self.slot(counted.buffer).clone(), 4 * counted.word as u64));
        Ready { pipeline, bindings, grid: dispatch.grid, counted }
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
    let most = |d: &Dispatch| d.counted.map_or(images, |counted| counted.most_images) as u64;
    let grid = |d: &Dispatch| u64::from(d.grid[0].max(d.grid[1])).max(u64::from(d.grid[2]) * most(d));
    let groups = program.dispatches.iter().map(grid).max().unwrap_or(0);
    let needs = [
        ("max_storage_buffer_binding_size", maps.max(bound), limits.max_storage_buffer_binding_size),
        ("max_buffer_size", maps.max(constants), limits.max_buffer_size),
        ("max_compute_workgroups_per_dimension", groups, u64::from(limits.max_compute_workgroups_per_dimension)),
    ];
    gpu.report().check(&needs)
}
