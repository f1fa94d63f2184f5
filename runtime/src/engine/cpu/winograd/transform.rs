//! The transforms of F(4x4, 3x3): tiles of 6x6 inputs that overlap by two give 4x4 outputs with 36 products in place of 144.
//!
//! Matrices for the points 0, 1, -1, 2, -2 and infinity, as in Lavin and Gray, "Fast algorithms for convolutional neural
//! networks" (2016), section 4. With input tile `d`, kernel `g` and element-wise products, the output tile is
//! `A' [(G g G') . (B' d B)] A`.

#![expect(unsafe_code, reason = "vector instructions and pointers of a leaf kernel")]
#![expect(clippy::needless_range_loop, reason = "columns go across the rows of a matrix")]
#![expect(unsafe_op_in_unsafe_fn, reason = "each function has one proof, under its Safety heading")]

use crate::engine::cpu::vector::Vector;

/// Side of an input tile.
pub(super) const TILE: usize = 6;
/// Side of an output tile.
pub(super) const OUT: usize = 4;
/// Products per tile.
pub(super) const POINTS: usize = TILE * TILE;

/// `B' d` of one column.
#[inline(always)]
unsafe fn input_1d<V: Vector>(d: [V; 6]) -> [V; 6] {
    let (two, four, five) = (V::splat(2.0), V::splat(4.0), V::splat(5.0));
    let neg_four = V::splat(-4.0);
    let a = neg_four.mul_add(d[2], d[4]);
    let b = neg_four.mul_add(d[1], d[3]);
    let c = d[4].sub(d[2]);
    let e = two.mul(d[3].sub(d[1]));
    [
        four.mul_add(d[0], d[4].sub(five.mul(d[2]))),
        a.add(b),
        a.sub(b),
        c.add(e),
        c.sub(e),
        four.mul_add(d[1], d[5].sub(five.mul(d[3]))),
    ]
}

/// `A' m` of one column.
#[inline(always)]
unsafe fn output_1d<V: Vector>(m: [V; 6]) -> [V; 4] {
    let (s, d) = (m[1].add(m[2]), m[1].sub(m[2]));
    let (p, q) = (m[3].add(m[4]), m[3].sub(m[4]));
    [m[0].add(s).add(p), V::splat(2.0).mul_add(q, d), V::splat(4.0).mul_add(p, s), V::splat(8.0).mul_add(q, d).add(m[5])]
}

/// Transforms one tile of one block: 6x6 vectors at `from`, rows `row` numbers apart, to 36 vectors `point` numbers apart.
///
/// # Safety
/// The instructions of `V` are available; all those vectors are readable and writable.
#[inline(always)]
pub(super) unsafe fn input<V: Vector>(from: *const f32, row: usize, to: *mut f32, point: usize) {
    let mut half = [[V::splat(0.0); 6]; 6];
    for x in 0..TILE {
        let mut column = [V::splat(0.0); 6];
        for (y, d) in column.iter_mut().enumerate() {
            *d = V::load(from.add(y * row + x * V::LANES));
        }
        let column = input_1d(column);
        for (y, d) in column.into_iter().enumerate() {
            half[y][x] = d;
        }
    }
    for (y, line) in half.into_iter().enumerate() {
        for (x, v) in input_1d(line).into_iter().enumerate() {
            v.store(to.add((y * TILE + x) * point));
        }
    }
}

/// Transforms one tile of one block back: 36 vectors at `from`, `point` numbers apart, to 4x4 sums, row by row.
///
/// # Safety
/// The instructions of `V` are available; all those vectors are readable.
#[inline(always)]
pub(super) unsafe fn output<V: Vector>(from: *const f32, point: usize) -> [V; OUT * OUT] {
    let mut half = [[V::splat(0.0); 6]; OUT];
    for x in 0..TILE {
        let mut column = [V::splat(0.0); 6];
        for (y, m) in column.iter_mut().enumerate() {
            *m = V::load(from.add((y * TILE + x) * point));
        }
        for (y, v) in output_1d(column).into_iter().enumerate() {
            half[y][x] = v;
        }
    }
    let mut sums = [V::splat(0.0); OUT * OUT];
    for (y, line) in half.into_iter().enumerate() {
        for (x, v) in output_1d(line).into_iter().enumerate() {
            sums[y * OUT + x] = v;
        }
    }
    sums
}
