//! Scores of candidate edges: how well the part affinity field points along the line between two peaks.

use crate::config::GroupingConfig;
use crate::decode::peak_buffer::Peak;
use crate::tensor::Maps;

/// Most points sampled along a line (`GroupingConfig::line_samples` is checked against it).
const MAX_SAMPLES: usize = 64;
/// Adding 2^23 to a number in [0, 2^23) leaves the number, rounded half to even, in the low bits: the rounding that SLEAP
/// uses, in a form that vectorises on every target.
const ROUNDING: f32 = 8_388_608.0;
const ROUNDING_MASK: u32 = 0x7f_ffff;
/// Lines that are scored together.
const LANES: usize = 4;

/// (x, y) in affinity cells.
type Point = (f32, f32);

/// Scores the lines from every source peak to every destination peak of an edge type (SLEAP: `score_paf_lines`).
#[derive(Debug, Clone)]
pub struct PafScorer {
    /// Affinity cells per confidence cell.
    cells_per_peak_cell: f32,
    /// Input pixels per affinity cell.
    stride_px: f32,
    max_edge_length_ratio: f32,
    dist_penalty_weight: f32,
    /// Positions along the line, 0 to 1.
    fractions: [f32; MAX_SAMPLES],
    samples: usize,
}

impl PafScorer {
    /// `peak_stride_px` and `paf_stride_px` are input pixels per cell of the confidence maps and of the affinity fields.
    pub fn new(config: &GroupingConfig, peak_stride_px: u32, paf_stride_px: u32) -> Self {
        let samples = (config.line_samples as usize).clamp(2, MAX_SAMPLES);
        let mut fractions = [0.0; MAX_SAMPLES];
        for (i, t) in fractions[..samples].iter_mut().enumerate() {
            *t = i as f32 / (samples - 1) as f32;
        }
        Self {
            cells_per_peak_cell: peak_stride_px as f32 / paf_stride_px as f32,
            stride_px: paf_stride_px as f32,
            max_edge_length_ratio: config.max_edge_length_ratio,
            dist_penalty_weight: config.dist_penalty_weight,
            fractions,
            samples,
        }
    }

    /// Writes the score of source `s` and destination `d` to `scores[s * destinations.len() + d]`.
    ///
    /// `pafs` has the channels x and y of edge `e` at `2e` and `2e + 1`. The score is the mean over the sampled points
    /// (nearest cell, clamped to the map) of the affinity vector's part along the line, plus a penalty in (-weight, 0]
    /// for lines longer than `max_edge_length_ratio` times the largest of map width, height and channel count in input
    /// pixels (that the channel count takes part is SLEAP's quirk). A pair that has no finite score (coincident peaks,
    /// NaN in the field, no such edge) gets negative infinity.
    pub fn score(&self, pafs: &Maps<'_>, edge: usize, sources: &[Peak], destinations: &[Peak], scores: &mut [f32]) {
        if destinations.is_empty() {
            return;
        }
        let rows = scores.chunks_exact_mut(destinations.len()).zip(sources);
        let Some(field) = Field::new(pafs, edge) else {
            rows.for_each(|(row, _)| row.fill(f32::NEG_INFINITY));
            return;
        };
        let largest = pafs.width().max(pafs.height()).max(pafs.channels()) as f32;
        let max_length_px = self.max_edge_length_ratio * largest * self.stride_px;
        for (row, source) in rows {
            let from = self.to_paf_cell(source);
            for (row, destinations) in row.chunks_mut(LANES).zip(destinations.chunks(LANES)) {
                // Lanes that have no destination score a line of length 0 and are not read.
                let mut to = [from; LANES];
                to.iter_mut().zip(destinations).for_each(|(to, peak)| *to = self.to_paf_cell(peak));
                let lines = self.score_lines(&field, from, &to, max_length_px);
                row.iter_mut().zip(lines).for_each(|(score, line)| *score = line);
            }
        }
    }

    fn to_paf_cell(&self, peak: &Peak) -> Point {
        (peak.x * self.cells_per_peak_cell, peak.y * self.cells_per_peak_cell)
    }

    /// Scores of the lines from one point to several, in affinity cells; negative infinity where there is no finite score.
    fn score_lines(&self, field: &Field<'_>, from: Point, to: &[Point; LANES], max_length_px: f32) -> [f32; LANES] {
        let dx = to.map(|to| to.0 - from.0);
        let dy = to.map(|to| to.1 - from.1);
        let (mut sum_x, mut sum_y) = ([0.0; LANES], [0.0; LANES]);
        // Of equal length, so that one bounds check serves both.
        let (field_x, field_y) = (field.x, &field.y[..field.x.len()]);
        for &t in &self.fractions[..self.samples] {
            let x = dx.map(|dx| nearest_cell(from.0 + t * dx, field.last_x));
            let y = dy.map(|dy| nearest_cell(from.1 + t * dy, field.last_y));
            for lane in 0..LANES {
                let cell = y[lane] as usize * field.width + x[lane] as usize;
                sum_x[lane] += field_x[cell];
                sum_y[lane] += field_y[cell];
            }
        }
        core::array::from_fn(|lane| {
            let length = libm::sqrtf(dx[lane] * dx[lane] + dy[lane] * dy[lane]);
            // The unit vector is the same for all points: the sums are projected instead of every sample.
            let mean = (sum_x[lane] * dx[lane] + sum_y[lane] * dy[lane]) / (length * self.samples as f32);
            let penalty = (max_length_px / (length * self.stride_px) - 1.0).min(0.0) * self.dist_penalty_weight;
            let score = mean + penalty;
            if length > 0.0 && length < f32::INFINITY && score.is_finite() { score } else { f32::NEG_INFINITY }
        })
    }
}

/// The affinity maps of one edge; neither is empty.
struct Field<'a> {
    x: &'a [f32],
    y: &'a [f32],
    width: usize,
    last_x: f32,
    last_y: f32,
}

impl<'a> Field<'a> {
    fn new(pafs: &Maps<'a>, edge: usize) -> Option<Self> {
        if pafs.width() == 0 || pafs.height() == 0 || 2 * edge + 1 >= pafs.channels() {
            return None;
        }
        let last = |side: usize| (side - 1).min(ROUNDING_MASK as usize) as f32;
        Some(Self {
            x: pafs.channel(2 * edge),
            y: pafs.channel(2 * edge + 1),
            width: pafs.width(),
            last_x: last(pafs.width()),
            last_y: last(pafs.height()),
        })
    }
}

/// Rounds half to even and clamps to `0..=last`; NaN gives 0.
fn nearest_cell(coordinate: f32, last: f32) -> u32 {
    // `last` is an integer, so that clamping before rounding gives the same as after it. Written as comparisons, which
    // are one instruction each and turn NaN into 0.
    let at_least_0 = if coordinate > 0.0 { coordinate } else { 0.0 };
    let clamped = if at_least_0 < last { at_least_0 } else { last };
    (clamped + ROUNDING).to_bits() & ROUNDING_MASK
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::testing::affinity_maps;
    use alloc::vec;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn peak(x: f32, y: f32) -> Peak {
        Peak { x, y, value: 1.0 }
    }

    fn score(pafs: &Maps<'_>, scorer: &PafScorer, from: Peak, to: Peak) -> f32 {
        let mut scores = [9.0];
        scorer.score(pafs, 0, &[from], &[to], &mut scores);
        scores[0]
    }

    /// SLEAP's formulas in their own order: input pixels, `rint`, the dot product per point, in f64. `None` if a point
    /// lies so close to the border of two cells that f32 may round it the other way.
    fn score_naive(pafs: &Maps<'_>, strides: (u32, u32), config: &GroupingConfig, from: Peak, to: Peak) -> Option<f64> {
        let px = |v: f32| f64::from(v) * f64::from(strides.0);
        let (sx, sy, dx, dy) = (px(from.x), px(from.y), px(to.x) - px(from.x), px(to.y) - px(from.y));
        let length = libm::sqrt(dx * dx + dy * dy);
        let unsafe_tie = |v: f64| (1e-9..1e-4).contains(&(v - libm::floor(v) - 0.5).abs());
        let cell = |v: f64, side: usize| libm::rint(v).clamp(0.0, side as f64 - 1.0) as usize;
        let n = config.line_samples;
        let mut sum = 0.0;
        for i in 0..n {
            let t = f64::from(i) / f64::from(n - 1);
            let (x, y) = ((sx + t * dx) / f64::from(strides.1), (sy + t * dy) / f64::from(strides.1));
            if unsafe_tie(x) || unsafe_tie(y) {
                return None;
            }
            let at = cell(y, pafs.height()) * pafs.width() + cell(x, pafs.width());
            sum += f64::from(pafs.channel(0)[at]) * dx / length + f64::from(pafs.channel(1)[at]) * dy / length;
        }
        let largest = pafs.width().max(pafs.height()).max(pafs.channels()) as f64;
        let longest = f64::from(config.max_edge_length_ratio) * largest * f64::from(strides.1);
        Some(sum / f64::from(n) + (longest / length - 1.0).min(0.0) * f64::from(config.dist_penalty_weight))
    }

    #[test]
    fn a_line_along_its_field_scores_one() {
        let data = affinity_maps(40, 30, 1.5, &[((4.0, 5.0), (10.0, 13.0))]);
        let pafs = Maps::new(&data, 2, 30, 40).unwrap();
        let scorer = PafScorer::new(&GroupingConfig::default(), 4, 4);
        // 10 cells are just the longest edge without penalty: a quarter of 40.
        assert!((score(&pafs, &scorer, peak(4.0, 5.0), peak(10.0, 13.0)) - 1.0).abs() < 1e-6);
        assert!((score(&pafs, &scorer, peak(10.0, 13.0), peak(4.0, 5.0)) + 1.0).abs() < 1e-6);
    }

    #[test]
    fn long_edges_are_penalised() {
        let data = vec![0.0; 2 * 10 * 10];
        let pafs = Maps::new(&data, 2, 10, 10).unwrap();
        let scorer = PafScorer::new(&GroupingConfig::default(), 4, 4);
        // Longest edge 0.25 * 10 cells; 5 cells: 2.5 / 5 - 1.
        assert!((score(&pafs, &scorer, peak(0.0, 0.0), peak(3.0, 4.0)) + 0.5).abs() < 1e-6);
        assert_eq!(score(&pafs, &scorer, peak(0.0, 0.0), peak(2.0, 0.0)), 0.0);
        // 20 channels raise the longest edge to 0.25 * 20 cells.
        let data = vec![0.0; 20 * 10 * 10];
        assert_eq!(score(&Maps::new(&data, 20, 10, 10).unwrap(), &scorer, peak(0.0, 0.0), peak(3.0, 4.0)), 0.0);
    }

    #[test]
    fn coincident_peaks_and_nan_fields_are_infeasible() {
        let scorer = PafScorer::new(&GroupingConfig::default(), 2, 4);
        let data = vec![1.0; 2 * 5 * 5];
        let pafs = Maps::new(&data, 2, 5, 5).unwrap();
        assert_eq!(score(&pafs, &scorer, peak(3.0, 3.0), peak(3.0, 3.0)), f32::NEG_INFINITY);
        assert_eq!(score(&pafs, &scorer, peak(f32::NAN, 3.0), peak(3.0, 3.0)), f32::NEG_INFINITY);
        assert_eq!(score(&pafs, &scorer, peak(f32::MAX, 3.0), peak(f32::MIN, 3.0)), f32::NEG_INFINITY);
        let data = vec![f32::NAN; 2 * 5 * 5];
        let nan = Maps::new(&data, 2, 5, 5).unwrap();
        assert_eq!(score(&nan, &scorer, peak(1.0, 3.0), peak(3.0, 3.0)), f32::NEG_INFINITY);
        // No such edge, and an empty map.
        let mut scores = [0.0];
        scorer.score(&pafs, 1, &[peak(0.0, 0.0)], &[peak(1.0, 0.0)], &mut scores);
        assert_eq!(scores, [f32::NEG_INFINITY]);
        assert_eq!(score(&Maps::new(&[], 2, 0, 0).unwrap(), &scorer, peak(0.0, 0.0), peak(1.0, 0.0)), f32::NEG_INFINITY);
        scorer.score(&pafs, 0, &[peak(0.0, 0.0)], &[], &mut []);
        scorer.score(&pafs, 0, &[], &[peak(0.0, 0.0)], &mut []);
    }

    #[test]
    fn rounding_is_half_to_even_and_clamped() {
        let cells: Vec<u32> = [-7.0, 0.5, 1.5, 2.5, 2.500_001, 8.5, 9.4, 9.6, 300.0].map(|v| nearest_cell(v, 9.0)).to_vec();
        assert_eq!(cells, [0, 0, 2, 2, 3, 8, 9, 9, 9]);
        assert_eq!(nearest_cell(16_383.5, 16_384.0), 16_384);
    }

    #[test]
    fn points_beyond_the_right_and_bottom_border_read_the_last_cell() {
        let mut data = vec![0.0; 2 * 4 * 4];
        (0..4).for_each(|y| data[y * 4 + 3] = 1.0); // x affinity of the last column
        (0..4).for_each(|x| data[16 + 12 + x] = 1.0); // y affinity of the last row
        let pafs = Maps::new(&data, 2, 4, 4).unwrap();
        let scorer = PafScorer::new(&GroupingConfig { dist_penalty_weight: 0.0, ..Default::default() }, 2, 4);
        // Confidence cell 7 is affinity cell 3.5, which rounds to 4: outside.
        assert_eq!(score(&pafs, &scorer, peak(7.0, 1.0), peak(9.0, 1.0)), 1.0);
        assert_eq!(score(&pafs, &scorer, peak(1.0, 7.0), peak(1.0, 9.0)), 1.0);
    }

    #[test]
    fn a_line_within_one_cell_reads_it_for_every_point() {
        let data: Vec<f32> = (0..32).map(|i| if i < 16 { 0.5 } else { 0.0 }).collect();
        let pafs = Maps::new(&data, 2, 4, 4).unwrap();
        let scorer = PafScorer::new(&GroupingConfig::default(), 2, 4);
        assert_eq!(score(&pafs, &scorer, peak(2.0, 2.0), peak(2.125, 2.0)), 0.5);
    }

    proptest! {
        #[test]
        fn scores_agree_with_the_formula(
            data in prop::collection::vec(-1.0_f32..1.0, 2 * 9 * 13),
            points in prop::array::uniform4(0.0_f32..28.0),
            strides in prop::sample::select(vec![(2, 4), (4, 4), (4, 8), (1, 2)]),
            samples in 2_u32..20,
        ) {
            let [x0, y0, x1, y1] = points;
            let (from, to) = (peak(x0, y0), peak(x1, y1));
            let pafs = Maps::new(&data, 2, 9, 13).unwrap();
            let config = GroupingConfig { line_samples: samples, ..Default::default() };
            let expected = score_naive(&pafs, strides, &config, from, to);
            prop_assume!(expected.is_some() && from != to);
            let got = score(&pafs, &PafScorer::new(&config, strides.0, strides.1), from, to);
            let expected = expected.unwrap();
            prop_assert!((f64::from(got) - expected).abs() < 1e-4, "{} instead of {}", got, expected);
        }

        /// Unrefined peaks and 9 samples: every coordinate is exact in f32, and many lie midway between two cells.
        #[test]
        fn ties_on_the_grid_agree_with_the_formula(
            data in prop::collection::vec(-1.0_f32..1.0, 2 * 9 * 13),
            points in prop::array::uniform4(0_u8..28),
            strides in prop::sample::select(vec![(2, 4), (4, 8)]),
        ) {
            let [x0, y0, x1, y1] = points.map(f32::from);
            prop_assume!((x0, y0) != (x1, y1));
            let (from, to) = (peak(x0, y0), peak(x1, y1));
            let pafs = Maps::new(&data, 2, 9, 13).unwrap();
            let config = GroupingConfig { line_samples: 9, ..Default::default() };
            let got = score(&pafs, &PafScorer::new(&config, strides.0, strides.1), from, to);
            let expected = score_naive(&pafs, strides, &config, from, to).unwrap();
            prop_assert!((f64::from(got) - expected).abs() < 1e-4, "{} instead of {}", got, expected);
        }
    }
}
