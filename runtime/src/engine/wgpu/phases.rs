//! Which input place each tap of a convolution reads.

use crate::graph::Window;
use alloc::vec::Vec;

/// The results of one dispatch: place `i` of it is result `first + step * i`, and tap `(dy, dx)` reads input
/// `stride * i + shift`. Pairs are `[vertical, horizontal]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Phase {
    /// Row and column of each tap in the weights.
    pub taps: Vec<[usize; 2]>,
    /// What it reads, as `[dx, dy]`, the order of the shaders.
    pub shifts: Vec<[i32; 2]>,
    /// First result row and column.
    pub first: [usize; 2],
    /// Distance of its results.
    pub step: [usize; 2],
    /// Distance of what they read.
    pub stride: [usize; 2],
    /// Rows and columns.
    pub size: [usize; 2],
}

/// The only phase of a convolution with these pads (top and left) and result sides.
pub(super) fn conv_phase(window: &Window, pads: [usize; 2], to: [usize; 2]) -> Phase {
    let mut phase = Phase { taps: Vec::new(), shifts: Vec::new(), first: [0; 2], step: [1; 2], stride: window.stride, size: to };
    for row in 0..window.kernel[0] {
        for column in 0..window.kernel[1] {
            let shift = |axis: usize, tap: usize| (tap * window.dilation[axis]) as i32 - pads[axis] as i32;
            phase.taps.push([row, column]);
            phase.shifts.push([shift(1, column), shift(0, row)]);
        }
    }
    phase
}

/// The phases of a transposed convolution, one for each remainder of the strides: result `y` gets input
/// `(y + cut - k * dilation) / stride` through tap `k`, where that is whole (ONNX, ConvTranspose).
pub(super) fn transposed_phases(window: &Window, cut: [usize; 2], to: [usize; 2]) -> Vec<Phase> {
    let mut phases = Vec::new();
    for first_y in 0..window.stride[0].min(to[0]) {
        for first_x in 0..window.stride[1].min(to[1]) {
            let first = [first_y, first_x];
            let size = [0, 1].map(|axis| (to[axis] - first[axis]).div_ceil(window.stride[axis]));
            let (taps, shifts) = (Vec::new(), Vec::new());
            let mut phase = Phase { taps, shifts, first, step: window.stride, stride: [1; 2], size };
            for row in 0..window.kernel[0] {
                for column in 0..window.kernel[1] {
                    let shift = |axis: usize, tap: usize| {
                        let reached = (first[axis] + cut[axis]) as i32 - (tap * window.dilation[axis]) as i32;
                        let stride = window.stride[axis] as i32;
                        (reached.rem_euclid(stride) == 0).then_some(reached.div_euclid(stride))
                    };
                    if let (Some(dy), Some(dx)) = (shift(0, row), shift(1, column)) {
                        phase.taps.push([row, column]);
                        phase.shifts.push([dx, dy]);
                    }
                }
            }
            phases.push(phase);
        }
    }
    phases
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Padding;

    /// Every pair of an input and a result that a tap joins, by the definition and by the phases.
    #[test]
    fn phases_join_what_the_definition_joins() {
        for (kernel, stride, dilation, cut) in [(2, 2, 1, 0), (3, 2, 1, 1), (4, 3, 2, 2), (2, 3, 1, 0), (1, 1, 1, 0)] {
            let window = Window { kernel: [kernel, 1], stride: [stride, 1], dilation: [dilation, 1], padding: Padding::NONE };
            let (from, to) = (5, stride * 4 + (kernel - 1) * dilation + 1 - cut);
            let mut expected = Vec::new();
            for input in 0..from {
                for tap in 0..kernel {
                    let result = (input * stride + tap * dilation) as i32 - cut as i32;
                    if (0..to as i32).contains(&result) {
                        expected.push((result as usize, tap, input as i32));
                    }
                }
            }
            let mut got = Vec::new();
            for phase in transposed_phases(&window, [cut, 0], [to, 1]) {
                for i in 0..phase.size[0] {
                    for (tap, shift) in phase.taps.iter().zip(&phase.shifts) {
                        let input = (i * phase.stride[0]) as i32 + shift[1];
                        if (0..from as i32).contains(&input) {
                            got.push((phase.first[0] + i * phase.step[0], tap[0], input));
                        }
                    }
                }
            }
            expected.sort_unstable();
            got.sort_unstable();
            assert_eq!(got, expected, "kernel {kernel}, stride {stride}, dilation {dilation}, cut {cut}");
        }
    }
}
