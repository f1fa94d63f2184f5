//! Kernels in the form that Winograd's method multiplies.

use super::doubled::is_zero;
use super::transform::{self, Method};
use crate::engine::cpu::pack::Groups;
use alloc::vec;
use alloc::vec::Vec;

/// Transforms and packs weights `[out][in][3][3]`: `[point][group][in][lane]`, lanes beyond `out` zero, and where each point
/// begins. `nearest` says of each input whether it is zero at the points of [`is_zero`], which do without its weights.
pub(super) fn pack<M: Method<T, O>, const T: usize, const O: usize>(
    weights: &[f32],
    nearest: &[bool],
    groups: &Groups,
) -> (Vec<f32>, Vec<usize>) {
    let channels = [nearest.len(), nearest.iter().filter(|n| !**n).count()];
    let mut len = 0;
    let begin = |point: usize| {
        let start = len;
        len += channels[usize::from(is_zero(point, T))] * groups.lanes();
        start
    };
    let points: Vec<usize> = (0..T * T).map(begin).collect();
    let mut packed = vec![0.0; len];
    for out in 0..groups.channels() {
        let (group_start, group_lanes, lane) = groups.place(out);
        // Inputs so far: all, and those that are not zero.
        let mut before = [0; 2];
        for (input, nearest) in nearest.iter().enumerate() {
            let at = 9 * (out * channels[0] + input);
            let values = transform::kernel::<M, T, O>(&weights[at..at + 9]);
            for (point, value) in values.as_flattened().iter().enumerate() {
                let zero = is_zero(point, T);
                if !(zero && *nearest) {
                    let (channels, before) = (channels[usize::from(zero)], before[usize::from(zero)]);
                    packed[points[point] + group_start * channels + before * group_lanes + lane] = *value;
                }
            }
            before[0] += 1;
            before[1] += usize::from(!nearest);
        }
    }
    (packed, points)
}
