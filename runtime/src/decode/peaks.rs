//! Maxima of confidence maps.

use crate::decode::peak_buffer::{ChannelWriter, Peak, PeakBuffer};
use crate::tensor::Maps;

/// Cells that are tested together before any cell is looked at alone. Fixed, so that the compiler uses vector compares.
const CHUNK: usize = 16;

/// Finds the local maxima of every channel and puts them into `out` in raster order (SLEAP: `find_local_peaks_rough`).
///
/// A cell is a peak if it is strictly above `threshold` and strictly above its eight neighbours; cells outside the map
/// count as negative infinity, so borders and corners can hold peaks and plateaus cannot. NaN and infinity are never
/// peaks, and a NaN neighbour hides a peak (every comparison with it is false). Channels beyond those of `out` are
/// ignored. If a channel has more peaks than fit, the strongest stay and the rest is counted.
pub fn local_peaks(maps: &Maps<'_>, threshold: f32, out: &mut PeakBuffer) {
    out.clear();
    for channel in 0..maps.channels().min(out.channels()) {
        if let Some(mut writer) = out.write(channel) {
            scan_channel(maps.channel(channel), maps.width(), threshold, &mut writer);
            writer.finish();
        }
    }
}

fn scan_channel(map: &[f32], width: usize, threshold: f32, out: &mut ChannelWriter<'_>) {
    if width == 0 {
        return;
    }
    let mut above: Option<&[f32]> = None;
    let mut rows = map.chunks_exact(width).peekable();
    let mut y = 0;
    while let Some(row) = rows.next() {
        let rows_3 = Rows { above, row, below: rows.peek().copied() };
        rows_3.scan(threshold, |x| out.push(Peak { x: x as f32, y: y as f32, value: row[x] }));
        above = Some(row);
        y += 1;
    }
}

/// One row of a map with its neighbours; all three have the same length.
struct Rows<'a> {
    above: Option<&'a [f32]>,
    row: &'a [f32],
    below: Option<&'a [f32]>,
}

impl Rows<'_> {
    /// Calls `found` with the column of every peak of the row.
    ///
    /// Most cells are background, and of the cells of a blob most lie on its flanks: whole chunks are refused first for
    /// lacking any value above the threshold, then for lacking any that also exceeds the cells above and below.
    fn scan(&self, threshold: f32, mut found: impl FnMut(usize)) {
        let (chunks, rest) = self.row.as_chunks::<CHUNK>();
        for (i, chunk) in chunks.iter().enumerate() {
            if any_above(chunk, threshold) && self.any_ridge(i * CHUNK, chunk, threshold) {
                (i * CHUNK..(i + 1) * CHUNK).filter(|&x| self.is_peak(x, threshold)).for_each(&mut found);
            }
        }
        (self.row.len() - rest.len()..self.row.len()).filter(|&x| self.is_peak(x, threshold)).for_each(found);
    }

    fn any_ridge(&self, start: usize, chunk: &[f32; CHUNK], threshold: f32) -> bool {
        let mut ridge = chunk.map(|v| v > threshold);
        for other in [self.above, self.below].into_iter().flatten() {
            if let Some(other) = other.get(start..).and_then(|o| o.first_chunk::<CHUNK>()) {
                for i in 0..CHUNK {
                    ridge[i] &= chunk[i] > other[i];
                }
            }
        }
        ridge.iter().fold(false, |any, &r| any | r)
    }

    fn is_peak(&self, x: usize, threshold: f32) -> bool {
        let value = self.row[x];
        if !(value > threshold && value < f32::INFINITY) {
            return false;
        }
        let (from, to) = (x.saturating_sub(1), (x + 2).min(self.row.len()));
        let exceeds = |row: Option<&[f32]>| row.is_none_or(|r| r[from..to].iter().all(|&v| value > v));
        let sides = self.row[from..x].iter().chain(&self.row[x + 1..to]);
        exceeds(self.above) && exceeds(self.below) && sides.into_iter().all(|&v| value > v)
    }
}

fn any_above(chunk: &[f32; CHUNK], threshold: f32) -> bool {
    chunk.iter().fold(false, |any, &v| any | (v > threshold))
}

/// Finds the largest value of one channel: the first in row-major order among equals, kept if it is at least `threshold`
/// (SLEAP: `find_global_peaks_rough`, but as one raster argmax: SLEAP takes row and column apart, which on ties can name
/// a cell that is no maximum). NaN and infinity are ignored.
///
/// # Panics
/// If `channel` is out of range.
pub fn global_peak(maps: &Maps<'_>, channel: usize, threshold: f32) -> Option<Peak> {
    let map = maps.channel(channel);
    let mut best = None;
    let mut best_value = f32::NEG_INFINITY;
    for (i, chunk) in map.chunks(CHUNK).enumerate() {
        // Whole chunks without anything better are passed over with vector compares.
        if chunk.first_chunk::<CHUNK>().is_some_and(|c| !any_above(c, best_value)) {
            continue;
        }
        for (j, &value) in chunk.iter().enumerate() {
            if value > best_value && value < f32::INFINITY {
                best_value = value;
                best = Some(i * CHUNK + j);
            }
        }
    }
    let i = best.filter(|_| best_value >= threshold)?;
    Some(Peak { x: (i % maps.width()) as f32, y: (i / maps.width()) as f32, value: best_value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn find(map: &[f32], width: usize, threshold: f32) -> Vec<(f32, f32)> {
        let maps = Maps::new(map, 1, map.len() / width, width).unwrap();
        let mut out = PeakBuffer::new(1, 4096);
        local_peaks(&maps, threshold, &mut out);
        out.channel(0).iter().map(|p| (p.x, p.y)).collect()
    }

    /// The definition, cell by cell.
    fn find_naive(map: &[f32], width: usize, threshold: f32) -> Vec<(f32, f32)> {
        let (w, h) = (width as i64, (map.len() / width) as i64);
        let at = |x: i64, y: i64| {
            if (0..w).contains(&x) && (0..h).contains(&y) { map[(y * w + x) as usize] } else { f32::NEG_INFINITY }
        };
        let mut peaks = Vec::new();
        for y in 0..h {
            for x in 0..w {
                let v = at(x, y);
                let around = (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (dx, dy))).filter(|&d| d != (0, 0));
                if v.is_finite() && v > threshold && around.into_iter().all(|(dx, dy)| v > at(x + dx, y + dy)) {
                    peaks.push((x as f32, y as f32));
                }
            }
        }
        peaks
    }

    fn with(width: usize, height: usize, cells: &[(usize, usize, f32)]) -> Vec<f32> {
        let mut map = vec![0.0; width * height];
        for &(x, y, v) in cells {
            map[y * width + x] = v;
        }
        map
    }

    #[test]
    fn a_plateau_gives_no_local_peak() {
        assert!(find(&with(40, 3, &[(20, 1, 0.9), (21, 1, 0.9)]), 40, 0.2).is_empty());
        assert!(find(&with(40, 3, &[(20, 1, 0.9), (21, 2, 0.9)]), 40, 0.2).is_empty());
    }

    #[test]
    fn corners_and_borders_can_be_peaks() {
        let map = with(33, 4, &[(0, 0, 0.5), (32, 0, 0.6), (0, 3, 0.7), (32, 3, 0.8), (16, 0, 0.9), (15, 3, 0.9)]);
        assert_eq!(find(&map, 33, 0.2), [(0.0, 0.0), (16.0, 0.0), (32.0, 0.0), (0.0, 3.0), (15.0, 3.0), (32.0, 3.0)]);
        assert_eq!(find(&[0.3], 1, 0.2), [(0.0, 0.0)]);
    }

    #[test]
    fn a_value_equal_to_the_threshold_is_no_local_peak_but_a_global_one() {
        let map = with(20, 3, &[(5, 1, 0.2)]);
        assert!(find(&map, 20, 0.2).is_empty());
        let maps = Maps::new(&map, 1, 3, 20).unwrap();
        assert_eq!(global_peak(&maps, 0, 0.2), Some(Peak { x: 5.0, y: 1.0, value: 0.2 }));
        assert_eq!(global_peak(&maps, 0, 0.200_001), None);
    }

    #[test]
    fn all_nan_and_infinite_maps_have_no_peaks() {
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let map = [value; 60];
            assert!(find(&map, 20, 0.0).is_empty());
            assert_eq!(global_peak(&Maps::new(&map, 1, 3, 20).unwrap(), 0, 0.0), None);
        }
        assert!(find(&with(20, 3, &[(5, 1, f32::INFINITY)]), 20, 0.0).is_empty());
        assert_eq!(global_peak(&Maps::new(&[], 1, 0, 0).unwrap(), 0, 0.0), None);
        assert!(find(&[], 1, 0.0).is_empty());
    }

    #[test]
    fn the_global_peak_is_the_first_of_equals_and_a_true_maximum() {
        // SLEAP takes row and column apart: here it would name (1, 0), which is 0.
        let map = with(4, 3, &[(3, 0, 0.9), (1, 2, 0.9), (0, 1, f32::NAN)]);
        let peak = global_peak(&Maps::new(&map, 1, 3, 4).unwrap(), 0, 0.2);
        assert_eq!(peak, Some(Peak { x: 3.0, y: 0.0, value: 0.9 }));
    }

    #[test]
    fn surplus_peaks_are_counted() {
        let map = with(40, 1, &[(1, 0, 0.3), (5, 0, 0.9), (9, 0, 0.8)]);
        let mut out = PeakBuffer::new(1, 2);
        local_peaks(&Maps::new(&map, 1, 1, 40).unwrap(), 0.2, &mut out);
        assert_eq!(out.channel(0).iter().map(|p| p.x).collect::<Vec<_>>(), [5.0, 9.0]);
        assert_eq!(out.overflow(), 1);
    }

    proptest! {
        #[test]
        fn local_peaks_agree_with_the_definition(
            width in 1_usize..50,
            height in 1_usize..12,
            levels in prop::collection::vec(0_u8..12, 600),
        ) {
            let value = |&l: &u8| match l { 11 => f32::NAN, 10 => f32::INFINITY, l => f32::from(l) * 0.1 };
            let map: Vec<f32> = levels[..width * height].iter().map(value).collect();
            prop_assert_eq!(find(&map, width, 0.3), find_naive(&map, width, 0.3));
        }
    }
}
