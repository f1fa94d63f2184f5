//! Which frames of the training labels train, validate and test.

use crate::config::DataConfig;
use crate::dataset::split;
use crate::error::{Error, Result};

/// Frame numbers of the training labels, rising.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parts {
    /// Frames to train on.
    pub train: Vec<usize>,
    /// Frames to validate with; `None` when they come from elsewhere.
    pub val: Option<Vec<usize>>,
    /// Frames to test with; `None` when there are none or they come from elsewhere.
    pub test: Option<Vec<usize>>,
}

impl Parts {
    /// Divides `count` frames: test frames are taken first, then validation frames of the rest, each by number or as a share. With
    /// `generated` samples there is no need to hold any out. A single frame trains and validates.
    ///
    /// # Errors
    /// [`Error::Data`] when a number is out of range or nothing is left to train on.
    pub fn of(data: &DataConfig, count: usize, generated: bool) -> Result<Self> {
        if let Some(wrong) = data.val_indices.iter().chain(&data.test_indices).find(|&&i| i >= count) {
            return Err(Error::Data(format!(
                "val_indices or test_indices name frame {wrong}, but the labels hold the frames 0 to {}",
                count.saturating_sub(1)
            )));
        }
        let mut train: Vec<usize> = (0..count).collect();
        let test = if !data.test_indices.is_empty() {
            Some(take(&mut train, |_, frame| data.test_indices.contains(&frame)))
        } else if data.test_fraction > 0.0 && !generated && count > 1 {
            // Another seed than that of the validation frames, so that the two draws have nothing to do with each other.
            let chosen = split(count, data.test_fraction, data.seed ^ 0x7e57).validation;
            Some(take(&mut train, |_, frame| chosen.binary_search(&frame).is_ok()))
        } else {
            None
        };
        let val = if !data.val_indices.is_empty() {
            Some(take(&mut train, |_, frame| data.val_indices.contains(&frame)))
        } else if !data.val.is_empty() || generated {
            None
        } else if train.len() == 1 {
            Some(train.clone())
        } else {
            let chosen = split(train.len(), data.validation_fraction, data.seed).validation;
            Some(take(&mut train, |place, _| chosen.binary_search(&place).is_ok()))
        };
        if train.is_empty() {
            return Err(Error::Data(
                "no labelled frame is left to train on: frames need a user instance with a visible part".into(),
            ));
        }
        Ok(Self { train, val, test })
    }
}

/// Moves the frames that are `wanted` (by their place and number) out of `frames`.
fn take(frames: &mut Vec<usize>, wanted: impl Fn(usize, usize) -> bool) -> Vec<usize> {
    let all = std::mem::take(frames);
    let (taken, left): (Vec<_>, Vec<_>) = all.into_iter().enumerate().partition(|&(place, frame)| wanted(place, frame));
    *frames = left.into_iter().map(|(_, frame)| frame).collect();
    taken.into_iter().map(|(_, frame)| frame).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_is_in_one_part() {
        let data = DataConfig { test_fraction: 0.2, validation_fraction: 0.25, ..DataConfig::default() };
        let parts = Parts::of(&data, 50, false).unwrap();
        let (val, test) = (parts.val.clone().unwrap(), parts.test.clone().unwrap());
        assert_eq!((parts.train.len(), val.len(), test.len()), (30, 10, 10));
        let mut all = [parts.train.clone(), val, test].concat();
        all.sort_unstable();
        assert_eq!(all, (0..50).collect::<Vec<_>>());
        assert_eq!(Parts::of(&data, 50, false).unwrap(), parts);
        assert_ne!(Parts::of(&DataConfig { seed: 1, ..data }, 50, false).unwrap(), parts);
    }

    #[test]
    fn numbers_and_other_files_decide_before_shares() {
        let by_number = DataConfig { val_indices: vec![4, 1], test_indices: vec![0], ..DataConfig::default() };
        let parts = Parts::of(&by_number, 5, false).unwrap();
        assert_eq!(parts, Parts { train: vec![2, 3], val: Some(vec![1, 4]), test: Some(vec![0]) });
        assert!(Parts::of(&by_number, 4, false).unwrap_err().to_string().contains("frame 4"));
        assert!(Parts::of(&by_number, 0, false).is_err());
        let by_file = DataConfig { val: vec!["other.slp".into()], ..DataConfig::default() };
        assert_eq!(Parts::of(&by_file, 2, false).unwrap(), Parts { train: vec![0, 1], val: None, test: None });
        assert_eq!(Parts::of(&DataConfig::default(), 1, false).unwrap().val, Some(vec![0]));
        assert_eq!(Parts::of(&DataConfig::default(), 9, true).unwrap().train.len(), 9);
        let all = DataConfig { val_indices: vec![0, 1], ..DataConfig::default() };
        assert!(Parts::of(&all, 2, false).is_err());
    }
}
