//! Rare operators, number by number: reshaping, padding, joining of maps that are no whole blocks, softmax.

#![expect(unsafe_code, reason = "tasks of one step share the arena")]

use super::map::{Map, Stack};
use super::memory::Memory;
use super::step::Step;
use crate::graph::PadWith;
use alloc::vec::Vec;

/// Where the numbers of the output come from.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Order {
    /// The same channel, row and column: maps of any number of channels become one.
    Join,
    /// The same place in the order channels, rows, columns.
    Reshape,
    /// The same place, counting the input in the order rows, columns, channels.
    ReshapeChannelsLast,
    /// Rows and columns added above and to the left, and on the other sides as the output's size says.
    Pad([usize; 2], PadWith),
}

/// A prepared rearrangement.
pub(super) struct Rearrange {
    /// Place of each channel's first number.
    channels: Vec<usize>,
    sides: [usize; 2],
    output: Map,
    order: Order,
}

impl Rearrange {
    /// The input's channels in order; its numbers fit the output as the order says.
    pub fn new(input: &Stack, output: Map, order: Order) -> Self {
        let of = |block: &super::map::Block| block.offset..block.offset + block.channels;
        let channels = input.blocks.iter().flat_map(of).collect();
        Self { channels, sides: [input.height, input.width], output, order }
    }

    /// Channel, row and column of the input that an output shows, or the number that stands there instead.
    fn source(&self, [c, y, x]: [usize; 3]) -> Result<[usize; 3], f32> {
        let [height, width] = self.sides;
        let linear = (c * self.output.height + y) * self.output.width + x;
        match &self.order {
            Order::Join => Ok([c, y, x]),
            Order::Reshape => Ok([linear / (height * width), linear / width % height, linear % width]),
            Order::ReshapeChannelsLast => {
                let channels = self.channels.len();
                Ok([linear % channels, linear / channels / width, linear / channels % width])
            }
            Order::Pad([top, left], with) => {
                let (row, column) = (padded(y, *top, height, *with)?, padded(x, *left, width, *with)?);
                Ok([c, row, column])
            }
        }
    }
}

/// Row (or column) of an input with `side` of them that stands at `at` behind `before` added ones.
fn padded(at: usize, before: usize, side: usize, with: PadWith) -> Result<usize, f32> {
    let (at, last) = (at as isize - before as isize, side as isize - 1);
    let inside = (0..=last).contains(&at);
    match with {
        _ if inside => Ok(at as usize),
        PadWith::Constant(number) => Err(number),
        PadWith::Edge => Ok(at.clamp(0, last) as usize),
        // Smaller than the map, so that one reflection is enough.
        PadWith::Reflect => Ok(if at < 0 { -at } else { 2 * last - at }.clamp(0, last) as usize),
    }
}

impl Step for Rearrange {
    fn method(&self) -> &'static str {
        match self.order {
            Order::Join => "join",
            Order::Reshape | Order::ReshapeChannelsLast => "reshape",
            Order::Pad(..) => "pad map",
        }
    }

    fn tasks(&self) -> usize {
        self.output.blocks() * self.output.height
    }

    unsafe fn run(&self, task: usize, _worker: usize, memory: &Memory<'_>) {
        let Map { width, lanes, .. } = self.output;
        let (index, y) = (task % self.output.blocks(), task / self.output.blocks());
        let block = self.output.block(index);
        // SAFETY: rows of a block belong to one task each.
        let row = unsafe { memory.write(block.offset + y * self.output.row_len(), width * lanes) };
        row.fill(0.0);
        for lane in 0..block.channels {
            for x in 0..width {
                row[x * lanes + lane] = match self.source([index * lanes + lane, y, x]) {
                    Ok([c, y, x]) => {
                        // SAFETY: made by an earlier step, not written by this one.
                        unsafe { *memory.at(self.channels[c] + (y * self.sides[1] + x) * lanes, 1) }
                    }
                    Err(number) => number,
                };
            }
        }
    }
}

/// Softmax over the channels of each place.
pub(super) struct Softmax {
    input: Map,
    output: Map,
}

impl Softmax {
    /// Both maps have the same size.
    pub fn new(input: Map, output: Map) -> Self {
        Self { input, output }
    }
}

impl Step for Softmax {
    fn method(&self) -> &'static str {
        "softmax"
    }

    fn tasks(&self) -> usize {
        self.output.height
    }

    unsafe fn run(&self, task: usize, _worker: usize, memory: &Memory<'_>) {
        let Map { channels, width, lanes, .. } = self.input;
        let place = |map: &Map, c: usize, x: usize| {
            let within = (task * width + x) * lanes + c % lanes;
            memory.at(map.offset + c / lanes * map.block_len() + within, 1)
        };
        for x in 0..width {
            // SAFETY: made by an earlier step, not written by this one.
            let read = |c: usize| unsafe { *place(&self.input, c, x) };
            let largest = (0..channels).map(read).fold(f32::NEG_INFINITY, f32::max);
            let sum: f32 = (0..channels).map(|c| libm::expf(read(c) - largest)).sum();
            for c in 0..self.output.blocks() * lanes {
                let value = if c < channels { libm::expf(read(c) - largest) / sum } else { 0.0 };
                // SAFETY: rows of the output belong to one task each.
                unsafe { *place(&self.output, c, x) = value };
            }
        }
    }
}
