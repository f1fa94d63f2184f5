//! Frames in which an animal may have been left out: a network learns that nothing is there.

use crate::dataset::{InstanceKind, LabelInstance, LabeledFrame};
use serde::Serialize;
use std::collections::BTreeMap;

/// Where this share of the labelled frames shows the same number of animals, fewer of them are worth a look.
const USUAL_SHARE: f64 = 0.8;

/// Frames that may not be labelled to the end, as (video, frame number), in file order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Unfinished {
    /// A person placed some animals; others were predicted and neither corrected nor deleted.
    pub half_corrected: Vec<(usize, u64)>,
    /// Number of animals that nearly all labelled frames show.
    pub usual_animals: Option<usize>,
    /// Labelled frames with fewer animals than that.
    pub fewer_animals: Vec<(usize, u64)>,
}

impl Unfinished {
    /// Looks through all frames; `is_animal` tells which instances count as animals.
    pub fn find(frames: &[LabeledFrame], is_animal: impl Fn(&LabelInstance) -> bool) -> Self {
        let place = |frame: &LabeledFrame| (frame.video, frame.frame_index);
        let has = |frame: &LabeledFrame, kind| frame.instances.iter().any(|i| i.kind == kind);
        // A prediction that was corrected is still in the file, beside the instance that was made from it.
        let left_over = |frame: &&LabeledFrame| {
            let corrected = |index| frame.instances.iter().any(|i| i.from_predicted == Some(index));
            let predicted = frame.instances.iter().enumerate().filter(|(_, i)| i.kind == InstanceKind::Predicted);
            has(frame, InstanceKind::User) && predicted.into_iter().any(|(index, _)| !corrected(index))
        };
        let counts = frames.iter().map(|frame| (frame, frame.instances.iter().filter(|i| is_animal(i)).count()));
        let labelled: Vec<(&LabeledFrame, usize)> = counts.filter(|(_, animals)| *animals > 0).collect();
        let mut by_count = BTreeMap::<usize, usize>::new();
        labelled.iter().for_each(|(_, animals)| *by_count.entry(*animals).or_default() += 1);
        let usual = by_count.into_iter().max_by_key(|(_, frames)| *frames);
        let usual_animals =
            usual.filter(|(_, count)| *count as f64 >= USUAL_SHARE * labelled.len() as f64).map(|(animals, _)| animals);
        let is_fewer = |animals: usize| usual_animals.is_some_and(|usual| animals < usual);
        Self {
            half_corrected: frames.iter().filter(left_over).map(place).collect(),
            usual_animals,
            fewer_animals: labelled.iter().filter(|(_, animals)| is_fewer(*animals)).map(|(frame, _)| place(frame)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(kind: InstanceKind, from_predicted: Option<usize>) -> LabelInstance {
        LabelInstance { kind, points: vec![], track: None, score: f32::NAN, tracking_score: f32::NAN, from_predicted }
    }

    #[test]
    fn half_corrected_frames_and_those_with_fewer_animals() {
        use InstanceKind::{Predicted, User};
        let frame = |frame_index, instances| LabeledFrame { video: 0, frame_index, instances };
        let user = || instance(User, None);
        let mut frames: Vec<LabeledFrame> = (0..8).map(|index| frame(index, vec![user(), user()])).collect();
        frames.push(frame(8, vec![user()]));
        frames.push(frame(9, vec![user(), instance(Predicted, None), user()]));
        frames.push(frame(10, vec![instance(Predicted, None), user(), instance(User, Some(0))]));
        frames.push(frame(11, vec![instance(Predicted, None)]));
        frames.push(frame(12, vec![]));
        let found = Unfinished::find(&frames, |i| i.kind == User);
        assert_eq!(found.half_corrected, [(0, 9)], "the prediction of frame 10 was corrected");
        assert_eq!((found.usual_animals, found.fewer_animals), (Some(2), vec![(0, 8)]));
        // Without a usual number nobody can say what is missing.
        frames.truncate(2);
        frames.extend([frame(8, vec![user()]), frame(9, vec![user()])]);
        assert_eq!(Unfinished::find(&frames, |i| i.kind == User), Unfinished::default());
        assert_eq!(Unfinished::find(&[], |_| true), Unfinished::default());
    }
}
