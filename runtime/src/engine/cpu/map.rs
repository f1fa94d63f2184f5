//! How maps lie in memory: blocks of as many channels as a vector has lanes, `[block][row][column][lane]`.
//!
//! Lanes of the last block that are no channel hold finite numbers that nobody reads.

use alloc::vec::Vec;

/// A map of one image in the arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Map {
    /// First number.
    pub offset: usize,
    /// Channels.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels per block.
    pub lanes: usize,
}

impl Map {
    /// Blocks of channels.
    pub fn blocks(&self) -> usize {
        self.channels.div_ceil(self.lanes)
    }

    /// Numbers of one row of one block.
    pub fn row_len(&self) -> usize {
        self.width * self.lanes
    }

    /// Numbers of one block.
    pub fn block_len(&self) -> usize {
        self.height * self.row_len()
    }

    /// Numbers of the map, unused lanes included.
    pub fn len(&self) -> usize {
        self.blocks() * self.block_len()
    }

    /// Place of a block.
    pub fn block(&self, index: usize) -> Block {
        let rest = self.channels - index * self.lanes;
        Block { offset: self.offset + index * self.block_len(), channels: rest.min(self.lanes) }
    }
}

/// One block of channels of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    /// First number.
    pub offset: usize,
    /// Lanes that are channels.
    pub channels: usize,
}

/// Maps of the same height and width that are read as if they were one, channel behind channel: what a convolution sees of a
/// concatenation that is never made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stack {
    /// In order of channels.
    pub blocks: Vec<Block>,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels per block.
    pub lanes: usize,
}

impl Stack {
    /// The maps one behind the other; all have the height, width and lanes of the first, of which there is at least one.
    pub fn of(maps: &[Map]) -> Self {
        let Map { height, width, lanes, .. } = maps[0];
        debug_assert!(maps.iter().all(|m| (m.height, m.width, m.lanes) == (height, width, lanes)));
        let blocks = maps.iter().flat_map(|map| (0..map.blocks()).map(|index| map.block(index))).collect();
        Self { blocks, height, width, lanes }
    }

    /// Numbers of one row of one block.
    pub fn row_len(&self) -> usize {
        self.width * self.lanes
    }

    /// Numbers of one block.
    pub fn block_len(&self) -> usize {
        self.height * self.row_len()
    }
}
