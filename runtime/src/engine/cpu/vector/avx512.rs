//! AVX-512 (foundation): sixteen numbers.

#![expect(unsafe_code, reason = "vector instructions and pointers of the kernels")]
#![expect(unsafe_op_in_unsafe_fn, reason = "each function is one instruction under the trait's contract")]

use super::x86::transpose_4x8;
use super::{Kernel, Vector};
use core::arch::x86_64::*;

/// Sixteen numbers in a register.
#[derive(Clone, Copy)]
struct Avx512(__m512);

/// Runs a kernel compiled for AVX-512F.
///
/// # Safety
/// The machine has AVX-512F, AVX2 and FMA, and the kernel's own conditions hold.
#[target_feature(enable = "avx512f,avx2,fma")]
pub unsafe fn run_avx512<K: Kernel>(kernel: K) {
    // SAFETY: this function's own conditions.
    unsafe { kernel.run::<Avx512>() }
}

// SAFETY of all bodies: the trait's contract gives the instructions and the pointers.
impl Vector for Avx512 {
    const LANES: usize = 16;
    const REGISTERS: usize = 32;
    const ROWS_1: usize = 14;
    const ROWS_2: usize = 14;

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Self(_mm512_loadu_ps(from))
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        _mm512_storeu_ps(to, self.0);
    }

    #[inline(always)]
    unsafe fn splat(number: f32) -> Self {
        Self(_mm512_set1_ps(number))
    }

    #[inline(always)]
    unsafe fn add(self, b: Self) -> Self {
        Self(_mm512_add_ps(self.0, b.0))
    }

    #[inline(always)]
    unsafe fn sub(self, b: Self) -> Self {
        Self(_mm512_sub_ps(self.0, b.0))
    }

    #[inline(always)]
    unsafe fn mul(self, b: Self) -> Self {
        Self(_mm512_mul_ps(self.0, b.0))
    }

    #[inline(always)]
    unsafe fn div(self, b: Self) -> Self {
        Self(_mm512_div_ps(self.0, b.0))
    }

    #[inline(always)]
    unsafe fn mul_add(self, b: Self, c: Self) -> Self {
        Self(_mm512_fmadd_ps(self.0, b.0, c.0))
    }

    #[inline(always)]
    unsafe fn max(self, b: Self) -> Self {
        Self(_mm512_max_ps(self.0, b.0))
    }

    #[inline(always)]
    unsafe fn min(self, b: Self) -> Self {
        Self(_mm512_min_ps(self.0, b.0))
    }

    #[inline(always)]
    unsafe fn round(self) -> Self {
        Self(_mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.0))
    }

    #[inline(always)]
    unsafe fn exp2(self) -> Self {
        let exponent = _mm512_add_epi32(_mm512_cvtps_epi32(self.0), _mm512_set1_epi32(127));
        Self(_mm512_castsi512_ps(_mm512_slli_epi32::<23>(exponent)))
    }
    #[inline(always)]
    unsafe fn transpose(from: *const f32, to: *mut f32, row: usize, rows: usize) {
        for first in (0..rows).step_by(4) {
            for half in [0, 8] {
                let (from, to) = (from.add(half * Self::LANES + first), to.add(first * row + half));
                transpose_4x8(from, Self::LANES, to, row, rows - first);
            }
        }
    }
}
