//! Bilinear resizing with half-pixel centres, with and without antialiasing, as weights that are computed once per axis.

use crate::config::ResizeFilter;
use alloc::vec::Vec;
use core::ops::Range;

/// For every output index the source indices that contribute and their weights (they sum to 1).
#[derive(Debug, Clone, PartialEq)]
pub struct AxisTaps {
    starts: Vec<u32>,
    weights: Vec<f32>,
    taps: usize,
}

impl AxisTaps {
    /// Weights from `source` to `target` samples, both at least 1.
    ///
    /// Without antialias an output at `i` reads the two neighbours of `(i + 0.5) * source / target - 0.5`, clamped to the
    /// edge. With antialias the triangle is widened by `source / target` when shrinking, cut at the edge and normalised
    /// (Pillow's and torchvision's definition).
    pub fn new(source: usize, target: usize, filter: ResizeFilter) -> Self {
        let ratio = source as f64 / target as f64;
        let support = match filter {
            ResizeFilter::Bilinear => 1.0,
            ResizeFilter::BilinearAntialias => ratio.max(1.0),
        };
        // No more whole numbers than this lie strictly inside the triangle.
        let taps = (libm::ceil(2.0 * support) as usize).min(source);
        let mut starts = Vec::with_capacity(target);
        let mut weights = alloc::vec![0.0; target * taps];
        for (index, weights) in weights.chunks_exact_mut(taps).enumerate() {
            let centre = (index as f64 + 0.5) * ratio - 0.5;
            let centre = if filter == ResizeFilter::Bilinear { centre.clamp(0.0, (source - 1) as f64) } else { centre };
            let first = libm::floor(centre - support) as i64 + 1;
            let start = first.clamp(0, (source - taps) as i64);
            let mut sum = 0.0;
            for (tap, weight) in weights.iter_mut().enumerate() {
                let distance = ((start + tap as i64) as f64 - centre).abs() / support;
                *weight = (1.0 - distance).max(0.0) as f32;
                sum += *weight;
            }
            weights.iter_mut().for_each(|w| *w /= sum);
            starts.push(start as u32);
        }
        Self { starts, weights, taps }
    }

    /// Number of output samples.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there is no output sample.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// First source sample of every output, the weights of all outputs one behind the other, and how many each has.
    pub fn tables(&self) -> (&[u32], &[f32], usize) {
        (&self.starts, &self.weights, self.taps)
    }

    /// Most source samples that any `outputs` consecutive outputs read.
    pub(super) fn largest_source(&self, outputs: usize) -> usize {
        let all = self.len();
        let source = |first: usize| self.window(first..first.saturating_add(outputs).min(all)).source().len();
        (0..all).map(source).max().unwrap_or(0)
    }

    /// The weights of some of the outputs.
    pub(super) fn window(&self, outputs: Range<usize>) -> TapsWindow<'_> {
        let weights = &self.weights[outputs.start * self.taps..outputs.end * self.taps];
        let starts = &self.starts[outputs];
        // Outputs go from left to right, and so do the samples they read.
        let first = starts.first().map_or(0, |&s| s as usize);
        let end = starts.last().map_or(first, |&s| s as usize + self.taps);
        TapsWindow { starts, weights, taps: self.taps, source: first..end }
    }
}

/// Some consecutive outputs of an axis, and the source samples that they read.
#[derive(Debug, Clone)]
pub(super) struct TapsWindow<'a> {
    starts: &'a [u32],
    weights: &'a [f32],
    taps: usize,
    source: Range<usize>,
}

impl TapsWindow<'_> {
    /// All source samples that any of the outputs reads.
    pub fn source(&self) -> Range<usize> {
        self.source.clone()
    }

    /// First source sample of an output, counted from the window's first, and the weights from there on.
    fn at(&self, index: usize) -> (usize, &[f32]) {
        (self.starts[index] as usize - self.source.start, &self.weights[index * self.taps..(index + 1) * self.taps])
    }
}

/// Output row `index` of the window before resizing along x: the weighted sum of the rows of bytes that `row_at` gives,
/// which counts from the window's first source row.
pub(super) fn mix_rows<'r>(taps: &TapsWindow<'_>, index: usize, row_at: impl Fn(usize) -> &'r [u8], mixed: &mut [f32]) {
    let (start, weights) = taps.at(index);
    if let &[top, bottom] = weights {
        let rows = row_at(start).iter().zip(row_at(start + 1));
        mixed.iter_mut().zip(rows).for_each(|(out, (&a, &b))| *out = top * f32::from(a) + bottom * f32::from(b));
        return;
    }
    mixed.fill(0.0);
    for (tap, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight != 0.0) {
        mixed.iter_mut().zip(row_at(start + tap)).for_each(|(out, &v)| *out += weight * f32::from(v));
    }
}

/// Resizes a row along x, rounds to whole grey levels and divides by 255. `row` holds the window's source samples.
///
/// The rounding keeps the 8-bit path of training tools: a network never sees values between grey levels.
pub(super) fn resize_row(taps: &TapsWindow<'_>, row: &[f32], out: &mut [f32]) {
    match taps.taps {
        2 => weigh::<2>(taps, row, out),
        3 => weigh::<3>(taps, row, out),
        4 => weigh::<4>(taps, row, out),
        _ => {
            for (index, out) in out.iter_mut().enumerate() {
                let (start, weights) = taps.at(index);
                *out = weights.iter().zip(&row[start..]).map(|(w, v)| w * v).sum();
            }
        }
    }
    // Adding a half and truncating is exact here: values lie in 0..=255.
    out.iter_mut().for_each(|v| *v = ((*v + 0.5) as i32) as f32 / 255.0);
}

/// Weighted sums of `TAPS` neighbours; a known number spares the loop (halving takes 2, or 4 with antialias).
fn weigh<const TAPS: usize>(taps: &TapsWindow<'_>, row: &[f32], out: &mut [f32]) {
    let (weights, _) = taps.weights.as_chunks::<TAPS>();
    for ((out, &start), weights) in out.iter_mut().zip(taps.starts).zip(weights) {
        let values = &row[start as usize - taps.source.start..][..TAPS];
        *out = weights.iter().zip(values).map(|(w, v)| w * v).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(taps: &AxisTaps) -> TapsWindow<'_> {
        taps.window(0..taps.len())
    }

    fn apply(axis: &AxisTaps, row: &[u8]) -> Vec<f32> {
        // The samples that a window reads need not start with the row's first.
        let taps = all(axis);
        let row = &row[taps.source()];
        let weighted = |index| {
            let (start, weights) = taps.at(index);
            weights.iter().zip(&row[start..]).map(|(w, &v)| w * f32::from(v)).sum()
        };
        (0..axis.len()).map(weighted).collect()
    }

    #[test]
    fn rows_and_columns_use_the_same_weights() {
        for filter in [ResizeFilter::Bilinear, ResizeFilter::BilinearAntialias] {
            for (source, target) in [(1, 3), (2, 5), (9, 4), (8, 4), (5, 1)] {
                let taps = AxisTaps::new(source, target, filter);
                let bytes: Vec<u8> = (0..source).map(|i| (i * 83 % 256) as u8).collect();
                let expected: Vec<f32> = apply(&taps, &bytes).iter().map(|v| libm::floorf(v + 0.5) / 255.0).collect();
                let (mut along_x, mut mixed) = (alloc::vec![0.0; target], [0.0]);
                let window = all(&taps);
                let read = &bytes[window.source()];
                resize_row(&window, &read.iter().map(|&v| f32::from(v)).collect::<Vec<_>>(), &mut along_x);
                assert_eq!(along_x, expected, "{source} -> {target} {filter:?}");
                for (index, &expected) in apply(&taps, &bytes).iter().enumerate() {
                    mix_rows(&window, index, |row| &read[row..=row], &mut mixed);
                    assert!((mixed[0] - expected).abs() < 1e-3);
                }
            }
        }
    }

    #[test]
    fn plain_bilinear_matches_hand_computed_values() {
        // Centres of 4 -> 2 are 0.5 and 2.5; of 2 -> 4 they are -0.25, 0.25, 0.75, 1.25 with clamping.
        let half = AxisTaps::new(4, 2, ResizeFilter::Bilinear);
        assert_eq!(apply(&half, &[0, 10, 20, 40]), [5.0, 30.0]);
        let twice = AxisTaps::new(2, 4, ResizeFilter::Bilinear);
        assert_eq!(apply(&twice, &[0, 100]), [0.0, 25.0, 75.0, 100.0]);
    }

    #[test]
    fn antialias_matches_hand_computed_values() {
        // 4 -> 2: triangle of half-width 2 at 0.5: weights 3/4, 3/4, 1/4 of 7/4 on samples 0, 1, 2.
        let half = AxisTaps::new(4, 2, ResizeFilter::BilinearAntialias);
        let row = [0, 70, 140, 210];
        let expected = (0.75 * 0.0 + 0.75 * 70.0 + 0.25 * 140.0) / 1.75;
        let got = apply(&half, &row);
        assert!((got[0] - expected).abs() < 1e-4 && (got[1] - (210.0 - expected)).abs() < 1e-4, "{got:?}");
    }

    #[test]
    fn weights_sum_to_one_for_any_sizes() {
        for filter in [ResizeFilter::Bilinear, ResizeFilter::BilinearAntialias] {
            for (source, target) in [(1, 1), (1, 7), (7, 1), (640, 320), (101, 37), (37, 101)] {
                let taps = AxisTaps::new(source, target, filter);
                let flat = apply(&taps, &alloc::vec![200; source]);
                assert!(flat.iter().all(|v| (v - 200.0).abs() < 1e-3), "{source} -> {target} {filter:?}");
            }
        }
    }
}
