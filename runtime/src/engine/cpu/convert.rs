//! Between blocks and planes: the image into blocks, maps into the network's outputs, and rearrangements of any kind.

#![expect(unsafe_code, reason = "tasks of one step share the arena")]

use super::map::Map;
use super::memory::Memory;
use super::step::Step;

/// The image, as the caller gives it, into blocks; unused lanes become zero.
pub(super) struct BlockImage {
    output: Map,
}

impl BlockImage {
    /// The image has the output's channels, height and width.
    pub fn new(output: Map) -> Self {
        Self { output }
    }
}

impl Step for BlockImage {
    fn method(&self) -> &'static str {
        "block image"
    }

    fn tasks(&self) -> usize {
        self.output.blocks() * self.output.height
    }

    unsafe fn run(&self, task: usize, _worker: usize, memory: &Memory<'_>) {
        let Map { height, width, lanes, .. } = self.output;
        let (index, y) = (task % self.output.blocks(), task / self.output.blocks());
        let block = self.output.block(index);
        // SAFETY: rows of a block belong to one task each.
        let row = unsafe { memory.write(block.offset + y * self.output.row_len(), self.output.row_len()) };
        row.fill(0.0);
        for channel in 0..block.channels {
            let from = &memory.image()[((index * lanes + channel) * height + y) * width..][..width];
            for (to, from) in row.iter_mut().skip(channel).step_by(lanes).zip(from) {
                *to = *from;
            }
        }
    }
}

/// A map into one of the network's outputs: plane by plane, one image behind the other.
pub(super) struct Unblock {
    input: Map,
    offset: usize,
}

impl Unblock {
    /// Image `i` goes to `offset` plus `i` times its length.
    pub fn new(input: Map, offset: usize) -> Self {
        Self { input, offset }
    }
}

impl Step for Unblock {
    fn method(&self) -> &'static str {
        "unblock"
    }

    fn tasks(&self) -> usize {
        self.input.blocks() * self.input.height
    }

    unsafe fn run(&self, task: usize, _worker: usize, memory: &Memory<'_>) {
        let Map { channels, height, width, lanes, .. } = self.input;
        let (index, y) = (task % self.input.blocks(), task / self.input.blocks());
        let block = self.input.block(index);
        // SAFETY: the map was made by an earlier step; rows of a plane belong to one task each.
        let from = unsafe { memory.read(block.offset + y * self.input.row_len(), self.input.row_len()) };
        let image = self.offset + memory.index() * channels * height * width;
        for channel in 0..block.channels {
            let plane = image + (index * lanes + channel) * height * width;
            // SAFETY: as above.
            let to = unsafe { memory.write(plane + y * width, width) };
            for (to, from) in to.iter_mut().zip(from.iter().skip(channel).step_by(lanes)) {
                *to = *from;
            }
        }
    }
}
