//! Kernels in the form that Winograd's method multiplies, `U = G g G'`: made at preparation where all of them stay in a core's
//! cache, and otherwise row by row for each chunk of tiles anew.
//!
//! `U` is four times (tiles of 4x4 outputs) or nearly twice as large as the kernels. Where it has to come from main memory or a
//! cache that cores share, reading the kernels and transforming them again takes less time, and much less memory.

#![expect(unsafe_code, reason = "pointers of a leaf kernel")]
#![expect(unsafe_op_in_unsafe_fn, reason = "each function has one proof, under its Safety heading")]

use super::doubled::is_zero;
use super::run::Tile;
use super::transform::{self, Four, Method, Two};
use crate::engine::cpu::isa::Isa;
use crate::engine::cpu::pack::Groups;
use crate::engine::cpu::vector::{Kernel, Vector};
use crate::graph::Floats;
use alloc::vec;
use alloc::vec::Vec;

/// Weights of a kernel.
const TAPS: usize = 9;
/// Numbers of `U` that are worth keeping: 1 MiB, half of a large core's second cache.
const KEPT_NUMBERS: usize = 1 << 18;

/// Kernels of a convolution, by groups of output channels.
pub(super) struct Weights {
    groups: Groups,
    /// Of each input whether it is zero at the points of [`is_zero`], which do without its weights.
    nearest: Vec<bool>,
    /// Inputs of one group's `U` before each point, and of all points.
    before: Vec<usize>,
    /// Side of an input tile.
    side: usize,
    /// `[group][point][in][lane]` of `U` if it is kept, otherwise `[group][in][tap][lane]` of the kernels.
    numbers: Vec<f32>,
    kept: bool,
}

impl Weights {
    /// Packs kernels `[out][in][3][3]`; there are as many inputs as entries of `nearest`.
    pub fn new(isa: Isa, tile: Tile, kernels: &Floats<'_>, nearest: Vec<bool>, groups: Groups) -> Self {
        let side = tile.outputs() + 2;
        let [all, some] = [nearest.len(), nearest.iter().filter(|n| !**n).count()];
        let mut before = vec![0];
        let mut sum = 0;
        for point in 0..tile.points() {
            sum += if is_zero(point, side) { some } else { all };
            before.push(sum);
        }
        let kept = sum * groups.lanes() <= KEPT_NUMBERS;
        let mut weights = Self { groups, nearest, before, side, numbers: Vec::new(), kept };
        weights.numbers = if kept { weights.transformed(isa, tile, kernels) } else { weights.packed(kernels) };
        weights
    }

    /// All kernels in lanes.
    fn packed(&self, kernels: &Floats<'_>) -> Vec<f32> {
        let mut packed = vec![0.0; self.groups.lanes() * self.nearest.len() * TAPS];
        let mut rest = &mut packed[..];
        for group in self.groups.each() {
            let (here, behind) = rest.split_at_mut(self.kernels_of(group));
            self.pack(kernels, group, here);
            rest = behind;
        }
        packed
    }

    /// `U` of all kernels.
    fn transformed(&self, isa: Isa, tile: Tile, kernels: &Floats<'_>) -> Vec<f32> {
        let points = self.before[tile.points()];
        let mut all = vec![0.0; self.groups.lanes() * points];
        let mut room = vec![0.0; 2 * isa.lanes() * self.nearest.len() * TAPS];
        for (first, blocks) in self.groups.each() {
            let lanes = blocks * isa.lanes();
            self.pack(kernels, (first, blocks), &mut room);
            let group = &mut all[first * isa.lanes() * points..][..lanes * points];
            for row in 0..self.side {
                let to = &mut group[self.before[row * self.side] * lanes..self.before[(row + 1) * self.side] * lanes];
                let make = MakeRow { weights: self, tile, kernels: room.as_ptr(), blocks, row, to: to.as_mut_ptr() };
                // SAFETY: the room holds the group's kernels, and `to` the row.
                unsafe { isa.run(make) }
            }
        }
        all
    }

    /// Numbers of a group's kernels.
    fn kernels_of(&self, (_, blocks): (usize, usize)) -> usize {
        blocks * self.groups.block_lanes() * self.nearest.len() * TAPS
    }

    /// Writes a group's kernels, lanes beyond the last channel zero.
    fn pack(&self, kernels: &Floats<'_>, (first, blocks): (usize, usize), to: &mut [f32]) {
        let (inputs, lanes) = (self.nearest.len(), blocks * self.groups.block_lanes());
        let start = first * self.groups.block_lanes();
        for (input, taps) in to.chunks_exact_mut(TAPS * lanes).take(inputs).enumerate() {
            for lane in 0..lanes {
                let kernel = (start + lane < self.groups.channels()).then(|| ((start + lane) * inputs + input) * TAPS);
                for tap in 0..TAPS {
                    taps[tap * lanes + lane] = kernel.map_or(0.0, |at| kernels.at(at + tap));
                }
            }
        }
    }

    /// Whether `U` is kept.
    pub fn are_kept(&self) -> bool {
        self.kept
    }

    /// Bytes of what is kept.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.numbers[..])
    }

    /// Numbers of the room for one row of points of one group.
    pub fn room(&self) -> usize {
        let row = |row: usize| self.before[(row + 1) * self.side] - self.before[row * self.side];
        let most = (0..self.side).map(row).max().unwrap_or(0);
        if self.kept { 0 } else { most * self.groups.block_lanes() * 2 }
    }

    /// Makes one row of a group's points in `room`, unless all of `U` is kept.
    ///
    /// # Safety
    /// The instructions of `V` are available, its lanes are the groups', and `room` holds [`Self::room`] numbers.
    #[inline(always)]
    pub unsafe fn make_row<V: Vector, M: Method<T, O>, const T: usize, const O: usize>(
        &self,
        (first, blocks): (usize, usize),
        row: usize,
        room: *mut f32,
    ) {
        if !self.kept {
            let kernels = self.numbers[first * V::LANES * self.nearest.len() * TAPS..].as_ptr();
            self.transform_row::<V, M, T, O>(kernels, blocks, row, room);
        }
    }

    /// `U` of one point and group, `[in][lane]`: in `room`, where its row was made, or where it is kept.
    #[inline(always)]
    pub fn point(&self, (first, blocks): (usize, usize), point: usize, room: *const f32) -> *const f32 {
        let lanes = self.groups.block_lanes();
        let row = self.before[point / self.side * self.side];
        if self.kept {
            let group = first * lanes * self.before[self.side * self.side];
            self.numbers[group + self.before[point] * blocks * lanes..].as_ptr()
        } else {
            room.wrapping_add((self.before[point] - row) * blocks * lanes)
        }
    }

    /// Transforms one row of points of a group whose kernels are at `kernels`.
    ///
    /// # Safety
    /// The instructions of `V` are available; `kernels` is readable for all inputs and `blocks` blocks, `to` writable for the row.
    #[inline(always)]
    unsafe fn transform_row<V: Vector, M: Method<T, O>, const T: usize, const O: usize>(
        &self,
        kernels: *const f32,
        blocks: usize,
        row: usize,
        to: *mut f32,
    ) {
        match row {
            0 => self.transform::<V, M, T, O, 0>(kernels, blocks, to),
            1 => self.transform::<V, M, T, O, 1>(kernels, blocks, to),
            2 => self.transform::<V, M, T, O, 2>(kernels, blocks, to),
            3 => self.transform::<V, M, T, O, 3>(kernels, blocks, to),
            4 if T > 4 => self.transform::<V, M, T, O, 4>(kernels, blocks, to),
            _ if T > 5 => self.transform::<V, M, T, O, 5>(kernels, blocks, to),
            _ => {}
        }
    }

    /// As [`Self::transform_row`], for row `R`.
    #[inline(always)]
    unsafe fn transform<V: Vector, M: Method<T, O>, const T: usize, const O: usize, const R: usize>(
        &self,
        kernels: *const f32,
        blocks: usize,
        to: *mut f32,
    ) {
        let lanes = blocks * V::LANES;
        let mut starts = [0; T];
        for (c, start) in starts.iter_mut().enumerate() {
            *start = (self.before[R * T + c] - self.before[R * T]) * lanes;
        }
        // Numbers before this input at a point: of all inputs, and of those that are not zero.
        let (mut all, mut some) = (0, 0);
        for (input, nearest) in self.nearest.iter().enumerate() {
            for block in 0..blocks {
                let from = kernels.add(input * TAPS * lanes + block * V::LANES);
                let values = transform::kernel_row::<V, M, T, O, R>(from, lanes);
                for c in 0..T {
                    let zero = is_zero(R * T + c, T);
                    if !(zero && *nearest) {
                        values[c].store(to.add(starts[c] + if zero { some } else { all } + block * V::LANES));
                    }
                }
            }
            all += lanes;
            some += if *nearest { 0 } else { lanes };
        }
    }
}

/// The making of one row of points at preparation.
struct MakeRow<'a> {
    weights: &'a Weights,
    tile: Tile,
    kernels: *const f32,
    blocks: usize,
    row: usize,
    to: *mut f32,
}

impl Kernel for MakeRow<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        match self.tile {
            Tile::Four => self.weights.transform_row::<V, Four, 6, 4>(self.kernels, self.blocks, self.row, self.to),
            Tile::Two => self.weights.transform_row::<V, Two, 4, 2>(self.kernels, self.blocks, self.row, self.to),
        }
    }
}
