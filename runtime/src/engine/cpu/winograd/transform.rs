//! The transforms of Winograd's minimal filtering: F(4x4, 3x3) and F(2x2, 3x3), that is 4x4 or 2x2 outputs of a 3x3 kernel from
//! 36 or 16 products instead of 144 or 36.
//!
//! Matrices for the points 0, 1, -1, 2, -2 and infinity, and for 0, 1, -1 and infinity, as in Lavin and Gray, "Fast algorithms for
//! convolutional neural networks" (2016), section 4. With input tile `d`, kernel `g` and element-wise products, the output tile is
//! `A' [(G g G') . (B' d B)] A`.

#![expect(unsafe_code, reason = "vector instructions and pointers of a leaf kernel")]
#![expect(clippy::needless_range_loop, reason = "columns go across the rows of a matrix")]
#![expect(unsafe_op_in_unsafe_fn, reason = "each function has one proof, under its Safety heading")]

use crate::engine::cpu::vector::Vector;

/// One size of the method: input tiles of `T` x `T`, output tiles of `O` x `O`.
///
/// # Safety
/// The vector functions may be called only where the instructions of `V` are available.
pub(super) trait Method<const T: usize, const O: usize> {
    /// `G g` of one column.
    unsafe fn kernel_1d<V: Vector>(g: [V; 3]) -> [V; T];
    /// `B' d` of one column.
    unsafe fn input_1d<V: Vector>(d: [V; T]) -> [V; T];
    /// `A' m` of one column.
    unsafe fn output_1d<V: Vector>(m: [V; T]) -> [V; O];
}

/// F(4x4, 3x3): fewest products.
pub(super) struct Four;
/// F(2x2, 3x3): fewest weights to read, for small maps of many channels.
pub(super) struct Two;

impl Method<6, 4> for Four {
    #[inline(always)]
    unsafe fn kernel_1d<V: Vector>(g: [V; 3]) -> [V; 6] {
        let s = |number: f32| V::splat(number);
        let even = g[0].add(g[2]).mul(s(-1.0 / 6.0));
        let odd = g[1].mul(s(-1.0 / 6.0));
        let wide = g[0].mul(s(1.0 / 24.0)).add(g[2].mul(s(1.0 / 6.0)));
        let middle = g[1].mul(s(1.0 / 12.0));
        [g[0].mul(s(0.25)), even.add(odd), even.sub(odd), wide.add(middle), wide.sub(middle), g[2]]
    }

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

    #[inline(always)]
    unsafe fn output_1d<V: Vector>(m: [V; 6]) -> [V; 4] {
        let (s, d) = (m[1].add(m[2]), m[1].sub(m[2]));
        let (p, q) = (m[3].add(m[4]), m[3].sub(m[4]));
        [m[0].add(s).add(p), V::splat(2.0).mul_add(q, d), V::splat(4.0).mul_add(p, s), V::splat(8.0).mul_add(q, d).add(m[5])]
    }
}

impl Method<4, 2> for Two {
    #[inline(always)]
    unsafe fn kernel_1d<V: Vector>(g: [V; 3]) -> [V; 4] {
        let half = V::splat(0.5);
        [g[0], half.mul(g[0].add(g[1]).add(g[2])), half.mul(g[0].sub(g[1]).add(g[2])), g[2]]
    }

    #[inline(always)]
    unsafe fn input_1d<V: Vector>(d: [V; 4]) -> [V; 4] {
        [d[0].sub(d[2]), d[1].add(d[2]), d[2].sub(d[1]), d[1].sub(d[3])]
    }

    #[inline(always)]
    unsafe fn output_1d<V: Vector>(m: [V; 4]) -> [V; 2] {
        [m[0].add(m[1]).add(m[2]), m[1].sub(m[2]).sub(m[3])]
    }
}

/// Row `R` of `G g G'` of as many 3x3 kernels as `V` has lanes; their taps are `tap` numbers apart. What the row does not need of
/// the first step is compiled out.
///
/// # Safety
/// The instructions of `V` are available; nine vectors are readable; `R` is below `T`.
#[inline(always)]
pub(super) unsafe fn kernel_row<V: Vector, M: Method<T, O>, const T: usize, const O: usize, const R: usize>(
    from: *const f32,
    tap: usize,
) -> [V; T] {
    let mut half = [V::splat(0.0); 3];
    for (x, value) in half.iter_mut().enumerate() {
        let mut column = [V::splat(0.0); 3];
        for (y, g) in column.iter_mut().enumerate() {
            *g = V::load(from.add((3 * y + x) * tap));
        }
        *value = M::kernel_1d(column)[R];
    }
    M::kernel_1d(half)
}

/// Transforms one tile of one block: `T` x `T` vectors at `from`, rows `row` numbers apart, to as many vectors `point` numbers
/// apart.
///
/// Two rows of points at a time, those that have most in common: what is between the two steps stays in registers then, and
/// reading the tile again costs less than storing all of it.
///
/// # Safety
/// The instructions of `V` are available; all those vectors are readable and writable.
#[inline(always)]
pub(super) unsafe fn input<V: Vector, M: Method<T, O>, const T: usize, const O: usize>(
    from: *const f32,
    row: usize,
    to: *mut f32,
    point: usize,
) {
    input_rows::<V, M, T, O>(from, row, to, point, [0, T - 1]);
    input_rows::<V, M, T, O>(from, row, to, point, [1, 2]);
    if T > 4 {
        input_rows::<V, M, T, O>(from, row, to, point, [3, 4]);
    }
}

/// Two rows of [`input`]; what they do not need is compiled out.
#[inline(always)]
unsafe fn input_rows<V: Vector, M: Method<T, O>, const T: usize, const O: usize>(
    from: *const f32,
    row: usize,
    to: *mut f32,
    point: usize,
    rows: [usize; 2],
) {
    let mut half = [[V::splat(0.0); T]; 2];
    for x in 0..T {
        let mut column = [V::splat(0.0); T];
        for (y, d) in column.iter_mut().enumerate() {
            *d = V::load(from.add(y * row + x * V::LANES));
        }
        let values = M::input_1d(column);
        half[0][x] = values[rows[0]];
        half[1][x] = values[rows[1]];
    }
    for (line, y) in half.into_iter().zip(rows) {
        for (x, v) in M::input_1d(line).into_iter().enumerate() {
            v.store(to.add((y * T + x) * point));
        }
    }
}

/// Transforms one tile of one block back: `T` x `T` vectors at `from`, `point` numbers apart, to rows `first` and the next one of
/// the `O` x `O` sums.
///
/// # Safety
/// The instructions of `V` are available; all those vectors are readable; there are two such rows.
#[inline(always)]
pub(super) unsafe fn output_rows<V: Vector, M: Method<T, O>, const T: usize, const O: usize>(
    from: *const f32,
    point: usize,
    first: usize,
) -> [[V; O]; 2] {
    let mut half = [[V::splat(0.0); T]; 2];
    for x in 0..T {
        let mut column = [V::splat(0.0); T];
        for (y, m) in column.iter_mut().enumerate() {
            *m = V::load(from.add((y * T + x) * point));
        }
        let values = M::output_1d(column);
        half[0][x] = values[first];
        half[1][x] = values[first + 1];
    }
    [M::output_1d(half[0]), M::output_1d(half[1])]
}
