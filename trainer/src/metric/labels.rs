//! Frame pairs from two labels files.

use super::pair::{FramePair, PredictedPose};
use crate::dataset::{InstanceKind, LabelInstance, Labels};
use crate::error::{Error, Result};
use std::collections::BTreeMap;

/// Which animals of the first file are the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TruthKind {
    /// Those that a person placed.
    #[default]
    User,
    /// All, to compare a file with another program's predictions.
    Any,
}

/// Pairs the labelled frames of `truth` with the same frames of `predicted`, in order of video and frame number.
///
/// Videos correspond by stored name, else by file name, else by position. Nodes correspond by name. Frames of `truth`
/// without an animal of that kind were not labelled and are left out; one that `predicted` lacks is paired with nothing, so
/// that its animals count as missed. The predictions are the predicted animals of `predicted`, or all if it has none.
///
/// # Errors
/// [`Error::Data`] when the skeletons have different nodes (all named), or a labelled video is not in `predicted`.
pub fn pair_labels(truth: &Labels, predicted: &Labels, kind: TruthKind) -> Result<Vec<FramePair>> {
    let nodes = corresponding_nodes(truth, predicted)?;
    let truths = frames(truth, |instance| kind == TruthKind::Any || instance.kind == InstanceKind::User);
    let any_predicted = predicted.frames.iter().flat_map(|f| &f.instances).any(|i| i.kind == InstanceKind::Predicted);
    let predictions = frames(predicted, |instance| !any_predicted || instance.kind == InstanceKind::Predicted);
    let mut pairs = Vec::with_capacity(truths.len());
    for ((video, frame_index), instances) in truths {
        let other = corresponding_video(truth, predicted, video)?;
        let found = predictions.get(&(other, frame_index)).map(Vec::as_slice).unwrap_or_default();
        pairs.push(FramePair {
            truth: instances.iter().map(|i| true_points(i)).collect(),
            predicted: found.iter().map(|i| predicted_pose(i, &nodes)).collect(),
        });
    }
    Ok(pairs)
}

type Frames<'a> = BTreeMap<(usize, u64), Vec<&'a LabelInstance>>;

/// Animals by video and frame number; frames that appear twice are joined, frames without such animals are left out.
fn frames(labels: &Labels, wanted: impl Fn(&LabelInstance) -> bool) -> Frames<'_> {
    let mut frames = Frames::new();
    for frame in &labels.frames {
        for instance in frame.instances.iter().filter(|i| wanted(i)) {
            frames.entry((frame.video, frame.frame_index)).or_default().push(instance);
        }
    }
    frames
}

/// For every node of `truth` its index in `predicted`.
fn corresponding_nodes(truth: &Labels, predicted: &Labels) -> Result<Vec<usize>> {
    let missing = |from: &Labels, of: &Labels| -> Vec<String> {
        of.skeleton.nodes.iter().filter(|name| from.skeleton.node_index(name).is_none()).cloned().collect()
    };
    let (lacking, extra) = (missing(predicted, truth), missing(truth, predicted));
    if !lacking.is_empty() || !extra.is_empty() {
        return Err(Error::Data(format!(
            "the skeletons differ: the predictions lack {lacking:?} and have {extra:?}, which the true labels lack"
        )));
    }
    Ok(truth.skeleton.nodes.iter().filter_map(|name| predicted.skeleton.node_index(name)).collect())
}

fn corresponding_video(truth: &Labels, predicted: &Labels, video: usize) -> Result<usize> {
    let stored = |labels: &Labels, index: usize| labels.videos.get(index).map(|v| v.stored_name.clone());
    let name = stored(truth, video).unwrap_or_default();
    // A name decides only if it is the name of one video on each side ("." is that of every embedded one).
    let unique = |key: fn(&str) -> &str| {
        let same = |labels: &Labels| -> Vec<usize> {
            (0..labels.videos.len()).filter(|&i| key(&labels.videos[i].stored_name) == key(&name)).collect()
        };
        match (same(truth).as_slice(), same(predicted).as_slice()) {
            ([_], [only]) => Some(*only),
            _ => None,
        }
    };
    let by_position = (truth.videos.len() == predicted.videos.len()).then_some(video);
    unique(|name| name).or_else(|| unique(file_name)).or(by_position).ok_or_else(|| {
        let known: Vec<&str> = predicted.videos.iter().map(|v| v.stored_name.as_str()).collect();
        Error::Data(format!("video {video} ({name:?}) has labels but is not among the videos of the predictions: {known:?}"))
    })
}

/// Last component of a path of any system.
fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

fn true_points(instance: &LabelInstance) -> Vec<[f32; 2]> {
    let point = |p: &crate::dataset::LabelPoint| if p.is_usable() { [p.x_px as f32, p.y_px as f32] } else { [f32::NAN; 2] };
    instance.points.iter().map(point).collect()
}

/// Points in the order of the true skeleton. What a person calls visible says nothing about a prediction.
fn predicted_pose(instance: &LabelInstance, nodes: &[usize]) -> PredictedPose {
    let point = |&node: &usize| instance.points.get(node).map_or([f32::NAN; 2], |p| [p.x_px as f32, p.y_px as f32]);
    PredictedPose { points: nodes.iter().map(point).collect(), score: instance.score }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{LabelPoint, LabeledFrame, Video, VideoSource};
    use dormouse::Skeleton;

    fn labels(nodes: &[&str], videos: &[&str], frames: Vec<LabeledFrame>) -> Labels {
        let video = |name: &&str| Video {
            source: VideoSource::Media((*name).into()),
            stored_name: (*name).into(),
            grayscale: None,
            shape: None,
        };
        let skeleton = Skeleton { nodes: nodes.iter().map(|&n| n.into()).collect(), ..Skeleton::default() };
        Labels { skeleton, videos: videos.iter().map(video).collect(), frames, ..Labels::default() }
    }

    fn instance(kind: InstanceKind, xs: &[f64]) -> LabelInstance {
        let point = |&x| LabelPoint { x_px: x, y_px: 1.0, visible: true, complete: true, score: 0.5 };
        let points = xs.iter().map(point).collect();
        LabelInstance { kind, points, track: None, score: 0.75, tracking_score: 0.0, from_predicted: None }
    }

    fn frame(video: usize, frame_index: u64, instances: Vec<LabelInstance>) -> LabeledFrame {
        LabeledFrame { video, frame_index, instances }
    }

    use InstanceKind::{Predicted, User};

    #[test]
    fn nodes_go_by_name_and_videos_by_file_name() {
        let truth = labels(&["a", "b"], &["/x/one.mp4", "/x/two.mp4"], vec![frame(1, 7, vec![instance(User, &[1.0, 2.0])])]);
        let predicted =
            labels(&["b", "a"], &["D:\\two.mp4", "D:\\one.mp4"], vec![frame(0, 7, vec![instance(Predicted, &[20.0, 10.0])])]);
        let pairs = pair_labels(&truth, &predicted, TruthKind::User).unwrap();
        assert_eq!(pairs.len(), 1);
        assert_eq!(pairs[0].truth, [[[1.0, 1.0], [2.0, 1.0]]]);
        assert_eq!(pairs[0].predicted, [PredictedPose { points: vec![[10.0, 1.0], [20.0, 1.0]], score: 0.75 }]);
    }

    #[test]
    fn frames_without_predictions_stay_and_unlabelled_ones_go() {
        let shown = frame(0, 3, vec![instance(User, &[1.0]), instance(Predicted, &[5.0])]);
        let truth = labels(&["a"], &["."], vec![shown, frame(0, 4, vec![instance(Predicted, &[5.0])])]);
        let predicted = labels(&["a"], &["v.mp4"], vec![frame(0, 4, vec![instance(Predicted, &[5.0])])]);
        let pairs = pair_labels(&truth, &predicted, TruthKind::User).unwrap();
        assert_eq!(pairs, [FramePair { truth: vec![vec![[1.0, 1.0]]], predicted: vec![] }]);
        let any = pair_labels(&truth, &predicted, TruthKind::Any).unwrap();
        assert_eq!((any.len(), any[0].truth.len(), any[1].predicted.len()), (2, 2, 1));
    }

    #[test]
    fn what_a_person_hid_is_not_truth() {
        let mut hidden = instance(User, &[1.0, 2.0]);
        hidden.points[1].visible = false;
        let truth = labels(&["a", "b"], &["v"], vec![frame(0, 0, vec![hidden])]);
        let pairs = pair_labels(&truth, &truth, TruthKind::User).unwrap();
        assert!(pairs[0].truth[0][1][0].is_nan() && pairs[0].predicted[0].points[1] == [2.0, 1.0]);
    }

    #[test]
    fn differences_are_named() {
        let truth = labels(&["a", "b"], &["v", "w"], vec![frame(1, 0, vec![instance(User, &[1.0, 2.0])])]);
        let other = labels(&["a", "c"], &["v"], vec![]);
        let message = pair_labels(&truth, &other, TruthKind::User).unwrap_err().to_string();
        assert!(message.contains("[\"b\"]") && message.contains("[\"c\"]"), "{message}");
        let fewer = labels(&["b", "a"], &["v"], vec![]);
        let message = pair_labels(&truth, &fewer, TruthKind::User).unwrap_err().to_string();
        assert!(message.contains("\"w\""), "{message}");
    }
}
