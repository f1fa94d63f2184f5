//! What both sets of x86 vectors use.

#![expect(unsafe_code, reason = "vector instructions and pointers of the kernels")]
#![expect(unsafe_op_in_unsafe_fn, reason = "the function has one proof, under its Safety heading")]

use core::arch::x86_64::*;

/// Four numbers of each of eight rows, `step` numbers apart at `from`, as `rows` (at most four) rows of eight at `to`, `row`
/// numbers apart.
///
/// # Safety
/// The machine has AVX; all of that is readable and writable.
#[inline(always)]
pub(super) unsafe fn transpose_4x8(from: *const f32, step: usize, to: *mut f32, row: usize, rows: usize) {
    // Rows 0 to 3 in the lower half, 4 to 7 in the upper one: no instruction has to cross between them.
    let pair = |index: usize| {
        let [low, high] = [index, index + 4].map(|index| _mm_loadu_ps(from.add(index * step)));
        _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(low), high)
    };
    let (a, b, c, d) = (pair(0), pair(1), pair(2), pair(3));
    let (ab_low, ab_high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
    let (cd_low, cd_high) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
    let columns = [
        _mm256_shuffle_ps::<0x44>(ab_low, cd_low),
        _mm256_shuffle_ps::<0xEE>(ab_low, cd_low),
        _mm256_shuffle_ps::<0x44>(ab_high, cd_high),
        _mm256_shuffle_ps::<0xEE>(ab_high, cd_high),
    ];
    for (index, column) in columns.into_iter().enumerate() {
        if index < rows {
            _mm256_storeu_ps(to.add(index * row), column);
        }
    }
}
