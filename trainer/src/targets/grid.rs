//! The grid on which targets are sampled.

use crate::dataset::sample::Point;
use crate::error::{Error, Result};

/// Cell `(i, j)` stands for the input pixel `(i * stride, j * stride)`, without any half-pixel term (SLEAP; reference
/// sleap-training.md, section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TargetGrid {
    /// Cells in a row: `ceil(input width / stride)`.
    pub width: usize,
    /// Rows: `ceil(input height / stride)`.
    pub height: usize,
    /// Input pixels from cell to cell.
    pub stride_px: usize,
}

/// Target values below this are left at 0. The squared error that a value can add is then at most 1e-18, far below what an f32 loss
/// of 1e-4 to 1e-3 can resolve.
pub(super) const NEGLIGIBLE: f64 = 1e-9;

impl TargetGrid {
    /// The grid of an input of that size (after scaling and padding).
    ///
    /// # Errors
    /// [`Error::Data`] when a side or the stride is 0.
    pub fn new(input_width_px: usize, input_height_px: usize, stride_px: usize) -> Result<Self> {
        if input_width_px == 0 || input_height_px == 0 || stride_px == 0 {
            return Err(Error::Data(format!(
                "targets need a size and a stride of at least 1 pixel, not {input_width_px} x {input_height_px} with stride {stride_px}"
            )));
        }
        Ok(Self { width: input_width_px.div_ceil(stride_px), height: input_height_px.div_ceil(stride_px), stride_px })
    }

    /// Cells of one channel.
    pub fn cells(&self) -> usize {
        self.width.saturating_mul(self.height)
    }

    /// Checks the output buffer and sigma, and clears the buffer.
    pub(super) fn prepare(&self, channels: usize, sigma: f32, out: &mut [f32]) -> Result<()> {
        let want = self.cells().saturating_mul(channels);
        if out.len() != want {
            return Err(Error::Data(format!(
                "targets of {channels} channels need {want} values, the buffer holds {}",
                out.len()
            )));
        }
        if !(sigma > 0.0 && sigma.is_finite()) {
            return Err(Error::Data(format!("sigma must be positive, not {sigma}")));
        }
        out.fill(0.0);
        Ok(())
    }

    /// Whether any part lies strictly between the first and the last cell on both axes; SLEAP drops other animals.
    pub(super) fn holds(&self, animal: &[Point]) -> bool {
        let last = [self.width - 1, self.height - 1].map(|cells| (cells * self.stride_px) as f32);
        animal.iter().any(|p| p[0] > 0.0 && p[1] > 0.0 && p[0] < last[0] && p[1] < last[1])
    }

    /// Cells from `first` to before `end` whose coordinate is within `low..=high` pixels, at most `count`.
    pub(super) fn cells_between(&self, low: f64, high: f64, count: usize) -> (usize, usize) {
        let stride = self.stride_px as f64;
        // Casts saturate: far-away and negative bounds give empty or clipped ranges.
        let first = (low / stride).ceil().max(0.0) as usize;
        let end = ((high / stride).floor() + 1.0).max(0.0) as usize;
        (first.min(count), end.min(count))
    }
}
