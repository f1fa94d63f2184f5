//! A copy of maps or of the image with zeros around it.

#![expect(unsafe_code, reason = "tasks of one step share the arena")]

use super::Field;
use crate::engine::cpu::map::Stack;
use crate::engine::cpu::memory::Memory;
use crate::engine::cpu::step::Step;

/// Where the copy comes from.
#[derive(Debug, Clone)]
pub(in crate::engine::cpu) enum PadFrom {
    /// The image, one plane per channel: height and width.
    Image([usize; 2]),
    /// Blocks of maps.
    Maps(Stack),
}

/// Copies into planes of their own, with zeros all around.
pub(in crate::engine::cpu) struct PadInto {
    from: PadFrom,
    to: Field,
    /// Rows and columns of zeros above and to the left; the field's size says how many there are on the other sides.
    pads: [usize; 2],
}

/// Rows that one task copies.
const ROWS: usize = 32;

impl PadInto {
    /// Copies `from` to `to`, as many planes as both have.
    pub fn new(from: PadFrom, to: Field, pads: [usize; 2]) -> Self {
        Self { from, to, pads }
    }

    fn strips(&self) -> usize {
        self.to.height.div_ceil(ROWS)
    }
}

impl Step for PadInto {
    fn method(&self) -> &'static str {
        "pad"
    }

    fn tasks(&self) -> usize {
        self.to.planes.len() * self.strips()
    }

    unsafe fn run(&self, task: usize, _worker: usize, memory: &Memory<'_>) {
        let (plane, strip) = (task / self.strips(), task % self.strips());
        let ([height, width], from) = match &self.from {
            PadFrom::Image([height, width]) => ([*height, *width], &memory.image()[plane * height * width..]),
            PadFrom::Maps(stack) => {
                // SAFETY: the maps were made by earlier steps; this one writes only the copy.
                let block = unsafe { memory.read(stack.blocks[plane].offset, stack.block_len()) };
                ([stack.height, stack.width], block)
            }
        };
        let (row_len, len) = (self.to.row_len(), width * self.to.column);
        let left = self.pads[1] * self.to.column;
        for row in strip * ROWS..self.to.height.min((strip + 1) * ROWS) {
            // SAFETY: rows of the copy belong to one task each.
            let to = unsafe { memory.write(self.to.planes[plane].offset + row * row_len, row_len) };
            match row.checked_sub(self.pads[0]).filter(|y| *y < height) {
                Some(y) => {
                    to[..left].fill(0.0);
                    to[left..left + len].copy_from_slice(&from[y * len..(y + 1) * len]);
                    to[left + len..].fill(0.0);
                }
                None => to.fill(0.0),
            }
        }
    }
}
