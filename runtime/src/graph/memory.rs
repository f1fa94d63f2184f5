//! One arena for everything that a run writes: who lives when, and where.

use super::limits::MAX_NUMBERS;
use crate::error::{Error, Text};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Something that needs a place in memory during some steps of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buffer {
    /// Whose it is, for people.
    pub name: String,
    /// How much.
    pub bytes: usize,
    /// The first step during which it must keep its place: the one that writes it.
    pub first: usize,
    /// The last step during which it must keep its place: its last reader; at least `first`.
    pub last: usize,
}

/// Where a buffer lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// What lies there, its size rounded up to whole alignment units.
    pub buffer: Buffer,
    /// First byte in the arena.
    pub offset_bytes: usize,
}

impl Placement {
    fn end(&self) -> usize {
        self.offset_bytes + self.buffer.bytes
    }

    fn lives_with(&self, other: &Buffer) -> bool {
        self.buffer.first <= other.last && other.first <= self.buffer.last
    }
}

/// Places of all buffers of a run in one arena: buffers that live at the same time never overlap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryPlan {
    /// In the order in which the buffers were given.
    placements: Vec<Placement>,
    peak_bytes: usize,
    align_bytes: usize,
}

impl MemoryPlan {
    /// Plans one arena in which every buffer begins at a multiple of `align_bytes`.
    ///
    /// Buffers are placed by size, largest first, each into the smallest gap that holds it (Pisarchyk and Lee, "Efficient Memory
    /// Management for Deep Neural Net Inference", 2020, greedy by size).
    ///
    /// # Errors
    /// [`Error::NetworkFile`] if a buffer or the arena would be larger than 8 GiB or than this machine can address.
    pub fn new(buffers: Vec<Buffer>, align_bytes: usize) -> Result<Self, Error> {
        let mut plan = Self { placements: Vec::with_capacity(buffers.len()), peak_bytes: 0, align_bytes };
        for buffer in buffers {
            let buffer = plan.rounded(buffer)?;
            plan.placements.push(Placement { buffer, offset_bytes: 0 });
        }
        let mut order: Vec<usize> = (0..plan.placements.len()).collect();
        let size = |index: &usize| (core::cmp::Reverse(plan.placements[*index].buffer.bytes), *index);
        order.sort_by_key(size);
        // What is placed, by offset.
        let mut placed: Vec<usize> = Vec::with_capacity(order.len());
        for index in order {
            let offset_bytes = plan.gap(&placed, &plan.placements[index].buffer);
            plan.placements[index].offset_bytes = offset_bytes;
            let end = offset_bytes.checked_add(plan.placements[index].buffer.bytes).filter(|end| *end <= MAX_BYTES);
            plan.peak_bytes = plan.peak_bytes.max(end.ok_or_else(too_large)?);
            placed.insert(placed.partition_point(|p| plan.placements[*p].offset_bytes <= offset_bytes), index);
        }
        Ok(plan)
    }

    /// Adds a buffer behind all others, whatever lives when.
    ///
    /// # Errors
    /// As for [`Self::new`].
    pub fn append(&mut self, buffer: Buffer) -> Result<(), Error> {
        let placement = Placement { buffer: self.rounded(buffer)?, offset_bytes: self.peak_bytes };
        self.peak_bytes =
            placement.offset_bytes.checked_add(placement.buffer.bytes).filter(|e| *e <= MAX_BYTES).ok_or_else(too_large)?;
        self.placements.push(placement);
        Ok(())
    }

    /// All places, in the order in which the buffers were given.
    pub fn placements(&self) -> &[Placement] {
        &self.placements
    }

    /// Bytes of the arena.
    pub fn peak_bytes(&self) -> usize {
        self.peak_bytes
    }

    /// The most bytes that live during one step: no plan can do with less.
    pub fn least_bytes(&self) -> usize {
        let living = |step: usize| {
            let alive = self.placements.iter().filter(|p| (p.buffer.first..=p.buffer.last).contains(&step));
            alive.map(|p| p.buffer.bytes).sum()
        };
        // The sum only rises where a buffer begins.
        self.placements.iter().map(|p| living(p.buffer.first)).max().unwrap_or(0)
    }

    fn rounded(&self, buffer: Buffer) -> Result<Buffer, Error> {
        let bytes = buffer.bytes.checked_next_multiple_of(self.align_bytes).filter(|bytes| *bytes <= MAX_BYTES);
        Ok(Buffer { bytes: bytes.ok_or_else(too_large)?, ..buffer })
    }

    /// Offset of the smallest gap among the placed buffers that holds another one.
    fn gap(&self, placed: &[usize], buffer: &Buffer) -> usize {
        let (mut end, mut best): (usize, Option<(usize, usize)>) = (0, None);
        for other in placed.iter().map(|p| &self.placements[*p]).filter(|other| other.lives_with(buffer)) {
            let gap = other.offset_bytes.saturating_sub(end);
            if gap >= buffer.bytes && best.is_none_or(|(smallest, _)| gap < smallest) {
                best = Some((gap, end));
            }
            end = end.max(other.end());
        }
        best.map_or(end, |(_, offset)| offset)
    }
}

/// Eight times the largest map, and addressable.
const MAX_BYTES: usize = if usize::BITS > 32 { MAX_NUMBERS.saturating_mul(32) } else { isize::MAX as usize };

fn too_large() -> Error {
    Error::NetworkFile { place: Text::new("memory plan"), what: "its maps do not fit into memory" }
}

/// A table: offset, size, steps and name of each buffer in order of their first steps.
impl fmt::Display for MemoryPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sorted: Vec<&Placement> = self.placements.iter().collect();
        sorted.sort_by_key(|p| (p.buffer.first, p.offset_bytes));
        writeln!(f, "{:>12} {:>12} {:>9}  buffer", "offset", "bytes", "steps")?;
        for Placement { buffer, offset_bytes } in sorted {
            let steps = alloc::format!("{}-{}", buffer.first, buffer.last);
            writeln!(f, "{offset_bytes:>12} {:>12} {steps:>9}  {}", buffer.bytes, buffer.name)?;
        }
        write!(f, "{:>12} bytes in all; {} live at the same time", self.peak_bytes, self.least_bytes())
    }
}

#[cfg(test)]
mod tests;
