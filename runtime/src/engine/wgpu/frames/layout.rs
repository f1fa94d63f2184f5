//! What lies where in the results, in words of 4 bytes: the peaks of each channel, how many there would be without a limit, x, y and
//! value of all peaks one behind the other, then the scores. So what a frame needs is read in one piece.

use crate::engine::{DecodePlan, ScorePlan};
use alloc::vec::Vec;

/// Most scores of one frame, 64 MiB. Models whose limits allow more are decoded on the CPU.
const MOST_SCORES: usize = 1 << 24;

/// The sides of the lists.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    /// One list a channel.
    pub lists: usize,
    /// Room of a list in peaks.
    pub room: usize,
    scores: Scores,
}

/// How many scores some peaks have.
#[derive(Debug, Clone, PartialEq)]
enum Scores {
    None,
    /// One for each pair of a source and a destination of these channels.
    Pairs(Vec<[usize; 2]>),
    /// So many for each peak.
    PerPeak(usize),
}

impl Layout {
    /// For maps of `lists` channels; `None` for more scores than are worth their memory.
    pub fn new(plan: &DecodePlan, lists: usize) -> Option<Self> {
        let room = plan.peaks.find.room();
        let scores = match &plan.scores {
            None => Scores::None,
            Some(ScorePlan::Lines(lines)) => Scores::Pairs(lines.edges.iter().map(|&[_, from, to]| [from, to]).collect()),
            Some(ScorePlan::Classes { classes, .. }) => Scores::PerPeak(*classes),
        };
        let layout = Self { lists, room, scores };
        (layout.most_scores() <= MOST_SCORES).then_some(layout)
    }

    /// Words before the peaks.
    pub fn head(&self) -> usize {
        2 * self.lists
    }

    fn most_scores(&self) -> usize {
        match &self.scores {
            Scores::None => 0,
            Scores::Pairs(pairs) => pairs.len() * self.room * self.room,
            Scores::PerPeak(numbers) => numbers * self.lists * self.room,
        }
    }

    /// Words of all that can be found.
    pub fn most_words(&self) -> usize {
        self.head() + 3 * self.lists * self.room + self.most_scores()
    }

    /// Words up to the end of the peaks and of the scores of lists with so many peaks; `None` if a list is longer than it can be.
    pub fn ends(&self, counts: &[u32]) -> Option<[usize; 2]> {
        if counts.len() != self.lists || counts.iter().any(|&count| count as usize > self.room) {
            return None;
        }
        let all: usize = counts.iter().map(|&count| count as usize).sum();
        let count = |list: usize| counts.get(list).map_or(0, |&count| count as usize);
        let scores = match &self.scores {
            Scores::None => 0,
            Scores::Pairs(pairs) => pairs.iter().map(|&[from, to]| count(from) * count(to)).sum(),
            Scores::PerPeak(numbers) => numbers * all,
        };
        let peaks = self.head() + 3 * all;
        Some([peaks, peaks + scores])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{GroupingConfig, Refinement};
    use crate::engine::{Find, LinePlan, PeakLists, PeakPlan};

    fn plan(max_peaks: usize, edges: &[[usize; 3]]) -> DecodePlan {
        let find = Find::Local { max_peaks };
        let on_cpu = |_: &crate::tensor::Maps<'_>, _: &PeakPlan, _: bool| PeakLists::default();
        let peaks = PeakPlan { output: 0, threshold: 0.2, refinement: Refinement::None, find, on_cpu };
        let grouping = GroupingConfig::default();
        let lines = LinePlan { output: 1, edges: edges.to_vec(), grouping, peak_stride_px: 2, stride_px: 4 };
        DecodePlan { peaks, scores: Some(ScorePlan::Lines(lines)) }
    }

    #[test]
    fn peaks_and_scores_stand_one_behind_the_other() {
        let layout = Layout::new(&plan(4, &[[0, 0, 1], [1, 1, 2]]), 3).unwrap();
        assert_eq!(layout.head(), 6);
        assert_eq!(layout.most_words(), 6 + 3 * 12 + 2 * 16);
        assert_eq!(layout.ends(&[0, 0, 0]), Some([6, 6]));
        assert_eq!(layout.ends(&[2, 3, 1]), Some([6 + 18, 6 + 18 + 6 + 3]));
        assert_eq!(layout.ends(&[4, 4, 4]), Some([6 + 36, layout.most_words()]));
        // What no sound driver says.
        assert_eq!(layout.ends(&[5, 0, 0]), None);
        assert_eq!(layout.ends(&[u32::MAX; 3]), None);
    }

    #[test]
    fn too_many_pairs_are_left_to_the_cpu() {
        assert!(Layout::new(&plan(1024, &[[0, 0, 1]; 16]), 3).is_some());
        assert!(Layout::new(&plan(1024, &[[0, 0, 1]; 17]), 3).is_none());
    }
}
