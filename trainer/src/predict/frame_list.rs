//! Which frames of a video are meant: `0,5,10-20,100-200:10`.

use crate::error::{Error, Result};
use std::str::FromStr;

/// A set of inclusive ranges with steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameList {
    ranges: Vec<(u64, u64, u64)>,
}

impl FrameList {
    /// The frames below `end`, each once and in ascending order, whatever the order of the ranges.
    pub fn below(&self, end: u64) -> Vec<u64> {
        let of_range = |&(first, last, step): &(u64, u64, u64)| (first..end.min(last + 1)).step_by(step as usize);
        let mut frames: Vec<u64> = self.ranges.iter().flat_map(of_range).collect();
        frames.sort_unstable();
        frames.dedup();
        frames
    }

    /// Whether a frame is in the list.
    pub fn contains(&self, frame: u64) -> bool {
        self.ranges.iter().any(|&(first, last, step)| (first..=last).contains(&frame) && (frame - first).is_multiple_of(step))
    }

    /// Number after the last frame of all ranges.
    pub fn end(&self) -> u64 {
        self.ranges.iter().map(|(_, last, _)| last + 1).max().unwrap_or(0)
    }
}

impl FromStr for FrameList {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let ranges = text.split(',').map(|part| parse_range(part.trim())).collect::<Option<Vec<_>>>();
        let explained =
            || Error::Data(format!("frames {text:?} are not understood: write numbers and ranges such as 0,5,10-20,100-200:10"));
        let ranges = ranges.ok_or_else(explained)?;
        Ok(Self { ranges })
    }
}

fn parse_range(part: &str) -> Option<(u64, u64, u64)> {
    let (range, step) = part.split_once(':').map_or((part, Some(1)), |(range, step)| (range, step.parse().ok()));
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let (first, last, step) = (first.trim().parse().ok()?, last.trim().parse().ok()?, step?);
    (first <= last && step > 0 && last < u64::from(u32::MAX)).then_some((first, last, step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_inclusive_and_cut_at_the_end() {
        let list: FrameList = "3, 5-7,10-20:5".parse().unwrap();
        assert_eq!(list.below(list.end()), [3, 5, 6, 7, 10, 15, 20]);
        assert_eq!(list.below(11), [3, 5, 6, 7, 10]);
        assert_eq!((list.below(0).len(), list.end()), (0, 21));
        let found: Vec<u64> = (0..30).filter(|frame| list.contains(*frame)).collect();
        assert_eq!(found, list.below(30));
    }

    /// A number beyond the end must not hide those behind it, and no frame comes twice.
    #[test]
    fn the_order_of_the_ranges_does_not_matter() {
        let list: FrameList = "100,5,2-6:2,5".parse().unwrap();
        assert_eq!(list.below(50), [2, 4, 5, 6]);
        assert_eq!(list.below(u64::MAX), [2, 4, 5, 6, 100]);
    }

    #[test]
    fn nonsense_is_explained() {
        for text in ["", "a", "5-3", "1-5:0", "1,,2", "-1", "0-99999999999"] {
            let message = text.parse::<FrameList>().unwrap_err().to_string();
            assert!(message.contains("10-20"), "{text}: {message}");
        }
    }
}
