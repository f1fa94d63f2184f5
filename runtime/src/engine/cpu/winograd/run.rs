//! A 3x3 convolution by Winograd's method: tiles are transformed, multiplied and transformed back in chunks that stay in
//! the cache.
//!
//! ```text
//! for each chunk of tiles, and part of the outputs where there are fewer chunks than workers:          (one task)
//!     V[point][in][tile]   = input transform
//!     M[point][out][tile]  = sum over in of V[point][in][tile] * U[point][in][out]      (one product per point)
//!     out[tile]            = activation(output transform of M + bias)
//! ```
//!
//! Where `U` is not kept ([`Weights`]), the last two steps are done for one group of outputs after the other.
//!
//! Maps at twice their size are transformed straight from the small ones, and a 2x2 max pool of the result is written on the way.
//!
//! Rounding: the transforms' constants reach 10 in a row and column together, so that errors are some ten times those of a
//! direct sum; a NaN or infinity in one input spoils the whole output tiles that see it, not only its 3x3 neighbours.

#![expect(unsafe_code, reason = "pointers of a leaf kernel")]

use super::chunk::Chunk;
use super::source::{Scale, Source};
use super::weights::Weights;
use crate::engine::cpu::isa::Isa;
use crate::engine::cpu::map::Map;
use crate::engine::cpu::memory::Memory;
use crate::engine::cpu::micro::Run;
use crate::engine::cpu::pack::Groups;
use crate::engine::cpu::step::Step;
use crate::graph::{Activation, Floats};
use alloc::vec::Vec;

/// Numbers of `V` and `M` together that a chunk aims at: 1 MiB, half of a large core's second cache.
const CHUNK_NUMBERS: usize = 1 << 18;
/// Tiles of a chunk at least where `U` is kept, and where it is made: enough to pay for reading or making it.
const LEAST_TILES: [usize; 2] = [28, 64];
/// Tiles of a chunk at most.
const MOST_TILES: usize = 112;

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
    pub weights: &'a Floats<'a>,
    pub bias: Option<&'a Floats<'a>>,
    pub activation: Activation,
    /// Rows and columns of zeros above and to the left; the output's size says how many there are below and to the right.
    pub pads: [usize; 2],
}

/// A prepared 3x3 convolution.
pub(in crate::engine::cpu) struct Winograd {
    isa: Isa,
    pub(super) tile: Tile,
    pub(super) input: Vec<Source>,
    pub(super) output: Map,
    pub(super) stored: bool,
    pub(super) pooled: Option<Map>,
    pub(super) pads: [usize; 2],
    pub(super) weights: Weights,
    pub(super) bias: Vec<f32>,
    pub(super) activation: Activation,
    pub(super) groups: Groups,
    /// Tiles in a row and in all.
    pub(super) tiles: [usize; 2],
    /// Tiles of a chunk.
    pub(super) chunk: usize,
    /// Parts of the outputs: tasks per chunk.
    parts: usize,
    /// Inputs of a point, and of a point where nearest-doubled maps are zero.
    pub(super) runs: [Vec<Run>; 2],
}

impl Winograd {
    /// Prepares `out = activation(conv(in) + bias)`. Tasks are cut so that `workers` have something to do.
    pub fn new(isa: Isa, tile: Tile, maps: &Maps, filter: Filter<'_>, workers: usize) -> Self {
        let Maps { output, stored, pooled, .. } = *maps;
        let input = Source::all(&maps.input);
        let groups = Groups::new(output.channels, isa.lanes());
        let across = output.width.div_ceil(tile.outputs());
        let all = across * output.height.div_ceil(tile.outputs());
        let nearest: Vec<bool> =
            input.iter().flat_map(|s| core::iter::repeat_n(s.scale == Scale::Nearest, s.block.channels)).collect();
        let weights = Weights::new(isa, tile, filter.weights, nearest, groups);
        let together = if weights.are_kept() { groups.blocks() } else { 2 };
        let most = CHUNK_NUMBERS / (tile.points() * isa.lanes() * (input.len() + together));
        let least = LEAST_TILES[usize::from(!weights.are_kept())];
        let chunks = all.div_ceil(most.clamp(least, MOST_TILES)).max(1);
        // Parts transform the same inputs, which is little where there are many outputs.
        let parts = if chunks.is_multiple_of(workers) || groups.each().count() < 2 * workers { 1 } else { workers };
        let chunks = if parts == 1 { chunks.next_multiple_of(workers.min(all)).max(1) } else { chunks };
        let chunk = all.div_ceil(chunks);
        let seen = |all: bool| input.iter().enumerate().filter(move |(_, s)| all || s.scale != Scale::Nearest);
        let run = |(index, s): (usize, &Source)| Run { offset: index * chunk * isa.lanes(), len: s.block.channels };
        let runs = [seen(true).map(run).collect(), seen(false).map(run).collect()];
        let (bias, Filter { activation, pads, .. }) = (groups.per_lane(filter.bias), filter);
        let tiles = [across, all];
        Self { isa, tile, input, output, stored, pooled, pads, weights, bias, activation, groups, tiles, chunk, parts, runs }
    }

    /// Most blocks of outputs whose products are there at the same time.
    fn together(&self) -> usize {
        if self.weights.are_kept() { self.groups.blocks() } else { 2 }
    }

    /// From one point to the next in `V`; one vector more than needed, so that points do not fall on the same cache lines.
    pub(super) fn v_point(&self) -> usize {
        (self.input.len() * self.chunk + 1) * self.isa.lanes()
    }

    /// From one point to the next in `M`.
    pub(super) fn m_point(&self) -> usize {
        (self.together() * self.chunk + 1) * self.isa.lanes()
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
        self.tiles[1].div_ceil(self.chunk) * self.parts
    }

    fn scratch(&self) -> usize {
        self.tile.points() * (self.v_point() + self.m_point()) + self.weights.room()
    }

    fn bytes(&self) -> usize {
        self.weights.bytes() + size_of_val(&self.bias[..])
    }

    unsafe fn run(&self, task: usize, worker: usize, memory: &Memory<'_>) {
        let (chunk, part) = (task / self.parts, task % self.parts);
        let first = chunk * self.chunk;
        let count = self.chunk.min(self.tiles[1] - first);
        let groups = self.groups.each().count();
        let groups = [part * groups / self.parts, (part + 1) * groups / self.parts];
        let v = memory.scratch(worker, self.scratch());
        // SAFETY: `V`, `M` and the room for weights are the three parts of this worker's scratch.
        let (m, u) = unsafe {
            let m = v.add(self.tile.points() * self.v_point());
            (m, m.add(self.tile.points() * self.m_point()))
        };
        // SAFETY: tasks differ in tiles or outputs, and so in what they write; the input is not written by this step.
        unsafe { self.isa.run(Chunk { step: self, first, count, groups, v, m, u, memory }) }
    }
}
