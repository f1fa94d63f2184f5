//! All operators that are no convolutions.

use super::walk::{Lowering, Work, activation, fault, halves, pair};
use crate::engine::wgpu::places::{BLOCK, Place};
use crate::engine::wgpu::program::Slot;
use crate::error::Error;
use crate::graph::{Activation, Filter, Node, Op, PadWith, Pool, Resize, Rounding};
use alloc::vec;
use alloc::vec::Vec;
use dormouse_shaders::{BinaryParams, Kernel, PairParams, PoolParams, Reads};

/// Numbers of the override `MODE`.
const MAX: u32 = 0;
const MEAN_INSIDE: u32 = 1;
const MEAN_PADDED: u32 = 2;
const ADD: u32 = 0;
const MUL: u32 = 1;

impl Lowering<'_> {
    /// Lowers one node.
    pub fn other(&mut self, node: &Node) -> Result<(), Error> {
        let (from, to) = self.ends(node)?;
        let params = pair(&from, &to);
        match &node.op {
            Op::ScaleShift { scale, shift } => {
                let channels = to.shape.channels;
                let mut lanes = self.per_lane(*scale, channels);
                lanes.extend(self.per_lane(*shift, channels));
                self.pointwise(node, &lanes, Activation::None)
            }
            Op::Activate(activation) => {
                let lanes = to.shape.channels.next_multiple_of(BLOCK);
                let mut numbers = vec![1.0; lanes];
                numbers.resize(2 * lanes, 0.0);
                self.pointwise(node, &numbers, *activation)
            }
            Op::Add => self.binary(node, ADD),
            Op::Mul => self.binary(node, MUL),
            Op::MaxPool(pool) => self.pool(node, pool, MAX),
            Op::AveragePool { pool, count_padding } => {
                self.pool(node, pool, if *count_padding { MEAN_PADDED } else { MEAN_INSIDE })
            }
            Op::GlobalAveragePool => self.one_input(node, Kernel::GlobalPool, &params, Some(MEAN_INSIDE)),
            Op::GlobalMaxPool => self.one_input(node, Kernel::GlobalPool, &params, Some(MAX)),
            Op::Resize(resize) => self.resize(node, resize),
            Op::Softmax => self.one_input(node, Kernel::Softmax, &params, None),
            Op::Reshape { channels_last, .. } => self.one_input(node, Kernel::Reshape, &params, Some(u32::from(*channels_last))),
            Op::Pad { pads_px, with } => {
                let (mode, low) = match with {
                    PadWith::Constant(number) => (0, *number),
                    PadWith::Reflect => (1, 0.0),
                    PadWith::Edge => (2, 0.0),
                };
                let params = PairParams { top: pads_px[0] as u32, left: pads_px[1] as u32, low, ..params };
                self.one_input(node, Kernel::Pad, &params, Some(mode))
            }
            Op::Conv(_) | Op::ConvTranspose(_) | Op::Concat => Err(fault(node, "it is lowered elsewhere")),
        }
    }

    /// A kernel that reads one map and [`PairParams`].
    fn one_input(&mut self, node: &Node, kernel: Kernel, params: &PairParams, mode: Option<u32>) -> Result<(), Error> {
        let (from, to) = self.ends(node)?;
        let (inputs, output) = (vec![Slot::Maps(from.buffer)], Slot::Maps(to.buffer));
        let mut work = Work::simple(kernel, bytemuck::bytes_of(params), inputs, output, &to);
        work.halves = halves(&[&from], &to);
        work.overrides.extend(mode.map(|mode| ("MODE", mode)));
        match kernel {
            Kernel::GlobalPool => work.grid = [1, 1, to.blocks()],
            // Each invocation makes all channels of a pixel.
            Kernel::Softmax => work.grid[2] = 1,
            _ => {}
        }
        self.push(&node.name, work, 0, &[from.bytes()], to.bytes())
    }

    /// One number per lane, from one per channel or one for all.
    fn per_lane(&self, id: crate::graph::ConstantId, channels: usize) -> Vec<f32> {
        let numbers = &self.graph.constant(id).data;
        let mut lanes: Vec<f32> = (0..channels).map(|c| numbers.at(if numbers.len() == 1 { 0 } else { c })).collect();
        lanes.resize(channels.next_multiple_of(BLOCK), 0.0);
        lanes
    }

    /// Factors and summands per lane, and an activation.
    fn pointwise(&mut self, node: &Node, lanes: &[f32], function: Activation) -> Result<(), Error> {
        let (from, to) = self.ends(node)?;
        let (code, [low, high]) = activation(function);
        let params = PairParams { low, high, ..pair(&from, &to) };
        let (inputs, output) = (vec![Slot::Maps(from.buffer)], Slot::Maps(to.buffer));
        let mut work = Work::simple(Kernel::Pointwise, bytemuck::bytes_of(&params), inputs, output, &to);
        work.halves = halves(&[&from], &to);
        work.overrides.push(("ACTIVATION", code));
        work.constants.push(self.program.constant(lanes));
        self.push(&node.name, work, 2 * to.shape.numbers(), &[from.bytes()], to.bytes())
    }

    fn binary(&mut self, node: &Node, mode: u32) -> Result<(), Error> {
        let (a, to) = self.ends(node)?;
        let b = *node.inputs.get(1).ok_or_else(|| fault(node, "it needs a second input"))?;
        let b = self.place(&node.name, b)?;
        let [a_block, a_row, a_column] = distances(&a);
        let [b_block, b_row, b_column] = distances(&b);
        let single = |map: &Place| u32::from(map.shape.channels == 1 && to.shape.channels > 1);
        let params = BinaryParams {
            a_offset: a.offset(),
            a_image: a.image(),
            a_block,
            a_row,
            a_column,
            a_single: single(&a),
            b_offset: b.offset(),
            b_image: b.image(),
            b_block,
            b_row,
            b_column,
            b_single: single(&b),
            to_offset: to.offset(),
            to_image: to.image(),
            to_blocks: to.blocks() as u32,
            to_height: to.shape.height as u32,
            to_width: to.shape.width as u32,
        };
        let (inputs, output) = (vec![Slot::Maps(a.buffer), Slot::Maps(b.buffer)], Slot::Maps(to.buffer));
        let mut work = Work::simple(Kernel::Binary, bytemuck::bytes_of(&params), inputs, output, &to);
        work.halves = halves(&[&a, &b], &to);
        work.overrides.push(("MODE", mode));
        let (read, written) = ([a.bytes(), b.bytes()], to.bytes());
        self.push(&node.name, work, to.shape.numbers(), &read, written)
    }

    fn pool(&mut self, node: &Node, pool: &Pool, mode: u32) -> Result<(), Error> {
        let (from, to) = self.ends(node)?;
        let window = &pool.window;
        let [top, left, bottom, right] = window.pads_px([from.shape.height, from.shape.width]);
        let number = |n: usize| n as u32;
        let params = PoolParams {
            from_offset: from.offset(),
            from_image: from.image(),
            from_height: number(from.shape.height),
            from_width: number(from.shape.width),
            to_offset: to.offset(),
            to_image: to.image(),
            to_blocks: number(to.blocks()),
            to_height: number(to.shape.height),
            to_width: number(to.shape.width),
            kernel_rows: number(window.kernel[0]),
            kernel_columns: number(window.kernel[1]),
            stride_y: number(window.stride[0]),
            stride_x: number(window.stride[1]),
            dilation_y: number(window.dilation[0]),
            dilation_x: number(window.dilation[1]),
            top: number(top),
            left: number(left),
            padded_height: number(top + from.shape.height + bottom),
            padded_width: number(left + from.shape.width + right),
        };
        let (inputs, output) = (vec![Slot::Maps(from.buffer)], Slot::Maps(to.buffer));
        let mut work = Work::simple(Kernel::Pool, bytemuck::bytes_of(&params), inputs, output, &to);
        work.halves = halves(&[&from], &to);
        work.overrides.push(("MODE", mode));
        self.push(&node.name, work, 0, &[from.bytes()], to.bytes())
    }

    fn resize(&mut self, node: &Node, resize: &Resize) -> Result<(), Error> {
        let (from, to) = self.ends(node)?;
        let axis = |axis: usize, from: usize, to: usize| {
            (0..to).map(move |at| reads(resize.filter, resize.source(axis, at, from, to), from))
        };
        let mut table: Vec<Reads> = axis(0, from.shape.height, to.shape.height).collect();
        table.extend(axis(1, from.shape.width, to.shape.width));
        let params = pair(&from, &to);
        let (inputs, output) = (vec![Slot::Maps(from.buffer)], Slot::Maps(to.buffer));
        let mut work = Work::simple(Kernel::Resize, bytemuck::bytes_of(&params), inputs, output, &to);
        work.halves = halves(&[&from], &to);
        work.constants.push(self.program.constant(&table));
        self.push(&node.name, work, 0, &[from.bytes()], to.bytes())
    }
}

/// vec4 from one block, row and column to the next; 0 for sides of 1, which are repeated.
fn distances(map: &Place) -> [u32; 3] {
    let apart = |side: usize, distance: usize| if side == 1 { 0 } else { distance as u32 };
    let width = map.shape.width;
    [apart(map.blocks(), map.cells()), apart(map.shape.height, width), apart(width, 1)]
}

/// What a row (or column) at `at` of an input with `side` of them reads.
fn reads(filter: Filter, at: f32, side: usize) -> Reads {
    let last = side - 1;
    let whole = |at: f32| (at.max(0.0) as usize).min(last) as u32;
    match filter {
        Filter::Nearest(rounding) => {
            let nearest = whole(match rounding {
                Rounding::PreferFloor => libm::ceilf(at - 0.5),
                Rounding::PreferCeil => libm::floorf(at + 0.5),
                Rounding::Floor => libm::floorf(at),
                Rounding::Ceil => libm::ceilf(at),
            });
            Reads { first: nearest, second: nearest, weight: 0.0 }
        }
        Filter::Linear => {
            let at = at.clamp(0.0, last as f32);
            let first = whole(at);
            Reads { first, second: (first + 1).min(last as u32), weight: at - first as f32 }
        }
    }
}
