//! Which taps an output sees, for outputs that lie on one grid.

use alloc::vec::Vec;

/// One kernel weight and where it meets the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine::cpu) struct Tap {
    /// Row and column in the kernel.
    pub kernel: [usize; 2],
    /// Row and column of the padded input, for the phase's first output.
    pub at: [usize; 2],
}

/// Outputs on a regular grid that all see the same taps: all of a convolution's, or every `stride`-th of a transposed one's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine::cpu) struct Phase {
    /// Row by row.
    pub taps: Vec<Tap>,
    /// Rows and columns of the padded input from one output to the next.
    pub input_step: [usize; 2],
    /// First output row and column.
    pub start: [usize; 2],
    /// From one output row or column to the next.
    pub step: [usize; 2],
    /// Rows and columns of outputs.
    pub count: [usize; 2],
}

/// The one phase of a convolution, on an input that holds its padding.
pub(in crate::engine::cpu) fn conv_phase(
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    output: [usize; 2],
) -> Phase {
    let row = |ky: usize| (0..kernel[1]).map(move |kx| Tap { kernel: [ky, kx], at: [ky * dilation[0], kx * dilation[1]] });
    Phase { taps: (0..kernel[0]).flat_map(row).collect(), input_step: stride, start: [0; 2], step: [1; 2], count: output }
}

/// One axis of one phase: pairs of kernel index and (possibly negative) input index for the phase's first output.
fn axis_taps(kernel: usize, stride: usize, dilation: usize, pad: usize, phase: usize) -> Vec<(usize, isize)> {
    // Output y = input * stride + k * dilation - pad.
    let whole = |k: &usize| (phase + pad) as isize - (k * dilation) as isize;
    let hits = (0..kernel).rev().filter(|k| whole(k).rem_euclid(stride as isize) == 0);
    hits.map(|k| (k, whole(&k).div_euclid(stride as isize))).collect()
}

/// Phases of a transposed convolution, and the padding (top, left, bottom, right) that its input needs for them.
pub(in crate::engine::cpu) fn transposed_phases(
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    pads: [usize; 2],
    (input, output): ([usize; 2], [usize; 2]),
) -> (Vec<Phase>, [usize; 4]) {
    let axes: [Vec<Vec<(usize, isize)>>; 2] = core::array::from_fn(|axis| {
        (0..stride[axis].min(output[axis]))
            .map(|phase| axis_taps(kernel[axis], stride[axis], dilation[axis], pads[axis], phase))
            .collect()
    });
    let count = |axis: usize, phase: usize| (output[axis] - phase).div_ceil(stride[axis]);
    let (mut before, mut after) = ([0; 2], [0; 2]);
    for axis in 0..2 {
        for (phase, taps) in axes[axis].iter().enumerate() {
            for (_, at) in taps {
                before[axis] = (-at).max(before[axis]);
                let last = at + count(axis, phase) as isize - 1;
                after[axis] = (last - (input[axis] as isize - 1)).max(after[axis]);
            }
        }
    }
    let mut phases = Vec::new();
    for (y, rows) in axes[0].iter().enumerate() {
        for (x, columns) in axes[1].iter().enumerate() {
            let at = |row: &(usize, isize), column: &(usize, isize)| Tap {
                kernel: [row.0, column.0],
                at: [(row.1 + before[0]) as usize, (column.1 + before[1]) as usize],
            };
            let taps = rows.iter().flat_map(|row| columns.iter().map(move |column| at(row, column))).collect();
            phases.push(Phase { taps, input_step: [1; 2], start: [y, x], step: stride, count: [count(0, y), count(1, x)] });
        }
    }
    (phases, [before[0], before[1], after[0], after[1]].map(|n| n as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubling_by_two_has_one_tap_per_phase() {
        let (phases, pads) = transposed_phases([2; 2], [2; 2], [1; 2], [0; 2], ([3, 5], [6, 10]));
        assert_eq!(pads, [0; 4]);
        assert!(phases.len() == 4 && phases.iter().all(|p| p.taps.len() == 1 && p.count == [3, 5]));
    }

    #[test]
    fn three_taps_at_stride_two_meet_the_row_before() {
        let (phases, pads) = transposed_phases([3, 1], [2, 1], [1; 2], [0; 2], ([3, 1], [6, 1]));
        // Even rows see taps 0 (their own row) and 2 (the row before), odd ones see tap 1.
        assert_eq!(pads, [1, 0, 0, 0]);
        let taps = |i: usize| phases[i].taps.iter().map(|t| (t.kernel[0], t.at[0])).collect::<Vec<_>>();
        assert_eq!((taps(0), taps(1)), (alloc::vec![(2, 0), (0, 1)], alloc::vec![(1, 1)]));
    }
}
