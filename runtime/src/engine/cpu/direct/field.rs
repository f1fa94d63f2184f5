//! What a sum over taps reads: planes in which every tap of every output lies inside.

use crate::engine::cpu::map::{Block, Stack};
use alloc::vec::Vec;

/// Planes of equal size in the arena: blocks of a map, or single channels of a planar image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine::cpu) struct Field {
    /// Places, and channels in each: up to the number of lanes in a block, 1 in a planar image.
    pub planes: Vec<Block>,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Numbers from one column to the next: the lanes of a block, or 1.
    pub column: usize,
}

impl Field {
    /// Maps read where they are, without any padding.
    pub fn of(stack: &Stack) -> Self {
        let Stack { blocks, height, width, lanes } = stack;
        Self { planes: blocks.clone(), height: *height, width: *width, column: *lanes }
    }

    /// Planes that will stand one behind the other at `offset`.
    pub fn at(offset: usize, channels: impl Iterator<Item = usize>, [height, width]: [usize; 2], column: usize) -> Self {
        let len = height * width * column;
        let planes = channels.enumerate().map(|(i, channels)| Block { offset: offset + i * len, channels }).collect();
        Self { planes, height, width, column }
    }

    /// Numbers from one row to the next.
    pub fn row_len(&self) -> usize {
        self.width * self.column
    }

    /// Numbers of one plane.
    pub fn plane_len(&self) -> usize {
        self.height * self.row_len()
    }
}
