//! Whether parts that are there are found, and parts that are not there are left out.

use serde::Serialize;

/// Counts over the parts of matched animals.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Visibility {
    /// Visible and predicted.
    pub tp: u64,
    /// Not visible but predicted.
    pub fp: u64,
    /// Not visible and not predicted.
    pub tn: u64,
    /// Visible but not predicted.
    #[serde(rename = "fn")]
    pub fn_: u64,
    /// `tp / (tp + fp)`; `None` if nothing was predicted.
    pub precision: Option<f64>,
    /// `tp / (tp + fn)`; `None` if nothing was visible.
    pub recall: Option<f64>,
}

impl Visibility {
    /// Counts one part.
    pub fn add(&mut self, visible: bool, predicted: bool) {
        match (visible, predicted) {
            (true, true) => self.tp += 1,
            (false, true) => self.fp += 1,
            (false, false) => self.tn += 1,
            (true, false) => self.fn_ += 1,
        }
        let ratio = |other: u64| (self.tp + other > 0).then(|| self.tp as f64 / (self.tp + other) as f64);
        (self.precision, self.recall) = (ratio(self.fp), ratio(self.fn_));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_cells_and_their_ratios() {
        let mut v = Visibility::default();
        assert_eq!((v.precision, v.recall), (None, None));
        v.add(false, false);
        assert_eq!((v.tn, v.precision, v.recall), (1, None, None));
        for (visible, predicted) in [(true, true), (true, true), (true, true), (false, true), (true, false), (true, false)] {
            v.add(visible, predicted);
        }
        assert_eq!((v.tp, v.fp, v.tn, v.fn_), (3, 1, 1, 2));
        assert_eq!((v.precision, v.recall), (Some(0.75), Some(0.6)));
    }
}
