//! AVX2 with fused multiply-add: eight numbers.

#![expect(unsafe_code, reason = "vector instructions and pointers of the kernels")]
#![expect(unsafe_op_in_unsafe_fn, reason = "each function is one instruction under the trait's contract")]

use super::x86::transpose_4x8;
use super::{Kernel, Vector};
use core::arch::x86_64::*;

/// Eight numbers in a register.
#[derive(Clone, Copy)]
struct Avx2(__m256);

/// Runs a kernel compiled for AVX2 and FMA.
///
/// # Safety
/// The machine has AVX2 and FMA, and the kernel's own conditions hold.
#[target_feature(enable = "avx2,fma")]
pub unsafe fn run_avx2<K: Kernel>(kernel: K) {
    // SAFETY: this function's own conditions.
    unsafe { kernel.run::<Avx2>() }
}

// SAFETY of all bodies: the trait's contract gives the instructions and the pointers.
impl Vector for Avx2 {
    const LANES: usize = 8;
    const REGISTERS: usize = 16;
    const ROWS_1: usize = 12;
    const ROWS_2: usize = 6;

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Self(_mm256_loadu_ps(from))
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        _mm256_storeu_ps(to, self.0);
    }

    #[inline(always)]
    unsafe fn splat(number: f32) -> Self {
        Self(_mm256_set1_ps(number))
    }

    #[inline(always)]
    unsafe fn add(self, b: Self) -> Self {
        Self(_mm256_add_ps(self.0, b.0))
    }

    #[inline(always)]
    unsafe fn sub(self, b: Self) -> Self {
        Self(_mm256_sub_ps(self.0, b.0))
    }

    #[inline(always)]
    unsafe fn mul(self, b: Self) -> Self {
        Self(_mm256_mul_ps(self.0, b.0))
    }

    #[inline(always)]
    unsafe fn div(self, b: Self) -> Self {
        Self(_mm256_div_ps(self.0, b.0))
    }

    #[inline(always)]
    unsafe fn mul_add(self, b: Self, c: Self) -> Self {
        Self(_mm256_fmadd_ps(self.0, b.0, c.0))
    }

    #[inline(always)]
    unsafe fn max(self, b: Self) -> Self {
        Self(_mm256_max_ps(self.0, b.0))
    }

    #[inline(always)]
    unsafe fn min(self, b: Self) -> Self {
        Self(_mm256_min_ps(self.0, b.0))
    }

    #[inline(always)]
    unsafe fn round(self) -> Self {
        Self(_mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.0))
    }

    #[inline(always)]
    unsafe fn exp2(self) -> Self {
        let exponent = _mm256_add_epi32(_mm256_cvtps_epi32(self.0), _mm256_set1_epi32(127));
        Self(_mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponent)))
    }
    #[inline(always)]
    unsafe fn transpose(from: *const f32, to: *mut f32, row: usize, rows: usize) {
        for first in (0..rows).step_by(4) {
            transpose_4x8(from.add(first), Self::LANES, to.add(first * row), row, rows - first);
        }
    }
}
