//! Which frames of a video are meant: `0,5,10-20,100-200:10`.

use crate::error::{Error, Result};
use std::str::FromStr;

/// A list of inclusive ranges with steps, in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameList {
    ranges: Vec<(u64, u64, u64)>,
}

impl FrameList {
    /// The frames in order; those at or beyond `len` (where known) are left out.
    pub fn indices(&self, len: Option<u64>) -> impl Iterator<Item = u64> {
        let end = len.unwrap_or(u64::MAX);
        self.ranges.iter().flat_map(|&(first, last, step)| (first..=last).step_by(step as usize)).take_while(move |&i| i < end)
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
        assert_eq!(list.indices(None).collect::<Vec<_>>(), [3, 5, 6, 7, 10, 15, 20]);
        assert_eq!(list.indices(Some(11)).collect::<Vec<_>>(), [3, 5, 6, 7, 10]);
    }

    #[test]
    fn nonsense_is_explained() {
        for text in ["", "a", "5-3", "1-5:0", "1,,2", "-1", "0-99999999999"] {
            let message = text.parse::<FrameList>().unwrap_err().to_string();
            assert!(message.contains("10-20"), "{text}: {message}");
        }
    }
}
