//! Maps before and after the memory plan: the walk over the nodes names buffers, the plan gives them places.

use crate::engine::cpu::direct::Field;
use crate::engine::cpu::map::{Map, Stack};
use crate::error::Error;
use crate::graph::{Buffer, MemoryPlan};
use alloc::string::String;
use alloc::vec::Vec;

/// Bytes that every place is rounded up to: a cache line, and one vector of 16 numbers.
const ALIGN_BYTES: usize = 64;

/// A map whose place is not known yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unplaced {
    /// Which buffer it will be.
    pub buffer: usize,
    /// Its sides; the offset means nothing yet.
    map: Map,
}

impl Unplaced {
    /// A map that will lie in a buffer.
    pub fn new(buffer: usize, map: Map) -> Self {
        Self { buffer, map }
    }

    /// Bytes of the map.
    pub fn bytes(self) -> usize {
        self.map.len() * size_of::<f32>()
    }

    /// Rows and columns.
    pub fn sides(self) -> [usize; 2] {
        [self.map.height, self.map.width]
    }

    /// Channels of each block.
    pub fn block_channels(self) -> impl Iterator<Item = usize> {
        (0..self.map.blocks()).map(move |index| self.map.block(index).channels)
    }
}

/// What the taps of a convolution will read.
#[derive(Debug, Clone)]
pub(super) enum UnplacedField {
    /// Maps where they are.
    Maps(Vec<Unplaced>),
    /// A padded copy: its buffer, channels of each plane, rows and columns, and numbers from one column to the next.
    Copy { buffer: usize, planes: Vec<usize>, sides: [usize; 2], column: usize },
}

/// Buffers that the steps need, by index, and for how long.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    list: Vec<Buffer>,
}

impl Buffers {
    /// A buffer of `numbers` numbers that step `step` writes first; it lives for that step until [`Self::keep`] says longer.
    pub fn take(&mut self, name: String, numbers: usize, step: usize) -> usize {
        self.list.push(Buffer { name, bytes: numbers * size_of::<f32>(), first: step, last: step });
        self.list.len() - 1
    }

    /// The buffer lives until that step at least.
    pub fn keep(&mut self, buffer: usize, step: usize) {
        let last = &mut self.list[buffer].last;
        *last = step.max(*last);
    }

    /// Gives every buffer a place.
    ///
    /// # Errors
    /// Those of [`MemoryPlan::new`].
    pub fn plan(self) -> Result<MemoryPlan, Error> {
        MemoryPlan::new(self.list, ALIGN_BYTES)
    }
}

/// Where the buffers lie: what steps are made with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places<'p>(pub &'p MemoryPlan);

impl Places<'_> {
    /// First number of a buffer.
    pub fn offset(self, buffer: usize) -> usize {
        self.0.placements()[buffer].offset_bytes / size_of::<f32>()
    }

    /// A map.
    pub fn map(self, map: Unplaced) -> Map {
        Map { offset: self.offset(map.buffer), ..map.map }
    }

    /// Maps one behind the other; at least one.
    pub fn stack(self, maps: &[Unplaced]) -> Stack {
        let maps: Vec<Map> = maps.iter().map(|map| self.map(*map)).collect();
        Stack::of(&maps)
    }

    /// What taps read.
    pub fn field(self, field: &UnplacedField) -> Field {
        match field {
            UnplacedField::Maps(maps) => Field::of(&self.stack(maps)),
            UnplacedField::Copy { buffer, planes, sides, column } => {
                Field::at(self.offset(*buffer), planes.iter().copied(), *sides, *column)
            }
        }
    }
}
