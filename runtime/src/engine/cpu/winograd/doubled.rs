//! Input tiles (6x6) of a map at twice its size, made from the small map: the doubled one is never in memory.
//!
//! With one row of padding, a tile's six rows begin at an odd row and see four neighbouring rows `a b c e` of the small map:
//!
//! ```text
//! nearest:  a  b  b  c  c  e
//! linear:   (3a+b)/4  (a+3b)/4  (3b+c)/4  (b+3c)/4  (3c+e)/4  (c+3e)/4        (half-pixel centres)
//! ```
//!
//! `B' d` of these, multiplied out, needs only the four. For nearest rows the third of the six is always 0, in both directions:
//! 11 of the 36 products need not be made ([`is_zero`]). Outside of the map the rows come in equal pairs of zeros, so that this
//! holds at the edges too.

#![expect(unsafe_code, reason = "vector instructions and pointers of a leaf kernel")]
#![expect(clippy::needless_range_loop, reason = "columns go across the rows of a matrix")]
#![expect(unsafe_op_in_unsafe_fn, reason = "each function has one proof, under its Safety heading")]

use crate::engine::cpu::vector::Vector;

/// Side of an input tile.
const TILE: usize = 6;
/// Side of what a tile sees of the small map.
pub(super) const SEEN: usize = 4;

/// Whether a point of a nearest-doubled map's tile is 0 whatever the map holds; `tile` is the side of an input tile, 6 or 4. For
/// the smaller one `a b b c` is seen, and the third of `B' d` is `d[2] - d[1]`.
pub(super) fn is_zero(point: usize, tile: usize) -> bool {
    point / tile == 2 || point % tile == 2
}

/// `B' d` with `d = a b b c c e`.
#[inline(always)]
unsafe fn nearest_1d<V: Vector>([a, b, c, e]: [V; 4]) -> [V; 6] {
    let (four, five) = (V::splat(4.0), V::splat(5.0));
    let (bc, cb) = (b.sub(c), c.sub(b));
    [
        four.mul_add(a, c.sub(five.mul(b))),
        V::splat(2.0).mul(c.sub(four.mul(b))),
        V::splat(0.0),
        V::splat(3.0).mul(cb),
        bc,
        four.mul_add(b, e.sub(five.mul(c))),
    ]
}

/// `B' d` with the six weighted means of `a b c e`.
#[inline(always)]
unsafe fn linear_1d<V: Vector>([a, b, c, e]: [V; 4]) -> [V; 6] {
    let s = |number: f32| V::splat(number);
    let quarter = s(0.25).mul(e);
    let rest = quarter.sub(c);
    [
        s(3.0).mul_add(a, s(-2.75).mul_add(b, s(-0.5).mul_add(c, quarter))),
        s(-5.75).mul_add(b, s(0.5).mul_add(c, quarter)).sub(a),
        s(-0.25).mul_add(b, rest).add(a),
        s(-0.5).mul_add(a, s(-1.75).mul_add(b, s(2.0).mul_add(c, quarter))),
        s(0.5).mul_add(a, s(0.25).mul_add(b, rest)),
        s(1.75).mul_add(b, s(-3.5).mul_add(c, s(0.75).mul(e))).add(a),
    ]
}

/// Transforms one tile of one block: 4x4 vectors of the small map at `from`, rows `row` numbers apart, to 36 vectors `point`
/// numbers apart.
///
/// # Safety
/// The instructions of `V` are available; all those vectors are readable and writable.
#[inline(always)]
pub(super) unsafe fn input<V: Vector, const LINEAR: bool>(from: *const f32, row: usize, to: *mut f32, point: usize) {
    rows::<V, LINEAR>(from, row, to, point, [0, 5]);
    rows::<V, LINEAR>(from, row, to, point, [1, 2]);
    rows::<V, LINEAR>(from, row, to, point, [3, 4]);
}

/// Two rows of [`input`]; what they do not need is compiled out.
#[inline(always)]
unsafe fn rows<V: Vector, const LINEAR: bool>(from: *const f32, row: usize, to: *mut f32, point: usize, rows: [usize; 2]) {
    let line = |seen: [V; 4]| if LINEAR { linear_1d(seen) } else { nearest_1d(seen) };
    let mut half = [[V::splat(0.0); SEEN]; 2];
    for x in 0..SEEN {
        let mut column = [V::splat(0.0); SEEN];
        for (y, d) in column.iter_mut().enumerate() {
            *d = V::load(from.add(y * row + x * V::LANES));
        }
        let values = line(column);
        half[0][x] = values[rows[0]];
        half[1][x] = values[rows[1]];
    }
    for (seen, y) in half.into_iter().zip(rows) {
        for (x, v) in line(seen).into_iter().enumerate() {
            // Nobody reads what is always zero.
            if LINEAR || !is_zero(y * TILE + x, TILE) {
                v.store(to.add((y * TILE + x) * point));
            }
        }
    }
}
