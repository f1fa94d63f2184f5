//! Sums in which every channel has a kernel of its own, so that channels stay in their lanes.
//!
//! Every input vector that a tile of neighbouring outputs sees is read once and meets all taps that it is for, in registers. With
//! many registers a tile is two rows high, which halves the reads again. Each sum begins with the bias and takes its taps row by
//! row, whatever the tile.

#![expect(unsafe_code, reason = "pointers of a leaf kernel")]
#![expect(unsafe_op_in_unsafe_fn, reason = "each function has one proof, under its Safety heading")]

use super::{Taps, Weights};
use crate::engine::cpu::activation;
use crate::engine::cpu::isa::Isa;
use crate::engine::cpu::map::Map;
use crate::engine::cpu::vector::{Kernel, Vector};
use crate::graph::{Activation, Floats};
use alloc::vec;
use alloc::vec::Vec;
use core::array::from_mut;
use core::ops::Range;

/// Outputs of a row whose sums are in registers at the same time.
const TOGETHER: usize = 8;
/// Registers for two rows of them, with five taps of each and an input.
const FOR_TWO_ROWS: usize = 2 * TOGETHER + 2 * 5 + 1;

/// Kernels of a depthwise convolution and the map that it reads.
pub(super) struct Depthwise {
    pub input: Map,
    /// Columns of the outputs.
    width: usize,
    taps: Taps,
    /// `[block][tap][lane]`.
    weights: Vec<f32>,
    bias: Vec<f32>,
    activation: Activation,
}

impl Depthwise {
    /// Kernels whose groups, input and output channels are as many; outputs have `width` columns.
    pub fn new(isa: Isa, (input, width): (Map, usize), taps: Taps, weights: &Weights<'_>, activation: Activation) -> Self {
        let (lanes, count) = (isa.lanes(), taps.kernel[0] * taps.kernel[1]);
        let mut packed = vec![0.0; input.blocks() * count * lanes];
        let mut bias = weights.bias.map(Floats::to_vec).unwrap_or_default();
        bias.resize(input.blocks() * lanes, 0.0);
        for channel in 0..input.channels {
            for tap in 0..count {
                packed[(channel / lanes * count + tap) * lanes + channel % lanes] = weights.numbers.at(channel * count + tap);
            }
        }
        Self { input, width, taps, weights: packed, bias, activation }
    }

    /// Bytes of weights.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.weights[..]) + size_of_val(&self.bias[..])
    }
}

/// Some rows of outputs of one block, written one behind the other.
pub(super) struct Rows<'a> {
    pub depthwise: &'a Depthwise,
    pub block: usize,
    pub rows: Range<usize>,
    /// The input's block.
    pub from: *const f32,
    pub to: *mut f32,
}

impl Kernel for Rows<'_> {
    /// The block and the room for all outputs are in memory that nobody else writes meanwhile.
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let taps = &self.depthwise.taps;
        match taps.kernel[1] {
            // The common kernels know their taps while compiling.
            3 if taps.are_dense() => self.tiles::<V, 3>(),
            5 if taps.are_dense() => self.tiles::<V, 5>(),
            _ => self.each::<V>(),
        }
    }
}

/// SAFETY of all methods: the conditions of [`Kernel::run`]; rows and columns given to them are those of outputs.
impl Rows<'_> {
    /// The place of an output.
    #[inline(always)]
    fn place<V: Vector>(&self, [y, x]: [usize; 2]) -> *mut f32 {
        self.to.wrapping_add(((y - self.rows.start) * self.depthwise.width + x) * V::LANES)
    }

    /// The place of a row of the input.
    #[inline(always)]
    fn input(&self, row: usize) -> *const f32 {
        self.from.wrapping_add(row * self.depthwise.input.row_len())
    }

    /// The weights of a tap of the first column.
    #[inline(always)]
    fn weights<V: Vector>(&self, tap_row: usize) -> *const f32 {
        let [rows, columns] = self.depthwise.taps.kernel;
        self.depthwise.weights[(self.block * rows + tap_row) * columns * V::LANES..].as_ptr()
    }

    #[inline(always)]
    unsafe fn bias<V: Vector>(&self) -> V {
        V::load(self.depthwise.bias[self.block * V::LANES..].as_ptr())
    }

    /// All outputs one by one, with any stride and dilation.
    #[inline(always)]
    unsafe fn each<V: Vector>(&self) {
        let Depthwise { input, width, taps, activation, .. } = self.depthwise;
        for y in self.rows.clone() {
            for x in 0..*width {
                let mut sum = self.bias::<V>();
                let columns = taps.inside(1, x, input.width);
                for tap_row in taps.inside(0, y, input.height) {
                    let row = self.input(y * taps.stride[0] + tap_row * taps.dilation[0] - taps.pads[0]);
                    let weights = self.weights::<V>(tap_row);
                    for tap in columns.clone() {
                        let column = x * taps.stride[1] + tap * taps.dilation[1] - taps.pads[1];
                        sum = V::load(row.add(column * V::LANES)).mul_add(V::load(weights.add(tap * V::LANES)), sum);
                    }
                }
                activation::apply(*activation, sum).store(self.place::<V>([y, x]));
            }
        }
    }

    /// All outputs in tiles; `K` is the number of columns of a kernel with stride and dilation 1.
    #[inline(always)]
    unsafe fn tiles<V: Vector, const K: usize>(&self) {
        let Depthwise { input, width, taps, .. } = self.depthwise;
        let mut y = self.rows.start;
        while y < self.rows.end {
            let two = V::REGISTERS >= FOR_TWO_ROWS && y + 1 < self.rows.end;
            for x in (0..*width).step_by(TOGETHER) {
                // The last ones once more, rather than fewer.
                let x = x.min(width.saturating_sub(TOGETHER));
                let whole = x >= taps.pads[1] && x + TOGETHER + K - 1 - taps.pads[1] <= input.width && x + TOGETHER <= *width;
                match (two, whole) {
                    (true, true) => self.tile::<V, K, 2, true>([y, x]),
                    (true, false) => self.tile::<V, K, 2, false>([y, x]),
                    (false, true) => self.tile::<V, K, 1, true>([y, x]),
                    (false, false) => self.tile::<V, K, 1, false>([y, x]),
                }
            }
            y += if two { 2 } else { 1 };
        }
    }

    /// `M` rows of outputs from row and column `at` on; `WHOLE` if all that they see in a row, and they themselves, lie inside.
    #[inline(always)]
    unsafe fn tile<V: Vector, const K: usize, const M: usize, const WHOLE: bool>(&self, at: [usize; 2]) {
        let Depthwise { input, width, taps, activation, .. } = self.depthwise;
        let mut sums = [[self.bias::<V>(); TOGETHER]; M];
        let rows = taps.kernel[0];
        for index in 0..rows + M - 1 {
            let Some(row) = (at[0] + index).checked_sub(taps.pads[0]).filter(|row| *row < input.height) else { continue };
            let row = self.input(row);
            // The upper outputs meet this row with tap row `index`, the lower ones with the one before.
            match &mut sums[..] {
                [upper, _] if index == 0 => self.line::<V, K, 1, WHOLE>(row, at[1], [index], from_mut(upper)),
                [_, lower] if index == rows => self.line::<V, K, 1, WHOLE>(row, at[1], [index - 1], from_mut(lower)),
                _ => {
                    let tap_rows = core::array::from_fn(|m| index - m);
                    self.line::<V, K, M, WHOLE>(row, at[1], tap_rows, &mut sums);
                }
            }
        }
        for (m, sums) in sums.into_iter().enumerate() {
            let to = self.place::<V>([at[0] + m, at[1]]);
            for (n, sum) in sums.into_iter().enumerate() {
                if WHOLE || at[1] + n < *width {
                    activation::apply(*activation, sum).store(to.add(n * V::LANES));
                }
            }
        }
    }

    /// Adds what one row of the input gives to `M` rows of sums for outputs from column `x` on, by one row of taps each.
    #[inline(always)]
    unsafe fn line<V: Vector, const K: usize, const M: usize, const WHOLE: bool>(
        &self,
        row: *const f32,
        x: usize,
        tap_rows: [usize; M],
        sums: &mut [[V; TOGETHER]; M],
    ) {
        let mut weights = [[V::splat(0.0); K]; M];
        for (weights, tap_row) in weights.iter_mut().zip(tap_rows) {
            let from = self.weights::<V>(tap_row);
            for (tap, weight) in weights.iter_mut().enumerate() {
                *weight = V::load(from.add(tap * V::LANES));
            }
        }
        // One after the other by hand: a loop over them is not unrolled, and sums found by an index are not in registers.
        self.column::<V, K, M, WHOLE, 0>(row, x, &weights, sums);
        self.column::<V, K, M, WHOLE, 1>(row, x, &weights, sums);
        self.column::<V, K, M, WHOLE, 2>(row, x, &weights, sums);
        self.column::<V, K, M, WHOLE, 3>(row, x, &weights, sums);
        self.column::<V, K, M, WHOLE, 4>(row, x, &weights, sums);
        self.column::<V, K, M, WHOLE, 5>(row, x, &weights, sums);
        self.column::<V, K, M, WHOLE, 6>(row, x, &weights, sums);
        self.column::<V, K, M, WHOLE, 7>(row, x, &weights, sums);
        self.column::<V, K, M, WHOLE, 8>(row, x, &weights, sums);
        self.column::<V, K, M, WHOLE, 9>(row, x, &weights, sums);
        if K > 3 {
            self.column::<V, K, M, WHOLE, 10>(row, x, &weights, sums);
            self.column::<V, K, M, WHOLE, 11>(row, x, &weights, sums);
        }
    }

    /// Adds what column `C` of those that the outputs from column `x` on see gives to each of them that sees it.
    #[inline(always)]
    unsafe fn column<V: Vector, const K: usize, const M: usize, const WHOLE: bool, const C: usize>(
        &self,
        row: *const f32,
        x: usize,
        weights: &[[V; K]; M],
        sums: &mut [[V; TOGETHER]; M],
    ) {
        let at = (x + C).wrapping_sub(self.depthwise.taps.pads[1]);
        if WHOLE || at < self.depthwise.input.width {
            let value = V::load(row.wrapping_add(at * V::LANES));
            for (sums, weights) in sums.iter_mut().zip(weights) {
                for (tap, weight) in weights.iter().enumerate() {
                    if let Some(sum) = sums.get_mut(C.wrapping_sub(tap)) {
                        *sum = value.mul_add(*weight, *sum);
                    }
                }
            }
        }
    }
}
