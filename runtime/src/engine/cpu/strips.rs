//! Rows of a map in strips, one for each task: all channels of a strip belong to it, so that a step's tasks divide the picture
//! in the same way as those of the steps before and behind it.

use core::ops::Range;

/// Numbers that one task makes at least, if a map has as many: handing out a task takes as long as some hundred of them.
const TASK_NUMBERS: usize = 1 << 13;

/// Strips of equal height; the last one may be lower.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Strips {
    height: usize,
    rows: usize,
}

impl Strips {
    /// Strips with enough work for one task, where a row is `row_numbers` numbers of all channels together.
    pub fn new(height: usize, row_numbers: usize, workers: usize) -> Self {
        Self::of_rows(height, TASK_NUMBERS / row_numbers.max(1), 1, workers)
    }

    /// Strips of about `rows` rows, in multiples of `unit`; as many for each worker where there are enough units.
    pub fn of_rows(height: usize, rows: usize, unit: usize, workers: usize) -> Self {
        let units = height.div_ceil(unit).max(1);
        let strips = units.div_ceil((rows / unit).max(1)).next_multiple_of(workers.max(1)).min(units);
        Self { height, rows: units.div_ceil(strips) * unit }
    }

    /// Number of strips.
    pub fn count(self) -> usize {
        self.height.div_ceil(self.rows)
    }

    /// Rows of the highest strip.
    pub fn most_rows(self) -> usize {
        self.rows.min(self.height)
    }

    /// Rows of one strip.
    pub fn rows(self, strip: usize) -> Range<usize> {
        strip * self.rows..self.height.min((strip + 1) * self.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_cover_all_rows_and_workers() {
        for height in 0..40 {
            for (rows, unit, workers) in [(1, 1, 1), (5, 1, 2), (5, 2, 3), (100, 2, 4), (0, 2, 2)] {
                let strips = Strips::of_rows(height, rows, unit, workers);
                let all: Vec<usize> = (0..strips.count()).flat_map(|strip| strips.rows(strip)).collect();
                assert!(all.into_iter().eq(0..height));
                assert!((0..strips.count()).all(|strip| strips.rows(strip).start.is_multiple_of(unit)));
                assert!((0..strips.count()).all(|strip| strips.rows(strip).len() <= strips.most_rows()));
            }
        }
        assert_eq!([1, 2, 3].map(|workers| Strips::of_rows(12, 12, 2, workers).count()), [1, 2, 3]);
        assert_eq!(Strips::new(96, 96 * 32, 2).count(), 48);
    }
}
