//! What is known of each result while the network is written: its name, channels and place on the grid of the input.

use super::layer::Window;

/// A result of a layer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Map {
    /// Name in the ONNX graph.
    pub name: String,
    pub channels: usize,
    /// Input pixels per cell, vertical and horizontal; `None` for one cell whatever the size of the input.
    pub stride_px: Option<[f64; 2]>,
}

impl Map {
    /// The stride as a whole number, where both directions have the same.
    pub fn whole_stride_px(&self) -> Option<usize> {
        let [vertical, horizontal] = self.stride_px?;
        // Strides are products and quotients of whole numbers below 2^12: exact, or far from whole.
        let is_whole = vertical == horizontal && vertical >= 1.0 && vertical.fract() == 0.0 && vertical < 65536.0;
        is_whole.then_some(vertical as usize)
    }

    /// The stride after steps of `by` cells.
    pub fn coarser(&self, by: [usize; 2]) -> Option<[f64; 2]> {
        self.stride_px.map(|[v, h]| [v * by[0] as f64, h * by[1] as f64])
    }

    /// The stride after enlarging by `by`.
    pub fn finer(&self, by: [usize; 2]) -> Option<[f64; 2]> {
        self.stride_px.map(|[v, h]| [v / by[0] as f64, h / by[1] as f64])
    }
}

/// How ONNX pads a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pads {
    /// Top, left, bottom, right: the same for maps of any size.
    Fixed([i64; 4]),
    /// By the size of the map, an odd row or column at the end (`auto_pad = SAME_UPPER`).
    SameUpper,
}

impl Window {
    /// Padding of a convolution or pooling. With steps of 1 TensorFlow's "same" does not depend on the size of the map.
    pub fn pads(&self) -> Pads {
        if !self.same {
            return Pads::Fixed([0; 4]);
        }
        if self.stride != [1, 1] {
            return Pads::SameUpper;
        }
        let total = |axis: usize| (self.kernel[axis] - 1) * self.dilation[axis];
        let (before, after) = (|axis: usize| (total(axis) / 2) as i64, |axis: usize| total(axis).div_ceil(2) as i64);
        Pads::Fixed([before(0), before(1), after(0), after(1)])
    }

    /// What a transposed convolution of `n` cells cuts off the full result of `(n - 1) * stride + kernel` cells at top, left,
    /// bottom and right, and what it adds at the lower and right end. "Same" leaves `n * stride`, an odd cell cut at the end (so 3x3
    /// with steps of 2 loses its last row and column alone); "valid" leaves `n * stride + max(kernel - stride, 0)`.
    pub fn cuts(&self) -> ([i64; 4], [i64; 2]) {
        let (mut cut, mut added) = ([0; 4], [0; 2]);
        for axis in 0..2 {
            let (kernel, stride) = (self.kernel[axis], self.stride[axis]);
            let excess = if self.same { kernel.saturating_sub(stride) } else { 0 };
            cut[axis] = (excess / 2) as i64;
            cut[axis + 2] = excess.div_ceil(2) as i64;
            added[axis] = stride.saturating_sub(kernel) as i64;
        }
        (cut, added)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(kernel: usize, stride: usize, dilation: usize) -> Window {
        Window { kernel: [kernel, 1], stride: [stride; 2], dilation: [dilation, 1], same: true }
    }

    #[test]
    fn padding_as_in_tensorflow() {
        assert_eq!(window(3, 1, 1).pads(), Pads::Fixed([1, 0, 1, 0]));
        assert_eq!(window(4, 1, 1).pads(), Pads::Fixed([1, 0, 2, 0]));
        assert_eq!(window(3, 1, 4).pads(), Pads::Fixed([4, 0, 4, 0]));
        assert_eq!(window(3, 2, 1).pads(), Pads::SameUpper);
        assert_eq!(Window { same: false, ..window(3, 2, 1) }.pads(), Pads::Fixed([0; 4]));
    }

    #[test]
    fn transposed_results_are_cut_at_the_end() {
        assert_eq!(window(3, 2, 1).cuts(), ([0, 0, 1, 0], [0, 1]));
        assert_eq!(window(4, 2, 1).cuts(), ([1, 0, 1, 0], [0, 1]));
        assert_eq!(window(2, 3, 1).cuts(), ([0; 4], [1, 2]));
        assert_eq!(Window { same: false, ..window(3, 2, 1) }.cuts(), ([0; 4], [0, 1]));
    }
}
