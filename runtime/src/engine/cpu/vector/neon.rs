//! NEON (Advanced SIMD of aarch64): eight numbers in two registers.
//!
//! Two together, because the register tiles want few loads per product: of the 32 registers a tile of 14 rows takes 28 for
//! its sums, 2 for the weights and 1 for the input.

#![expect(unsafe_code, reason = "vector instructions and pointers of the kernels")]
#![expect(unsafe_op_in_unsafe_fn, reason = "each function is a few instructions under the trait's contract")]

use super::{Kernel, Vector};
use core::arch::aarch64::*;

/// Eight numbers in two registers.
#[derive(Clone, Copy)]
struct Neon(float32x4_t, float32x4_t);

/// Runs a kernel compiled for NEON.
///
/// # Safety
/// The machine has NEON, and the kernel's own conditions hold.
#[target_feature(enable = "neon")]
pub unsafe fn run_neon<K: Kernel>(kernel: K) {
    // SAFETY: this function's own conditions.
    unsafe { kernel.run::<Neon>() }
}

// SAFETY of all bodies: the trait's contract gives the instructions and the pointers.
impl Vector for Neon {
    const LANES: usize = 8;
    const REGISTERS: usize = 16;
    const ROWS_1: usize = 14;
    const ROWS_2: usize = 6;

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Self(vld1q_f32(from), vld1q_f32(from.add(4)))
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        vst1q_f32(to, self.0);
        vst1q_f32(to.add(4), self.1);
    }

    #[inline(always)]
    unsafe fn splat(number: f32) -> Self {
        let all = vdupq_n_f32(number);
        Self(all, all)
    }

    #[inline(always)]
    unsafe fn add(self, b: Self) -> Self {
        Self(vaddq_f32(self.0, b.0), vaddq_f32(self.1, b.1))
    }

    #[inline(always)]
    unsafe fn sub(self, b: Self) -> Self {
        Self(vsubq_f32(self.0, b.0), vsubq_f32(self.1, b.1))
    }

    #[inline(always)]
    unsafe fn mul(self, b: Self) -> Self {
        Self(vmulq_f32(self.0, b.0), vmulq_f32(self.1, b.1))
    }

    #[inline(always)]
    unsafe fn div(self, b: Self) -> Self {
        Self(vdivq_f32(self.0, b.0), vdivq_f32(self.1, b.1))
    }

    #[inline(always)]
    unsafe fn mul_add(self, b: Self, c: Self) -> Self {
        Self(vfmaq_f32(c.0, self.0, b.0), vfmaq_f32(c.1, self.1, b.1))
    }

    #[inline(always)]
    unsafe fn max(self, b: Self) -> Self {
        // The instruction for the larger of two gives NaN where either is NaN; the trait wants `b`.
        let pick = |a, b| vbslq_f32(vcgtq_f32(a, b), a, b);
        Self(pick(self.0, b.0), pick(self.1, b.1))
    }

    #[inline(always)]
    unsafe fn min(self, b: Self) -> Self {
        let pick = |a, b| vbslq_f32(vcltq_f32(a, b), a, b);
        Self(pick(self.0, b.0), pick(self.1, b.1))
    }

    #[inline(always)]
    unsafe fn round(self) -> Self {
        Self(vrndnq_f32(self.0), vrndnq_f32(self.1))
    }

    #[inline(always)]
    unsafe fn exp2(self) -> Self {
        let power = |x| vreinterpretq_f32_s32(vshlq_n_s32::<23>(vaddq_s32(vcvtq_s32_f32(x), vdupq_n_s32(127))));
        Self(power(self.0), power(self.1))
    }
}
