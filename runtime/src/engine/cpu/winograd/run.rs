//! A 3x3 convolution by Winograd's method: tiles are transformed, multiplied and transformed back in chunks that stay in
//! the cache.
//!
//! ```text
//! for each chunk of tiles:                     (one task)
//!     V[point][in][tile]   = input transform
//!     M[point][out][tile]  = sum over in of V[point][in][tile] * U[point][in][out]      (36 matrix products)
//!     out[4x4 of the tile] = activation(output transform of M + bias)
//! ```
//!
//! Rounding: the transforms' constants reach 10 in a row and column together, so that errors are some ten times those of a
//! direct sum; a NaN or infinity in one input spoils the whole output tiles that see it, not only its 3x3 neighbours.

#![expect(unsafe_code, reason = "pointers of a leaf kernel")]
#![expect(unsafe_op_in_unsafe_fn, reason = "each function has one proof, under its Safety heading")]

use super::transform::{self, OUT, POINTS, TILE};
use super::weights;
use crate::engine::cpu::activation;
use crate::engine::cpu::isa::Isa;
use crate::engine::cpu::map::{Map, Stack};
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

/// A prepared 3x3 convolution.
pub(in crate::engine::cpu) struct Winograd {
    isa: Isa,
    input: Stack,
    output: Map,
    /// Rows and columns of zeros above and to the left.
    pads: [usize; 2],
    /// `U`: `[point][group][in][lane]`.
    weights: Vec<f32>,
    bias: Vec<f32>,
    activation: Activation,
    groups: Groups,
    /// Tiles in a row and in all.
    tiles: [usize; 2],
    /// Tiles of a chunk.
    chunk: usize,
    runs: Vec<Run>,
}

impl Winograd {
    /// Prepares `out = activation(conv(in) + bias)` with weights `[out][in][3][3]` and `pads` zeros above and to the left; the
    /// output's size says how many there are below and to the right. Chunks are cut so that `workers` have something to do.
    pub fn new(
        isa: Isa,
        (input, output): (Stack, Map),
        pads: [usize; 2],
        (weights, bias): (&[f32], Option<&[f32]>),
        activation: Activation,
        workers: usize,
    ) -> Self {
        let groups = Groups::new(output.channels, isa.lanes());
        let channels_in = input.channels();
        let across = output.width.div_ceil(OUT);
        let all = across * output.height.div_ceil(OUT);
        let per_tile = POINTS * isa.lanes() * (input.blocks.len() + groups.blocks());
        let most = (CHUNK_NUMBERS / per_tile).clamp(CHUNK_TILES[0], CHUNK_TILES[1]);
        let chunk = all.div_ceil(all.div_ceil(most).next_multiple_of(workers.min(all)).max(1));
        let runs = input.blocks.iter().enumerate();
        let runs = runs.map(|(index, block)| Run { offset: index * chunk * isa.lanes(), len: block.channels }).collect();
        let (weights, bias) = (weights::pack(weights, channels_in, &groups), groups.per_lane(bias));
        Self { isa, input, output, pads, weights, bias, activation, groups, tiles: [across, all], chunk, runs }
    }

    /// From one point to the next in `V`; one vector more than needed, so that points do not fall on the same cache lines.
    fn v_point(&self) -> usize {
        (self.input.blocks.len() * self.chunk + 1) * self.isa.lanes()
    }

    /// From one point to the next in `M`.
    fn m_point(&self) -> usize {
        (self.groups.blocks() * self.chunk + 1) * self.isa.lanes()
    }
}

impl Step for Winograd {
    fn method(&self) -> &'static str {
        "winograd 4x4"
    }

    fn tasks(&self) -> usize {
        self.tiles[1].div_ceil(self.chunk)
    }

    fn scratch(&self) -> usize {
        POINTS * (self.v_point() + self.m_point())
    }

    fn bytes(&self) -> usize {
        size_of_val(&self.weights[..]) + size_of_val(&self.bias[..])
    }

    unsafe fn run(&self, task: usize, worker: usize, memory: &Memory<'_>) {
        let first = task * self.chunk;
        let count = self.chunk.min(self.tiles[1] - first);
        let v = memory.scratch(worker, self.scratch());
        // SAFETY: `V` and `M` are the two parts of this worker's scratch.
        let m = unsafe { v.add(POINTS * self.v_point()) };
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
        self.transform_inputs::<V>();
        self.multiply::<V>();
        self.transform_outputs::<V>();
    }
}

/// SAFETY of all methods: [`Step::run`] made the chunk.
impl Chunk<'_> {
    /// Row and column of the tile's first output.
    #[inline(always)]
    fn origin(&self, index: usize) -> [usize; 2] {
        let (tile, across) = (self.first + index, self.step.tiles[0]);
        [tile / across * OUT, tile % across * OUT]
    }

    #[inline(always)]
    unsafe fn transform_inputs<V: Vector>(self) {
        let Winograd { input, pads, chunk, .. } = self.step;
        let (row, point) = (input.row_len(), self.step.v_point());
        for (index, block) in input.blocks.iter().enumerate() {
            let from = self.memory.at(block.offset, input.block_len());
            for tile in 0..self.count {
                let [y, x] = self.origin(tile);
                let to = self.v.add((index * chunk + tile) * V::LANES);
                let inside = |at: usize, pad: usize, side: usize| at >= pad && at - pad + TILE <= side;
                if inside(y, pads[0], input.height) && inside(x, pads[1], input.width) {
                    let corner = from.add((y - pads[0]) * row + (x - pads[1]) * V::LANES);
                    transform::input::<V>(corner, row, to, point);
                } else {
                    self.transform_edge::<V>(from, [y, x], to);
                }
            }
        }
    }

    /// As [`transform::input`] for a tile that reaches beyond the map, where zeros are.
    #[inline(always)]
    unsafe fn transform_edge<V: Vector>(self, from: *const f32, origin: [usize; 2], to: *mut f32) {
        let Winograd { input, pads, .. } = self.step;
        let mut patch = [V::splat(0.0); POINTS];
        for dy in 0..TILE {
            let Some(y) = (origin[0] + dy).checked_sub(pads[0]).filter(|y| *y < input.height) else { continue };
            for dx in 0..TILE {
                let Some(x) = (origin[1] + dx).checked_sub(pads[1]).filter(|x| *x < input.width) else { continue };
                patch[dy * TILE + dx] = V::load(from.add(y * input.row_len() + x * V::LANES));
            }
        }
        transform::input::<V>(patch.as_ptr().cast(), TILE * V::LANES, to, self.step.v_point());
    }

    #[inline(always)]
    unsafe fn multiply<V: Vector>(self) {
        let Winograd { groups, chunk, runs, weights, .. } = self.step;
        let channels_in = self.step.input.channels();
        for point in 0..POINTS {
            let v = self.v.add(point * self.step.v_point());
            let m = self.m.add(point * self.step.m_point());
            let u = weights[point * channels_in * groups.lanes()..].as_ptr();
            for (first, blocks) in groups.each() {
                let from = Operands { input: v, step: V::LANES, runs, weights: u.add(first * V::LANES * channels_in) };
                let to = Products { to: m.add(first * chunk * V::LANES), block: chunk * V::LANES };
                micro::rows::<V>(from, self.count, blocks, &to);
            }
        }
    }

    #[inline(always)]
    unsafe fn transform_outputs<V: Vector>(self) {
        let Winograd { output, chunk, bias, activation, .. } = self.step;
        let (row, point) = (output.row_len(), self.step.m_point());
        for index in 0..output.blocks() {
            let to = self.memory.at(output.block(index).offset, output.block_len());
            let bias = V::load(bias[index * V::LANES..].as_ptr());
            for tile in 0..self.count {
                let [y, x] = self.origin(tile);
                let sums = transform::output::<V>(self.m.add((index * chunk + tile) * V::LANES), point);
                let values = activation::apply_all(*activation, sums, bias);
                let to = to.add(y * row + x * V::LANES);
                if y + OUT <= output.height && x + OUT <= output.width {
                    // Loops of constant length keep the values in registers.
                    for (n, value) in values.into_iter().enumerate() {
                        value.store(to.add(n / OUT * row + n % OUT * V::LANES));
                    }
                } else {
                    self.store_edge::<V>(&values, [output.height - y, output.width - x], to);
                }
            }
        }
    }

    /// Stores what lies inside the map, of which `inside` rows and columns are left.
    #[inline(always)]
    unsafe fn store_edge<V: Vector>(self, values: &[V; OUT * OUT], inside: [usize; 2], to: *mut f32) {
        for (dy, line) in values.chunks_exact(OUT).take(inside[0]).enumerate() {
            for (dx, value) in line.iter().take(inside[1]).enumerate() {
                value.store(to.add(dy * self.step.output.row_len() + dx * V::LANES));
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
