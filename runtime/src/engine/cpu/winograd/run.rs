//! A 3x3 convolution by Winograd's method: tiles are transformed, multiplied and transformed back in chunks that stay in
//! the cache.
//!
//! ```text
//! for each chunk of tiles:                     (one task)
//!     V[point][in][tile]   = input transform
//!     M[point][out][tile]  = sum over in of V[point][in][tile] * U[point][in][out]      (one product per point)
//!     out[tile]            = activation(output transform of M + bias)
//! ```
//!
//! Maps at twice their size are transformed straight from the small ones, and a 2x2 max pool of the result is written on the way.
//!
//! Rounding: the transforms' constants reach 10 in a row and column together, so that errors are some ten times those of a
//! direct sum; a NaN or infinity in one input spoils the whole output tiles that see it, not only its 3x3 neighbours.

#![expect(unsafe_code, reason = "pointers of a leaf kernel")]
#![expect(unsafe_op_in_unsafe_fn, reason = "each function has one proof, under its Safety heading")]

use super::doubled;
use super::source::{Scale, Source};
use super::transform::{self, Four, Method, Two};
use super::weights;
use crate::engine::cpu::activation;
use crate::engine::cpu::isa::Isa;
use crate::engine::cpu::map::Map;
use crate::engine::cpu::memory::Memory;
use crate::engine::cpu::micro::{self, Operands, RowSink, Run, Sink};
use crate::engine::cpu::pack::Groups;
use crate::engine::cpu::step::Step;
use crate::engine::cpu::vector::{Kernel, Vector};
use crate::graph::Activation;
use alloc::vec::Vec;

/// Numbers of `V` and `M` together that a chunk aims at: 1 MiB, half of a large core's second cache.
const CHUNK_NUMBERS: usize = 1 << 18;
/// Tiles of a chunk: enough to pay for reading the weights, few enough for the cache.
const CHUNK_TILES: [usize; 2] = [28, 112];

/// What a convolution reads and writes.
pub(in crate::engine::cpu) struct Maps {
    /// The input's channels, map behind map. Maps that are doubled need one row and column of padding.
    pub input: Vec<(Map, Scale)>,
    pub output: Map,
    /// Whether the output is wanted; its place means nothing otherwise.
    pub stored: bool,
    /// The largest of every 2x2 outputs as well: half as many rows and columns, rounded down.
    pub pooled: Option<Map>,
}

/// Side of the tiles of outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine::cpu) enum Tile {
    /// 36 products for 16 outputs.
    Four,
    /// 16 products for 4 outputs.
    Two,
}

impl Tile {
    /// Rows and columns of outputs.
    pub fn outputs(self) -> usize {
        match self {
            Self::Four => 4,
            Self::Two => 2,
        }
    }

    /// Products per tile.
    pub fn points(self) -> usize {
        (self.outputs() + 2) * (self.outputs() + 2)
    }
}

/// Weights `[out][in][3][3]` and what follows the sums.
#[derive(Clone, Copy)]
pub(in crate::engine::cpu) struct Filter<'a> {
    pub weights: &'a [f32],
    pub bias: Option<&'a [f32]>,
    pub activation: Activation,
    /// Rows and columns of zeros above and to the left; the output's size says how many there are below and to the right.
    pub pads: [usize; 2],
}

/// A prepared 3x3 convolution.
pub(in crate::engine::cpu) struct Winograd {
    isa: Isa,
    tile: Tile,
    input: Vec<Source>,
    output: Map,
    stored: bool,
    pooled: Option<Map>,
    pads: [usize; 2],
    /// `U`: `[point][group][in][lane]`, without the inputs that are always zero at a point.
    weights: Vec<f32>,
    /// Where the weights of each point begin.
    points: Vec<usize>,
    bias: Vec<f32>,
    activation: Activation,
    groups: Groups,
    /// Tiles in a row and in all.
    tiles: [usize; 2],
    /// Tiles of a chunk.
    chunk: usize,
    /// Inputs of a point, and of a point where nearest-doubled maps are zero.
    runs: [Vec<Run>; 2],
}

impl Winograd {
    /// Prepares `out = activation(conv(in) + bias)`. Chunks are cut so that `workers` have something to do.
    pub fn new(isa: Isa, tile: Tile, maps: &Maps, filter: Filter<'_>, workers: usize) -> Self {
        let Maps { output, stored, pooled, .. } = *maps;
        let input = Source::all(&maps.input);
        let groups = Groups::new(output.channels, isa.lanes());
        let across = output.width.div_ceil(tile.outputs());
        let all = across * output.height.div_ceil(tile.outputs());
        let per_tile = tile.points() * isa.lanes() * (input.len() + groups.blocks());
        let most = (CHUNK_NUMBERS / per_tile).clamp(CHUNK_TILES[0], CHUNK_TILES[1]);
        let chunk = all.div_ceil(all.div_ceil(most).next_multiple_of(workers.min(all)).max(1));
        let seen = |all: bool| input.iter().enumerate().filter(move |(_, s)| all || s.scale != Scale::Nearest);
        let run = |(index, s): (usize, &Source)| Run { offset: index * chunk * isa.lanes(), len: s.block.channels };
        let runs = [seen(true).map(run).collect(), seen(false).map(run).collect()];
        let nearest: Vec<bool> =
            input.iter().flat_map(|s| core::iter::repeat_n(s.scale == Scale::Nearest, s.block.channels)).collect();
        let (weights, points) = match tile {
            Tile::Four => weights::pack::<Four, 6, 4>(filter.weights, &nearest, &groups),
            Tile::Two => weights::pack::<Two, 4, 2>(filter.weights, &nearest, &groups),
        };
        let (bias, Filter { activation, pads, .. }) = (groups.per_lane(filter.bias), filter);
        let tiles = [across, all];
        Self { isa, tile, input, output, stored, pooled, pads, weights, points, bias, activation, groups, tiles, chunk, runs }
    }

    /// From one point to the next in `V`; one vector more than needed, so that points do not fall on the same cache lines.
    fn v_point(&self) -> usize {
        (self.input.len() * self.chunk + 1) * self.isa.lanes()
    }

    /// From one point to the next in `M`.
    fn m_point(&self) -> usize {
        (self.groups.blocks() * self.chunk + 1) * self.isa.lanes()
    }
}

impl Step for Winograd {
    fn method(&self) -> &'static str {
        let has = |scale| self.input.iter().any(|source| source.scale == scale);
        match (has(Scale::Nearest), has(Scale::Linear), self.pooled.is_some()) {
            (true, ..) => "winograd, nearest",
            (_, true, _) => "winograd, linear",
            (_, _, true) => "winograd, pool",
            _ if self.tile == Tile::Two => "winograd 2x2",
            _ => "winograd 4x4",
        }
    }

    fn tasks(&self) -> usize {
        self.tiles[1].div_ceil(self.chunk)
    }

    fn scratch(&self) -> usize {
        self.tile.points() * (self.v_point() + self.m_point())
    }

    fn bytes(&self) -> usize {
        size_of_val(&self.weights[..]) + size_of_val(&self.bias[..])
    }

    unsafe fn run(&self, task: usize, worker: usize, memory: &Memory<'_>) {
        let first = task * self.chunk;
        let count = self.chunk.min(self.tiles[1] - first);
        let v = memory.scratch(worker, self.scratch());
        // SAFETY: `V` and `M` are the two parts of this worker's scratch.
        let m = unsafe { v.add(self.tile.points() * self.v_point()) };
        // SAFETY: tiles of different tasks are different, and so are their outputs; the input is not written by this step.
        unsafe { self.isa.run(Chunk { step: self, first, count, v, m, memory }) }
    }
}

/// The work of one task.
#[derive(Clone, Copy)]
struct Chunk<'a> {
    step: &'a Winograd,
    first: usize,
    count: usize,
    v: *mut f32,
    m: *mut f32,
    memory: &'a Memory<'a>,
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

/// SAFETY of all methods: [`Step::run`] made the chunk.
impl Chunk<'_> {
    #[inline(always)]
    unsafe fn all<V: Vector, M: Method<T, O>, const T: usize, const O: usize>(self) {
        self.transform_inputs::<V, M, T, O>();
        self.multiply::<V>();
        self.transform_outputs::<V, M, T, O>();
    }

    /// Row and column of the tile's first output, of `outputs` in a row.
    #[inline(always)]
    fn origin(&self, index: usize, outputs: usize) -> [usize; 2] {
        let (tile, across) = (self.first + index, self.step.tiles[0]);
        [tile / across * outputs, tile % across * outputs]
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

    #[inline(always)]
    unsafe fn multiply<V: Vector>(self) {
        let Winograd { groups, chunk, weights, points, tile, .. } = self.step;
        for (point, start) in points.iter().enumerate() {
            let v = self.v.add(point * self.step.v_point());
            let m = self.m.add(point * self.step.m_point());
            let runs = &self.step.runs[usize::from(doubled::is_zero(point, tile.outputs() + 2))];
            let channels_in: usize = runs.iter().map(|run| run.len).sum();
            let u = weights[*start..].as_ptr();
            for (first, blocks) in groups.each() {
                let from = Operands { input: v, step: V::LANES, runs, weights: u.add(first * V::LANES * channels_in) };
                let to = Products { to: m.add(first * chunk * V::LANES), block: chunk * V::LANES };
                micro::rows::<V>(from, self.count, blocks, &to);
            }
        }
    }

    #[inline(always)]
    unsafe fn transform_outputs<V: Vector, M: Method<T, O>, const T: usize, const O: usize>(self) {
        let Winograd { output, stored, chunk, bias, activation, .. } = self.step;
        let (row, point) = (output.row_len(), self.step.m_point());
        for index in 0..output.blocks() {
            let bias = V::load(bias[index * V::LANES..].as_ptr());
            let to = stored.then(|| self.memory.at(output.block(index).offset, output.block_len()));
            for tile in 0..self.count {
                let [y, x] = self.origin(tile, O);
                let sums = transform::output::<V, M, T, O>(self.m.add((index * chunk + tile) * V::LANES), point);
                let values = activation::apply_all(*activation, sums, bias);
                if let Some(to) = to {
                    self.store::<V, O>(&values, [output.height - y, output.width - x], to.add(y * row + x * V::LANES));
                }
                if let Some(pooled) = &self.step.pooled {
                    self.pool::<V, O>(&values, pooled, index, [y / 2, x / 2]);
                }
            }
        }
    }

    /// Stores what lies inside the map, of which `inside` rows and columns are left.
    #[inline(always)]
    unsafe fn store<V: Vector, const O: usize>(self, values: &[[V; O]; O], inside: [usize; 2], to: *mut f32) {
        let row = self.step.output.row_len();
        if inside[0] >= O && inside[1] >= O {
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

    /// As [`Self::store`], where a part of the tile lies beyond the edge.
    #[inline(always)]
    unsafe fn store_edge<V: Vector, const O: usize>(self, values: &[[V; O]; O], inside: [usize; 2], to: *mut f32) {
        for (dy, line) in values.iter().take(inside[0]).enumerate() {
            for (dx, value) in line.iter().take(inside[1]).enumerate() {
                value.store(to.add(dy * self.step.output.row_len() + dx * V::LANES));
            }
        }
    }
}

/// SAFETY of all methods: as above.
impl Chunk<'_> {
    /// Writes the largest of each 2x2 of a tile's values, as far as it lies inside the pooled map: one block of it, from row and
    /// column `at` on. Of NaN and a number the later one wins, as in the pooling step.
    #[inline(always)]
    unsafe fn pool<V: Vector, const O: usize>(self, values: &[[V; O]; O], pooled: &Map, block: usize, at: [usize; 2]) {
        let to = self.memory.at(pooled.block(block).offset, pooled.block_len());
        for dy in 0..O / 2 {
            for dx in 0..O / 2 {
                let [y, x] = [at[0] + dy, at[1] + dx];
                let [above, below] = [values[2 * dy], values[2 * dy + 1]];
                let largest = above[2 * dx].max(above[2 * dx + 1]).max(below[2 * dx]).max(below[2 * dx + 1]);
                if y < pooled.height && x < pooled.width {
                    largest.store(to.add(y * pooled.row_len() + x * V::LANES));
                }
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
    unsafe fn put<V: Vector>(&self, row: usize, block: usize, sum: V) {
        sum.store(self.to.add(block * self.block + row * V::LANES));
    }
}

impl RowSink for Products {
    #[inline(always)]
    unsafe fn at_row<V: Vector>(&self, row: usize) -> impl Sink {
        Self { to: self.to.add(row * V::LANES), ..*self }
    }
}
