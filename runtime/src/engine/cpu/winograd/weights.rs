//! Kernels in the form that Winograd's method multiplies.

use super::transform::{POINTS, TILE};
use crate::engine::cpu::pack::Groups;
use alloc::vec;
use alloc::vec::Vec;

/// Transforms and packs weights `[out][in][3][3]`: `[point][group][in][lane]`, lanes beyond `out` zero.
pub(super) fn pack(weights: &[f32], channels_in: usize, groups: &Groups) -> Vec<f32> {
    let point_len = channels_in * groups.lanes();
    let mut packed = vec![0.0; POINTS * point_len];
    for out in 0..groups.channels() {
        let (group_start, group_lanes, lane) = groups.place(out);
        for input in 0..channels_in {
            let at = 9 * (out * channels_in + input);
            let points = transform(&weights[at..at + 9]);
            let place = group_start * channels_in + input * group_lanes + lane;
            for (point, value) in points.into_iter().enumerate() {
                packed[point * point_len + place] = value;
            }
        }
    }
    packed
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
