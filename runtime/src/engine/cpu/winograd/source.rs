//! What a tile sees: blocks of maps as they are, or of maps at twice their size.

#![expect(unsafe_code, reason = "pointers of a leaf kernel")]
#![expect(unsafe_op_in_unsafe_fn, reason = "each function has one proof, under its Safety heading")]

use super::doubled::{self, SEEN};
use super::transform::{self, Method};
use crate::engine::cpu::map::{Block, Map};
use crate::engine::cpu::vector::Vector;
use alloc::vec::Vec;

/// How large a map is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine::cpu) enum Scale {
    /// As it is.
    Same,
    /// Every row and column twice.
    Nearest,
    /// Twice as large with linear weights, half-pixel centres, the edge repeated.
    Linear,
}

/// A block of channels of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Source {
    pub block: Block,
    pub scale: Scale,
    /// Rows and columns of the map in memory.
    sides: [usize; 2],
    lanes: usize,
}

impl Source {
    /// Blocks of maps, one map behind the other.
    pub fn all(maps: &[(Map, Scale)]) -> Vec<Self> {
        let blocks = |(map, scale): &(Map, Scale)| {
            let (map, scale) = (*map, *scale);
            let sides = [map.height, map.width];
            (0..map.blocks()).map(move |index| Self { block: map.block(index), scale, sides, lanes: map.lanes })
        };
        maps.iter().flat_map(blocks).collect()
    }

    /// Numbers of one row of the map in memory.
    fn row_len(&self) -> usize {
        self.sides[1] * self.lanes
    }

    /// Numbers of the block.
    pub fn len(&self) -> usize {
        self.sides[0] * self.row_len()
    }

    /// Transforms the tile whose first row and column are `origin` minus `pads` of the map as it is seen: `T` x `T` vectors at
    /// `to`, `point` numbers apart. Points that are always zero may be left as they are.
    ///
    /// # Safety
    /// The instructions of `V` are available, the block is readable at `from`, the vectors are writable. Doubled maps have one
    /// row and column of padding, and origins at multiples of `O`.
    #[inline(always)]
    pub unsafe fn transform<V: Vector, M: Method<T, O>, const T: usize, const O: usize>(
        &self,
        from: *const f32,
        origin: [usize; 2],
        pads: [usize; 2],
        (to, point): (*mut f32, usize),
    ) {
        let row = self.row_len();
        // First row and column of the map in memory that the tile sees, and how many it sees.
        let (first, seen): (fn(usize, usize) -> Option<usize>, usize) = match self.scale {
            Scale::Same => (usize::checked_sub, T),
            Scale::Nearest | Scale::Linear => (|origin, pad| (origin / 2).checked_sub(pad), SEEN),
        };
        let corner = match (first(origin[0], pads[0]), first(origin[1], pads[1])) {
            (Some(y), Some(x)) if y + seen <= self.sides[0] && x + seen <= self.sides[1] => from.add(y * row + x * V::LANES),
            _ => return self.transform_edge::<V, M, T, O>(from, origin, pads, (to, point)),
        };
        match self.scale {
            Scale::Same => transform::input::<V, M, T, O>(corner, row, to, point),
            // Small tiles are for small maps, where this is little of the work.
            _ if T < 6 => self.transform_edge::<V, M, T, O>(from, origin, pads, (to, point)),
            Scale::Nearest => doubled::input::<V, false>(corner, row, to, point),
            Scale::Linear => doubled::input::<V, true>(corner, row, to, point),
        }
    }

    /// As [`Self::transform`], number by number of the map as it is seen, with zeros beyond it.
    #[inline(always)]
    unsafe fn transform_edge<V: Vector, M: Method<T, O>, const T: usize, const O: usize>(
        &self,
        from: *const f32,
        origin: [usize; 2],
        pads: [usize; 2],
        (to, point): (*mut f32, usize),
    ) {
        let factor = if self.scale == Scale::Same { 1 } else { 2 };
        let mut patch = [[V::splat(0.0); T]; T];
        for (dy, line) in patch.iter_mut().enumerate() {
            let Some(y) = (origin[0] + dy).checked_sub(pads[0]).filter(|y| *y < factor * self.sides[0]) else { continue };
            for (dx, place) in line.iter_mut().enumerate() {
                let Some(x) = (origin[1] + dx).checked_sub(pads[1]).filter(|x| *x < factor * self.sides[1]) else { continue };
                *place = self.seen_at::<V>(from, y, x);
            }
        }
        transform::input::<V, M, T, O>(patch.as_ptr().cast(), T * V::LANES, to, point);
    }

    /// The vector at a row and column of the map as it is seen.
    #[inline(always)]
    unsafe fn seen_at<V: Vector>(&self, from: *const f32, y: usize, x: usize) -> V {
        let at = |y: usize, x: usize| V::load(from.add(y * self.row_len() + x * V::LANES));
        match self.scale {
            Scale::Same => at(y, x),
            Scale::Nearest => at(y / 2, x / 2),
            Scale::Linear => {
                // The nearer row has three quarters; even rows see the one before as well, odd ones the one behind.
                let other = |place: usize, side: usize| {
                    let near = place / 2;
                    if place.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(side - 1) }
                };
                let (far_y, far_x) = (other(y, self.sides[0]), other(x, self.sides[1]));
                let (near, far) = (V::splat(0.75), V::splat(0.25));
                let mix = |row: usize| near.mul_add(at(row, x / 2), far.mul(at(row, far_x)));
                near.mul_add(mix(y / 2), far.mul(mix(far_y)))
            }
        }
    }
}
