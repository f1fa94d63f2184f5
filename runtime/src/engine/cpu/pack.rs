//! Output channels in the order in which register tiles take them: pairs of blocks, and one block at the end of an odd number.

use crate::graph::Floats;
use alloc::vec::Vec;

/// Groups of one or two blocks of output channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Groups {
    channels: usize,
    lanes: usize,
}

impl Groups {
    /// Groups for `channels` output channels in blocks of `lanes`.
    pub fn new(channels: usize, lanes: usize) -> Self {
        Self { channels, lanes }
    }

    /// Output channels.
    pub fn channels(self) -> usize {
        self.channels
    }

    /// Blocks.
    pub fn blocks(self) -> usize {
        self.channels.div_ceil(self.lanes)
    }

    /// Lanes of one block.
    pub fn block_lanes(self) -> usize {
        self.lanes
    }

    /// Lanes of all blocks.
    pub fn lanes(self) -> usize {
        self.blocks() * self.lanes
    }

    /// First block and number of blocks of each group.
    pub fn each(self) -> impl Iterator<Item = (usize, usize)> {
        let blocks = self.blocks();
        (0..blocks).step_by(2).map(move |first| (first, 2.min(blocks - first)))
    }

    /// One number per lane from one per channel, zero elsewhere; `None` is all zero.
    pub fn per_lane(self, numbers: Option<&Floats<'_>>) -> Vec<f32> {
        let mut all = numbers.map(Floats::to_vec).unwrap_or_default();
        all.resize(self.lanes(), 0.0);
        all
    }
}
