//! Kernels in the form that Winograd's method multiplies.

use super::doubled::is_zero;
use super::transform::{POINTS, TILE};
use crate::engine::cpu::pack::Groups;
use alloc::vec;
use alloc::vec::Vec;

/// Transforms and packs weights `[out][in][3][3]`: `[point][group][in][lane]`, lanes beyond `out` zero, and where each point
/// begins. `nearest` says of each input whether it is zero at the points of [`is_zero`], which do without its weights.
pub(super) fn pack(weights: &[f32], nearest: &[bool], groups: &Groups) -> (Vec<f32>, [usize; POINTS]) {
    let channels = [nearest.len(), nearest.iter().filter(|n| !**n).count()];
    let mut points = [0; POINTS];
    let mut len = 0;
    for (point, start) in points.iter_mut().enumerate() {
        *start = len;
        len += channels[usize::from(is_zero(point))] * groups.lanes();
    }
    let mut packed = vec![0.0; len];
    for out in 0..groups.channels() {
        let (group_start, group_lanes, lane) = groups.place(out);
        // Inputs so far: all, and those that are not zero.
        let mut before = [0; 2];
        for (input, nearest) in nearest.iter().enumerate() {
            let at = 9 * (out * channels[0] + input);
            let values = transform(&weights[at..at + 9]);
            for (point, value) in values.into_iter().enumerate() {
                let zero = is_zero(point);
                if !(zero && *nearest) {
                    let (channels, before) = (channels[usize::from(zero)], before[usize::from(zero)]);
                    packed[points[point] + group_start * channels + before * group_lanes + lane] = value;
                }
            }
            before[0] += 1;
            before[1] += usize::from(!nearest);
        }
    }
    (packed, points)
}

/// `G g G'` of one 3x3 kernel.
fn transform(g: &[f32]) -> [f32; POINTS] {
    let mut half = [[0.0; 3]; TILE];
    for x in 0..3 {
        for (y, v) in kernel_1d([g[x], g[3 + x], g[6 + x]]).into_iter().enumerate() {
            half[y][x] = v;
        }
    }
    let mut points = [0.0; POINTS];
    for (line, out) in half.into_iter().zip(points.chunks_exact_mut(TILE)) {
        out.copy_from_slice(&kernel_1d(line));
    }
    points
}

/// `G g` of one column.
fn kernel_1d(g: [f32; 3]) -> [f32; TILE] {
    let even = (g[0] + g[2]) * (-1.0 / 6.0);
    let odd = g[1] * (-1.0 / 6.0);
    let wide = g[0] * (1.0 / 24.0) + g[2] * (1.0 / 6.0);
    let middle = g[1] * (1.0 / 12.0);
    [g[0] * 0.25, even + odd, even - odd, wide + middle, wide - middle, g[2]]
}
