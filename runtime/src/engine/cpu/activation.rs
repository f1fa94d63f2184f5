//! Functions of each number, on vectors.

#![expect(unsafe_code, reason = "vector instructions")]
#![expect(unsafe_op_in_unsafe_fn, reason = "each function has one proof, under its Safety heading")]

use super::vector::Vector;
use crate::graph::Activation;

/// Applies the function to a vector.
///
/// NaN stays NaN: of a bound and NaN, [`Vector::max`] and [`Vector::min`] give what stands second.
///
/// # Safety
/// The instructions of `V` are available.
#[inline(always)]
pub(super) unsafe fn apply<V: Vector>(activation: Activation, x: V) -> V {
    let zero = V::splat(0.0);
    match activation {
        Activation::None => x,
        Activation::Relu => zero.max(x),
        Activation::LeakyRelu { slope } => zero.max(x).add(zero.min(x).mul(V::splat(slope))),
        Activation::Clip { low, high } => V::splat(high).min(V::splat(low).max(x)),
        Activation::Sigmoid => sigmoid(x),
        Activation::HardSwish => {
            let gate = x.mul_add(V::splat(1.0 / 6.0), V::splat(0.5));
            x.mul(V::splat(1.0).min(zero.max(gate)))
        }
        Activation::Silu => x.mul(sigmoid(x)),
    }
}

/// Adds a bias to some sums and applies the function, with one decision for all of them.
///
/// # Safety
/// The instructions of `V` are available.
#[inline(always)]
pub(super) unsafe fn apply_all<V: Vector, const R: usize, const N: usize>(
    activation: Activation,
    mut sums: [[V; N]; R],
    bias: V,
) -> [[V; N]; R] {
    for sum in sums.as_flattened_mut() {
        *sum = sum.add(bias);
    }
    match activation {
        Activation::None => {}
        Activation::Relu => {
            for sum in sums.as_flattened_mut() {
                *sum = V::splat(0.0).max(*sum);
            }
        }
        other => {
            for sum in sums.as_flattened_mut() {
                *sum = apply(other, *sum);
            }
        }
    }
    sums
}

/// `1 / (1 + exp(-x))`.
#[inline(always)]
unsafe fn sigmoid<V: Vector>(x: V) -> V {
    let one = V::splat(1.0);
    one.div(one.add(exp(V::splat(0.0).sub(x))))
}

/// `e^x`, relative error below 3e-7; beyond +-87.3 the result is that of the bound, NaN stays.
///
/// With `n = round(x / ln 2)` and `r = x - n ln 2` (ln 2 in two parts, so that `n` times the first is exact) it is `2^n` times
/// the Taylor series of `e^r`, |r| <= 0.35, whose seventh power is 1e-7 of the sum at most.
#[inline(always)]
unsafe fn exp<V: Vector>(x: V) -> V {
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = V::splat(87.3).min(V::splat(-87.3).max(x));
    let n = x.mul(V::splat(core::f32::consts::LOG2_E)).round();
    let r = n.mul_add(V::splat(-LN2_HIGH), x);
    let r = n.mul_add(V::splat(-LN2_LOW), r);
    let mut sum = V::splat(1.0 / 720.0);
    for factor in [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        sum = sum.mul_add(r, V::splat(factor));
    }
    sum.mul(n.exp2())
}
