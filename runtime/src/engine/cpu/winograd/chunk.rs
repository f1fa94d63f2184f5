//! The work of one task: a chunk of tiles from the input maps to the outputs.

#![expect(unsafe_code, reason = "pointers of a leaf kernel")]
#![expect(unsafe_op_in_unsafe_fn, reason = "each function has one proof, under its Safety heading")]

use super::doubled;
use super::run::{Tile, Winograd};
use super::transform::{self, Four, Method, Two};
use crate::engine::cpu::activation;
use crate::engine::cpu::map::Map;
use crate::engine::cpu::memory::Memory;
use crate::engine::cpu::micro::{self, Operands, RowSink, Sink};
use crate::engine::cpu::vector::{Kernel, Vector};

/// The work of one task.
#[derive(Clone, Copy)]
pub(super) struct Chunk<'a> {
    pub step: &'a Winograd,
    /// First tile, and how many.
    pub first: usize,
    pub count: usize,
    /// First group of outputs, and the one behind the last.
    pub groups: [usize; 2],
    /// Transformed inputs, products, and room for weights.
    pub v: *mut f32,
    pub m: *mut f32,
    pub u: *mut f32,
    pub memory: &'a Memory<'a>,
}

impl Kernel for Chunk<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        match self.step.tile {
            Tile::Four => self.all::<V, Four, 6, 4>(),
            Tile::Two => self.all::<V, Two, 4, 2>(),
        }
    }
}

/// SAFETY of all methods: [`Step::run`](crate::engine::cpu::step::Step::run) made the chunk.
impl Chunk<'_> {
    #[inline(always)]
    unsafe fn all<V: Vector, M: Method<T, O>, const T: usize, const O: usize>(self) {
        self.transform_inputs::<V, M, T, O>();
        let [first, end] = self.groups;
        // Kept weights of all groups are read while the inputs of a point are in the first cache; others are made by group.
        let together = if self.step.weights.are_kept() { end - first } else { 1 };
        for first in (first..end).step_by(together.max(1)) {
            let groups = [first, first + together];
            self.multiply::<V, M, T, O>(groups);
            self.transform_outputs::<V, M, T, O>(groups);
        }
    }

    /// Row and column of the tile's first output, of `outputs` in a row.
    #[inline(always)]
    fn origin(&self, index: usize, outputs: usize) -> [usize; 2] {
        let (tile, across) = (self.first + index, self.step.tiles[0]);
        [tile / across * outputs, tile % across * outputs]
    }

    /// First block and number of blocks of some groups.
    #[inline(always)]
    fn each(&self, [first, end]: [usize; 2]) -> impl Iterator<Item = (usize, usize)> {
        self.step.groups.each().skip(first).take(end - first)
    }

    #[inline(always)]
    unsafe fn transform_inputs<V: Vector, M: Method<T, O>, const T: usize, const O: usize>(self) {
        let Winograd { input, pads, chunk, .. } = self.step;
        let point = self.step.v_point();
        for (index, source) in input.iter().enumerate() {
            let from = self.memory.at(source.block.offset, source.len());
            for tile in 0..self.count {
                let to = self.v.add((index * chunk + tile) * V::LANES);
                source.transform::<V, M, T, O>(from, self.origin(tile, O), *pads, (to, point));
            }
        }
    }

    /// Products of the groups, the first one's at the beginning of `M`.
    #[inline(always)]
    unsafe fn multiply<V: Vector, M: Method<T, O>, const T: usize, const O: usize>(self, groups: [usize; 2]) {
        let Winograd { chunk, weights, runs, .. } = self.step;
        let start = 2 * groups[0];
        for row in 0..T {
            // Weights that are not kept come here one group at a time.
            for group in self.each(groups) {
                weights.make_row::<V, M, T, O>(group, row, self.u);
            }
            for point in row * T..(row + 1) * T {
                let v = self.v.add(point * self.step.v_point());
                let m = self.m.add(point * self.step.m_point());
                let runs = &runs[usize::from(doubled::is_zero(point, T))];
                for (first, blocks) in self.each(groups) {
                    let u = weights.point((first, blocks), point, self.u);
                    let from = Operands { input: v, step: V::LANES, runs, weights: u };
                    let to = Products { to: m.add((first - start) * chunk * V::LANES), block: chunk * V::LANES };
                    micro::rows::<V>(from, self.count, blocks, &to);
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn transform_outputs<V: Vector, M: Method<T, O>, const T: usize, const O: usize>(self, groups: [usize; 2]) {
        let (output, start) = (&self.step.output, 2 * groups[0]);
        for index in start..output.blocks().min(2 * groups[1]) {
            for tile in 0..self.count {
                let products = self.m.add(((index - start) * self.step.chunk + tile) * V::LANES);
                let at = self.origin(tile, O);
                self.finish_rows::<V, M, T, O>(products, index, at, 0);
                if O > 2 {
                    self.finish_rows::<V, M, T, O>(products, index, at, 2);
                }
            }
        }
    }

    /// Makes rows `first` and `first + 1` of a tile of block `index`, whose first output is at row and column `at`, of its products.
    #[inline(always)]
    unsafe fn finish_rows<V: Vector, M: Method<T, O>, const T: usize, const O: usize>(
        self,
        products: *const f32,
        index: usize,
        at: [usize; 2],
        first: usize,
    ) {
        let Winograd { output, stored, bias, activation, pooled, .. } = self.step;
        let sums = transform::output_rows::<V, M, T, O>(products, self.step.m_point(), first);
        let values = activation::apply_all(*activation, sums, V::load(bias[index * V::LANES..].as_ptr()));
        let [y, x] = [at[0] + first, at[1]];
        if *stored {
            let to = self.memory.at(output.block(index).offset, output.block_len());
            let inside = [output.height.saturating_sub(y), output.width - x];
            self.store::<V, O>(&values, inside, to.wrapping_add(y * output.row_len() + x * V::LANES));
        }
        if let Some(pooled) = pooled {
            self.pool::<V, O>(&values, pooled, index, [y / 2, x / 2]);
        }
    }

    /// Stores what lies inside the map, of which `inside` rows and columns are left.
    #[inline(always)]
    unsafe fn store<V: Vector, const O: usize>(self, values: &[[V; O]; 2], inside: [usize; 2], to: *mut f32) {
        let row = self.step.output.row_len();
        if inside[0] >= 2 && inside[1] >= O {
            // Loops of constant length keep the values in registers.
            for (dy, line) in values.iter().enumerate() {
                for (dx, value) in line.iter().enumerate() {
                    value.store(to.add(dy * row + dx * V::LANES));
                }
            }
        } else {
            self.store_edge::<V, O>(values, inside, to);
        }
    }

    /// As [`Self::store`], where a part of the rows lies beyond the edge.
    #[inline(always)]
    unsafe fn store_edge<V: Vector, const O: usize>(self, values: &[[V; O]; 2], inside: [usize; 2], to: *mut f32) {
        for (dy, line) in values.iter().take(inside[0]).enumerate() {
            for (dx, value) in line.iter().take(inside[1]).enumerate() {
                value.store(to.add(dy * self.step.output.row_len() + dx * V::LANES));
            }
        }
    }

    /// Writes the largest of each 2x2 of two rows of values, as far as it lies inside the pooled map: one block of it, from row
    /// and column `at` on. Of NaN and a number the later one wins, as in the pooling step.
    #[inline(always)]
    unsafe fn pool<V: Vector, const O: usize>(self, values: &[[V; O]; 2], pooled: &Map, block: usize, [y, first]: [usize; 2]) {
        let to = self.memory.at(pooled.block(block).offset, pooled.block_len());
        let [above, below] = values;
        for dx in 0..O / 2 {
            let x = first + dx;
            let largest = above[2 * dx].max(above[2 * dx + 1]).max(below[2 * dx]).max(below[2 * dx + 1]);
            if y < pooled.height && x < pooled.width {
                largest.store(to.add(y * pooled.row_len() + x * V::LANES));
            }
        }
    }
}

/// Where products of one point and group go: rows are tiles.
#[derive(Clone, Copy)]
struct Products {
    to: *mut f32,
    block: usize,
}

impl Sink for Products {
    #[inline(always)]
    unsafe fn put<V: Vector, const R: usize, const B: usize>(&self, sums: [[V; B]; R]) {
        for (row, sums) in sums.into_iter().enumerate() {
            for (block, sum) in sums.into_iter().enumerate() {
                sum.store(self.to.add(block * self.block + row * V::LANES));
            }
        }
    }
}

impl RowSink for Products {
    #[inline(always)]
    unsafe fn at_row<V: Vector>(&self, row: usize) -> impl Sink {
        Self { to: self.to.add(row * V::LANES), ..*self }
    }
}
