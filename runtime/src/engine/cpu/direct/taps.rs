//! Which places of a map an output sees.

use core::ops::Range;

/// Kernel, stride, dilation and padding; what lies beyond the map is left out, which is the same as zeros there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine::cpu) struct Taps {
    /// Rows and columns of the kernel.
    pub kernel: [usize; 2],
    /// From one output's place to the next one's.
    pub stride: [usize; 2],
    /// From one tap to the next.
    pub dilation: [usize; 2],
    /// Rows and columns of padding above and to the left.
    pub pads: [usize; 2],
}

impl Taps {
    /// Taps of output `at` that lie inside `side` rows (axis 0) or columns (axis 1).
    pub fn inside(&self, axis: usize, at: usize, side: usize) -> Range<usize> {
        let (start, step, pad) = (at * self.stride[axis], self.dilation[axis], self.pads[axis]);
        let end = (side + pad).saturating_sub(start).div_ceil(step).min(self.kernel[axis]);
        pad.saturating_sub(start).div_ceil(step).min(end)..end
    }

    /// Whether outputs and taps both lie at neighbouring places.
    pub fn are_dense(&self) -> bool {
        self.stride == [1; 2] && self.dilation == [1; 2]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taps_are_cut_to_the_map() {
        let taps = |stride: usize| Taps { kernel: [5; 2], stride: [stride; 2], dilation: [1; 2], pads: [2; 2] };
        assert_eq!((taps(1).inside(1, 0, 3), taps(1).inside(1, 2, 3), taps(1).inside(0, 4, 9)), (2..5, 0..3, 0..5));
        assert_eq!((taps(2).inside(1, 0, 3), taps(2).inside(1, 1, 3)), (2..5, 0..3));
        assert_eq!(taps(2).inside(1, 9, 3), 0..0);
    }
}
