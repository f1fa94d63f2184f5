//! Convolutions as dispatches.

use super::table::{FEW_CHANNELS, Groups, Layer, Window};
use super::walk::{Lowering, Work, activation, halves};
use crate::engine::Precision;
use crate::engine::wgpu::phases::{Phase, conv_phase, transposed_phases};
use crate::engine::wgpu::places::{BLOCK, Place};
use crate::engine::wgpu::program::Slot;
use crate::engine::wgpu::weights::{Weights, halved};
use crate::error::Error;
use crate::graph::{Activation, Conv, ConvTranspose, Node, Op, Shape, Shapes};
use alloc::vec;
use alloc::vec::Vec;
use dormouse_shaders::{ConvParams, Halves, Kernel};

/// Most channels of an image that is read as planes.
const PLANE_CHANNELS: usize = 4;
/// Largest window and step of `conv_image`.
const PLANE_KERNEL: usize = 7;
const PLANE_STRIDE: usize = 2;
/// Numbers of the override `POOL` of `conv3x3`.
const POOL_NOT: u32 = 0;
const POOL_TOO: u32 = 1;
const POOL_ONLY: u32 = 2;
/// Rows of blocks of a workgroup of `conv_gemm`; each of its invocations makes the same number of blocks.
const GEMM_BLOCK_ROWS: usize = 4;

/// Whether a node that reads the image can read its planes.
pub(super) fn reads_planes(shapes: &Shapes, node: &Node) -> bool {
    let Op::Conv(conv) = &node.op else { return false };
    let window = &conv.window;
    let sides_fit = window.kernel.iter().all(|k| *k <= PLANE_KERNEL) && window.stride.iter().all(|s| *s <= PLANE_STRIDE);
    let few = node.inputs.first().is_some_and(|v| shapes.of(*v).channels <= PLANE_CHANNELS);
    conv.groups == 1 && window.dilation == [1; 2] && sides_fit && few
}

/// Whether the kernel of a node that does not read the image makes a max-pool of 2x2 as well.
pub(in crate::engine::wgpu) fn pools_itself(shapes: &Shapes, node: &Node) -> bool {
    let (Op::Conv(conv), Some(from)) = (&node.op, node.inputs.first().map(|v| shapes.of(*v))) else { return false };
    let window = &conv.window;
    let plain = window.kernel == [3; 2] && window.stride == [1; 2] && window.dilation == [1; 2];
    plain && conv.groups == 1 && from.channels <= FEW_CHANNELS && shapes.of(node.output).channels <= FEW_CHANNELS
}

/// One dispatch of a convolution.
struct Part<'a> {
    from: Shape,
    /// `None` for the image's planes.
    place: Option<Place>,
    to: Place,
    weights: &'a Weights<'a>,
    phase: &'a Phase,
    activation: Activation,
    flop: usize,
    /// What the kernel does about a pool behind it, and where that goes.
    pool: (u32, Option<Place>),
}

impl Lowering<'_> {
    /// A convolution.
    pub fn conv(&mut self, node: &Node, conv: &Conv) -> Result<(), Error> {
        let from = self.shapes.of(node.inputs[0]);
        let to = self.shapes.of(node.output);
        let pads = conv.window.pads_px([from.height, from.width]);
        let lanes = self.places.lanes(node.inputs[0]).map(<[usize]>::to_vec);
        let phase = conv_phase(&conv.window, [pads[0], pads[1]], [to.height, to.width]);
        let graph = self.graph;
        let weights = Weights {
            numbers: &graph.constant(conv.weight).data,
            bias: conv.bias.map(|id| &graph.constant(id).data),
            kernel: conv.window.kernel,
            channels_in: from.channels,
            lanes: lanes.as_deref(),
            channels_out: to.channels,
            groups: conv.groups,
            transposed: false,
        };
        let flop = 2 * to.numbers() * from.channels / conv.groups * conv.window.kernel[0] * conv.window.kernel[1];
        self.parts(node, &weights, &[phase], conv.activation, flop)
    }

    /// A transposed convolution.
    pub fn transposed(&mut self, node: &Node, conv: &ConvTranspose) -> Result<(), Error> {
        let from = self.shapes.of(node.inputs[0]);
        let to = self.shapes.of(node.output);
        let cut = conv.cut_px();
        let phases = transposed_phases(&conv.window, [cut[0], cut[1]], [to.height, to.width]);
        let graph = self.graph;
        let weights = Weights {
            numbers: &graph.constant(conv.weight).data,
            bias: conv.bias.map(|id| &graph.constant(id).data),
            kernel: conv.window.kernel,
            channels_in: from.channels,
            lanes: None,
            channels_out: to.channels,
            groups: conv.groups,
            transposed: true,
        };
        let flop = 2 * from.numbers() * to.channels / conv.groups * conv.window.kernel[0] * conv.window.kernel[1];
        self.parts(node, &weights, &phases, conv.activation, flop)
    }

    fn parts(
        &mut self,
        node: &Node,
        weights: &Weights<'_>,
        phases: &[Phase],
        activation: Activation,
        flop: usize,
    ) -> Result<(), Error> {
        let value = node.inputs[0];
        let place = if self.is_image(value) { None } else { Some(self.place(&node.name, value)?) };
        let (from, to) = (self.shapes.of(value), self.place(&node.name, node.output)?);
        let pool = match self.places.pooled(node.output) {
            Some(pooled) => (if pooled.keep { POOL_TOO } else { POOL_ONLY }, Some(self.place(&node.name, pooled.value)?)),
            None => (POOL_NOT, None),
        };
        let taps: usize = phases.iter().map(|p| p.taps.len() * p.size[0] * p.size[1]).sum();
        for phase in phases {
            // Each phase has its share of the operations.
            let own = phase.taps.len() * phase.size[0] * phase.size[1];
            let flop = (flop as u128 * own as u128 / taps.max(1) as u128) as usize;
            self.part(node, &Part { from, place, to, weights, phase, activation, flop, pool })?;
        }
        Ok(())
    }

    fn part(&mut self, node: &Node, part: &Part<'_>) -> Result<(), Error> {
        let Part { to, weights, phase, .. } = part;
        let row = layer(part).choose();
        let kernel = row.kernel;
        let packed = match kernel {
            Kernel::ConvImage => weights.planes(phase),
            Kernel::Depthwise => weights.depthwise(phase),
            Kernel::ConvGrouped => weights.grouped(phase),
            _ => weights.dense(phase),
        };
        let mut constants = Vec::new();
        if kernel != Kernel::Dense {
            constants.push(self.program.constant(&phase.shifts));
        }
        constants.push(match self.precision {
            Precision::Single => self.program.constant(&packed),
            Precision::Half => self.program.constant(&halved(&packed)),
        });
        constants.push(self.program.constant(&weights.bias()));
        let (code, limits) = activation(part.activation);
        let mut overrides = vec![("ACTIVATION", code)];
        let [rows, columns] = phase.size;
        match kernel {
            Kernel::ConvGemm => overrides.push(("BLOCKS", (row.tile.blocks() / GEMM_BLOCK_ROWS) as u32)),
            Kernel::Conv3x3 => overrides.push(("POOL", part.pool.0)),
            _ => {}
        }
        let grid = row.tile.grid(phase.size, to.blocks());
        let params = params(part, limits);
        let input = part.place.map_or(Slot::Image, |place| Slot::Maps(place.buffer));
        let params = bytemuck::bytes_of(&params);
        let input_half = part.place.is_some_and(|place| place.is_half());
        let halves = Halves { input: input_half, weights: self.precision == Precision::Half, ..halves(&[], to) };
        let work =
            Work { kernel, overrides, halves, params, constants, inputs: vec![input], output: Slot::Maps(to.buffer), grid };
        let read = part.place.map_or(4 * part.from.numbers(), |place| place.bytes());
        let map = if part.pool.0 == POOL_ONLY { 0 } else { rows * columns * to.blocks() * BLOCK * to.precision.number_bytes() };
        self.push(&node.name, work, part.flop, &[read], map + part.pool.1.map_or(0, |place| place.bytes()))
    }
}

/// What the table of kernels asks.
fn layer(part: &Part<'_>) -> Layer {
    let Part { from, weights, phase, .. } = part;
    let one_pixel = from.height * from.width == 1 && phase.size == [1; 2] && phase.shifts == [[0; 2]];
    let plain_3x3 = weights.kernel == [3; 2] && phase.step == [1; 2] && phase.stride == [1; 2] && is_3x3(phase);
    let each = weights.groups == from.channels && weights.groups == weights.channels_out;
    Layer {
        planes: part.place.is_none(),
        groups: match weights.groups {
            1 => Groups::One,
            _ if each => Groups::EachChannel,
            _ => Groups::Others,
        },
        window: match (one_pixel, plain_3x3) {
            (true, _) => Window::OnePixel,
            (_, true) => Window::Plain3x3,
            _ => Window::Others,
        },
        channels: from.channels.max(weights.channels_out),
        size: phase.size,
        taps: phase.taps.len(),
        blocks_in: part.place.map_or(0, |place| place.blocks()),
        blocks_out: part.to.blocks(),
    }
}

/// Whether the taps are neighbours, row by row.
fn is_3x3(phase: &Phase) -> bool {
    let Some([x, y]) = phase.shifts.first().copied() else { return false };
    phase.shifts.len() == 9 && phase.shifts.iter().zip(0..).all(|(shift, tap)| *shift == [x + tap % 3, y + tap / 3])
}

fn params(part: &Part<'_>, [low, high]: [f32; 2]) -> ConvParams {
    let Part { from, place, to, weights, phase, pool, .. } = part;
    let number = |n: usize| n as u32;
    // Planes are counted in numbers and channels.
    let (from_offset, from_image, from_blocks) = match place {
        Some(place) => (place.offset(), place.image(), number(place.blocks())),
        None => (0, number(from.numbers()), number(from.channels)),
    };
    ConvParams {
        from_offset,
        from_image,
        from_blocks,
        from_height: number(from.height),
        from_width: number(from.width),
        to_offset: to.offset(),
        to_image: to.image(),
        to_blocks: number(to.blocks()),
        to_height: number(to.shape.height),
        to_width: number(to.shape.width),
        rows: number(phase.size[0]),
        columns: number(phase.size[1]),
        first_y: number(phase.first[0]),
        first_x: number(phase.first[1]),
        step_y: number(phase.step[0]),
        step_x: number(phase.step[1]),
        stride_y: number(phase.stride[0]),
        stride_x: number(phase.stride[1]),
        kernel_rows: number(weights.kernel[0]),
        kernel_columns: number(weights.kernel[1]),
        taps: number(phase.taps.len()),
        group_in: number(weights.channels_in / weights.groups),
        group_out: number(weights.channels_out / weights.groups),
        to_channels: number(weights.channels_out),
        pooled_offset: pool.1.map_or(0, |place| place.offset()),
        pooled_image: pool.1.map_or(0, |place| place.image()),
        pooled_height: pool.1.map_or(0, |place| number(place.shape.height)),
        pooled_width: pool.1.map_or(0, |place| number(place.shape.width)),
        low,
        high,
    }
}
