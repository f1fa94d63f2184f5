//! The register tile in which all dense sums are made: convolutions of every kind and the products of Winograd's method.
//!
//! ```text
//! sum[row][lane] = sum over k of input[row * step + offset(k)] * weight[k][lane]
//! ```
//!
//! Lanes are output channels, rows are places of the output. The offsets come as runs of neighbouring numbers: the channels
//! of a block, or the taps of a kernel row on a planar image. Every sum is made by one accumulator in the order of `k`, so a
//! result depends neither on the tile it falls into nor on the number of threads.

#![expect(unsafe_code, reason = "the innermost loop of the engine: raw pointers and vector instructions")]
#![expect(unsafe_op_in_unsafe_fn, reason = "each function has one proof, under its Safety heading")]

use super::vector::Vector;

/// A run of input numbers that meet neighbouring rows of the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// First number, from the input pointer of a row.
    pub offset: usize,
    /// Numbers.
    pub len: usize,
}

/// What one register tile reads.
#[derive(Clone, Copy)]
pub(super) struct Operands<'a> {
    /// Input of the first row.
    pub input: *const f32,
    /// From one row's input to the next.
    pub step: usize,
    /// All `k`, in order.
    pub runs: &'a [Run],
    /// `[k][blocks][lane]`, without gaps.
    pub weights: *const f32,
}

/// Takes the sums of a register tile.
pub(super) trait Sink {
    /// Takes the sums of the first `R` rows and `B` blocks.
    ///
    /// # Safety
    /// The instructions of `V` are available and what the sink points to is writable for these rows and blocks.
    unsafe fn put<V: Vector, const R: usize, const B: usize>(&self, sums: [[V; B]; R]);
}

/// Makes `rows` sums of `blocks` (1 or 2) vectors, in as few tiles of about the same height as possible.
///
/// # Safety
/// The instructions of `V` are available. For each row below `rows` and each run, `input + row * step + offset .. + len` is
/// readable; `weights` holds `blocks * LANES` numbers per `k`; the sink takes `rows` rows of `blocks` blocks.
#[inline(always)]
pub(super) unsafe fn rows<V: Vector>(from: Operands<'_>, rows: usize, blocks: usize, sink: &impl RowSink) {
    let most = if blocks == 2 { V::ROWS_2 } else { V::ROWS_1 };
    let tiles = rows.div_ceil(most);
    let (height, taller) = (rows / tiles, rows % tiles);
    let mut first = 0;
    for tile in 0..tiles {
        let count = height + usize::from(tile < taller);
        let here = Operands { input: from.input.add(first * from.step), ..from };
        pick::<V>(here, count, blocks, &sink.at_row::<V>(first));
        first += count;
    }
}

/// A sink that can begin at any row.
pub(super) trait RowSink {
    /// The sink whose row 0 is this one's row `row`.
    ///
    /// # Safety
    /// That row is within what this sink takes, or right behind it.
    unsafe fn at_row<V: Vector>(&self, row: usize) -> impl Sink;
}

/// Picks the tile of the right size; sizes beyond the registers of `V` never occur and are compiled out.
#[inline(always)]
unsafe fn pick<V: Vector>(from: Operands<'_>, rows: usize, blocks: usize, sink: &impl Sink) {
    if blocks == 2 {
        match rows {
            1 => tile::<V, 1, 2>(from, sink),
            2 => tile::<V, 2, 2>(from, sink),
            3 => tile::<V, 3, 2>(from, sink),
            4 if V::ROWS_2 >= 4 => tile::<V, 4, 2>(from, sink),
            5 if V::ROWS_2 >= 5 => tile::<V, 5, 2>(from, sink),
            6 if V::ROWS_2 >= 6 => tile::<V, 6, 2>(from, sink),
            7 if V::ROWS_2 >= 7 => tile::<V, 7, 2>(from, sink),
            8 if V::ROWS_2 >= 8 => tile::<V, 8, 2>(from, sink),
            9 if V::ROWS_2 >= 9 => tile::<V, 9, 2>(from, sink),
            10 if V::ROWS_2 >= 10 => tile::<V, 10, 2>(from, sink),
            11 if V::ROWS_2 >= 11 => tile::<V, 11, 2>(from, sink),
            12 if V::ROWS_2 >= 12 => tile::<V, 12, 2>(from, sink),
            13 if V::ROWS_2 >= 13 => tile::<V, 13, 2>(from, sink),
            _ if V::ROWS_2 >= 14 => tile::<V, 14, 2>(from, sink),
            _ => {}
        }
    } else {
        match rows {
            1 => tile::<V, 1, 1>(from, sink),
            2 => tile::<V, 2, 1>(from, sink),
            3 => tile::<V, 3, 1>(from, sink),
            4 => tile::<V, 4, 1>(from, sink),
            5 => tile::<V, 5, 1>(from, sink),
            6 => tile::<V, 6, 1>(from, sink),
            7 if V::ROWS_1 >= 7 => tile::<V, 7, 1>(from, sink),
            8 if V::ROWS_1 >= 8 => tile::<V, 8, 1>(from, sink),
            9 if V::ROWS_1 >= 9 => tile::<V, 9, 1>(from, sink),
            10 if V::ROWS_1 >= 10 => tile::<V, 10, 1>(from, sink),
            11 if V::ROWS_1 >= 11 => tile::<V, 11, 1>(from, sink),
            12 if V::ROWS_1 >= 12 => tile::<V, 12, 1>(from, sink),
            13 if V::ROWS_1 >= 13 => tile::<V, 13, 1>(from, sink),
            _ if V::ROWS_1 >= 14 => tile::<V, 14, 1>(from, sink),
            _ => {}
        }
    }
}

/// One register tile of `R` rows and `B` blocks.
#[inline(always)]
unsafe fn tile<V: Vector, const R: usize, const B: usize>(from: Operands<'_>, sink: &impl Sink) {
    let mut sums = [[V::splat(0.0); B]; R];
    let mut weights = from.weights;
    for run in from.runs {
        let input = from.input.add(run.offset);
        for k in 0..run.len {
            let mut w = [V::splat(0.0); B];
            for (block, w) in w.iter_mut().enumerate() {
                *w = V::load(weights.add(block * V::LANES));
            }
            weights = weights.add(B * V::LANES);
            for (row, sums) in sums.iter_mut().enumerate() {
                let x = V::splat(*input.add(row * from.step + k));
                for (sum, w) in sums.iter_mut().zip(w) {
                    *sum = x.mul_add(w, *sum);
                }
            }
        }
    }
    sink.put(sums);
}
