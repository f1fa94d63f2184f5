//! Frames and animals that were labelled twice.

use crate::dataset::{LabelInstance, LabeledFrame};
use serde::Serialize;
use std::collections::BTreeMap;

/// Two animals of a frame whose common parts lie closer than this on average are the same animal labelled twice. Two real
/// animals cannot: all their parts would have to coincide.
const SAME_ANIMAL_PX: f64 = 2.0;

/// A frame that stands several times in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RepeatedFrame {
    /// Index of the video.
    pub video: usize,
    /// Frame number.
    pub frame_index: u64,
    /// How often.
    pub times: usize,
}

/// What is in the file more than once.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Repeats {
    /// Frames, by video and number.
    pub frames: Vec<RepeatedFrame>,
    /// Animals that cover another one of the same frame part by part: `(video, frame number)` of each.
    pub animals: Vec<(usize, u64)>,
}

impl Repeats {
    /// Looks through all frames; only animals that `counts` accepts are compared.
    pub(super) fn find(frames: &[LabeledFrame], counts: impl Fn(&LabelInstance) -> bool) -> Self {
        let mut times: BTreeMap<(usize, u64), usize> = BTreeMap::new();
        let mut animals = Vec::new();
        for frame in frames {
            let key = (frame.video, frame.frame_index);
            *times.entry(key).or_default() += 1;
            let counted: Vec<&LabelInstance> = frame.instances.iter().filter(|i| counts(i)).collect();
            for (index, animal) in counted.iter().enumerate() {
                if counted[..index].iter().any(|earlier| is_same(earlier, animal)) {
                    animals.push(key);
                }
            }
        }
        let repeated = times.into_iter().filter(|(_, times)| *times > 1);
        let frames = repeated.map(|((video, frame_index), times)| RepeatedFrame { video, frame_index, times }).collect();
        Self { frames, animals }
    }
}

/// Whether the animals share usable parts, and these lie on each other.
fn is_same(a: &LabelInstance, b: &LabelInstance) -> bool {
    let common = a.points.iter().zip(&b.points).filter(|(a, b)| a.is_usable() && b.is_usable());
    let (sum_px, count) = common.fold((0.0, 0), |(sum, n), (a, b)| (sum + (a.x_px - b.x_px).hypot(a.y_px - b.y_px), n + 1));
    count > 0 && sum_px / f64::from(count) < SAME_ANIMAL_PX
}
