//! Poses as JSON.

use super::write_atomically;
use crate::dataset::{LabelInstance, LabelPoint, LabeledFrame, Labels};
use crate::error::Result;
use serde::{Serialize, Serializer};
use std::path::Path;

/// What the tracks of labels stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrackMeaning {
    /// Animals followed from frame to frame.
    Tracks,
    /// Individuals that a model recognises; the tracking score of an instance is that of its class.
    Classes,
}

/// Writes one object:
///
/// ```json
/// {"skeleton": {"name": "fly", "nodes": ["head", "tail"], "edges": [["head", "tail"]]},
///  "videos": ["fly.mp4"],
///  "frames": [{"video": 0, "frame_index": 7,
///              "instances": [{"score": 0.5, "track": "female", "class": "female", "class_score": 0.98,
///                             "keypoints": {"head": [1.5, 2.0, 0.75], "tail": null}}]}]}
/// ```
///
/// `class` and `class_score` stand there for `TrackMeaning::Classes` alone: the individual that a model recognised, and how sure it
/// is (0 to 1); both are `null` for an animal that it could not name.
/// A keypoint is x and y in frame pixels and its score; a part that is not there is `null`, and so is a score that is not
/// there. Frames without animals stay in; animals without any part are left out.
///
/// # Errors
/// [`crate::Error::Io`] if the file cannot be written.
pub fn write_json(labels: &Labels, tracks: TrackMeaning, path: &Path) -> Result<()> {
    write_atomically(path, |file| {
        serde_json::to_writer(&mut *file, &Document::new(labels, tracks))?;
        file.write_all(b"\n")
    })
}

#[derive(Serialize)]
struct Document<'a> {
    skeleton: SkeletonPart<'a>,
    videos: Vec<&'a str>,
    frames: Vec<FramePart<'a>>,
}

#[derive(Serialize)]
struct SkeletonPart<'a> {
    name: &'a str,
    nodes: &'a [String],
    edges: Vec<[&'a str; 2]>,
}

#[derive(Serialize)]
struct FramePart<'a> {
    video: usize,
    frame_index: u64,
    instances: Vec<InstancePart<'a>>,
}

#[derive(Serialize)]
struct InstancePart<'a> {
    score: Option<f32>,
    track: Option<&'a str>,
    #[serde(flatten)]
    class: Option<ClassPart<'a>>,
    keypoints: Keypoints<'a>,
}

#[derive(Serialize)]
struct ClassPart<'a> {
    class: Option<&'a str>,
    class_score: Option<f32>,
}

/// Serialised as a map from node name to numbers, in skeleton order.
struct Keypoints<'a> {
    nodes: &'a [String],
    points: &'a [LabelPoint],
}

impl<'a> Document<'a> {
    fn new(labels: &'a Labels, tracks: TrackMeaning) -> Self {
        let skeleton = &labels.skeleton;
        let node = |index: u16| skeleton.nodes.get(usize::from(index)).map_or("", String::as_str);
        let edges = skeleton.edges.iter().map(|&(from, to)| [node(from), node(to)]).collect();
        Self {
            skeleton: SkeletonPart { name: &skeleton.name, nodes: &skeleton.nodes, edges },
            videos: labels.videos.iter().map(|v| v.stored_name.as_str()).collect(),
            frames: labels.frames.iter().map(|f| FramePart::new(labels, tracks, f)).collect(),
        }
    }
}

impl<'a> FramePart<'a> {
    fn new(labels: &'a Labels, tracks: TrackMeaning, frame: &'a LabeledFrame) -> Self {
        let shown = frame.instances.iter().filter(|i| i.points.iter().any(is_placed));
        let instances = shown.map(|i| InstancePart::new(labels, tracks, i)).collect();
        Self { video: frame.video, frame_index: frame.frame_index, instances }
    }
}

impl<'a> InstancePart<'a> {
    fn new(labels: &'a Labels, tracks: TrackMeaning, instance: &'a LabelInstance) -> Self {
        let track = instance.track.and_then(|t| labels.tracks.get(t)).map(String::as_str);
        Self {
            score: Some(instance.score).filter(|s| s.is_finite()),
            track,
            class: (tracks == TrackMeaning::Classes).then(|| ClassPart { class: track, class_score: class_score(instance) }),
            keypoints: Keypoints { nodes: &labels.skeleton.nodes, points: &instance.points },
        }
    }
}

impl Serialize for Keypoints<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_map(self.nodes.iter().enumerate().map(|(index, name)| {
            let point = self.points.get(index).filter(|p| is_placed(p));
            (name, point.map(|p| (p.x_px, p.y_px, Some(p.score).filter(|s| s.is_finite()))))
        }))
    }
}

/// How sure the model is of the individual; `None` for an animal without a name.
pub(super) fn class_score(instance: &LabelInstance) -> Option<f32> {
    instance.track.map(|_| instance.tracking_score).filter(|score| score.is_finite())
}

/// Whether the part has a place at all; a person may have marked it as hidden there.
pub(super) fn is_placed(point: &LabelPoint) -> bool {
    point.x_px.is_finite() && point.y_px.is_finite()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::dataset::{InstanceKind, Video, VideoSource};
    use dormouse::Skeleton;
    use serde_json::json;

    fn point(x_px: f64, y_px: f64, score: f64) -> LabelPoint {
        LabelPoint { x_px, y_px, visible: true, complete: false, score }
    }

    fn instance(points: Vec<LabelPoint>, track: Option<usize>, score: f32) -> LabelInstance {
        let kind = if score.is_nan() { InstanceKind::User } else { InstanceKind::Predicted };
        LabelInstance { kind, points, track, score, tracking_score: 0.0, from_predicted: None }
    }

    pub fn labels() -> Labels {
        let video = |name: &str| Video {
            source: VideoSource::Media(name.into()),
            stored_name: name.into(),
            grayscale: None,
            shape: None,
        };
        let instances = vec![
            instance(vec![point(1.5, 2.0, 0.75), LabelPoint::MISSING], Some(0), 0.5),
            instance(vec![LabelPoint::MISSING; 2], None, 0.9),
            instance(vec![point(3.0, 4.0, f64::NAN), point(5.0, 6.25, f64::NAN)], None, f32::NAN),
        ];
        let skeleton = Skeleton {
            name: "fly".into(),
            nodes: ["head", "tail, tip"].map(String::from).to_vec(),
            edges: vec![(0, 1)],
            symmetries: vec![],
        };
        let frames = vec![
            LabeledFrame { video: 0, frame_index: 7, instances },
            LabeledFrame { video: 1, frame_index: 0, instances: vec![] },
        ];
        let videos = vec![video("a.mp4"), video("b.mp4")];
        Labels { skeleton, videos, tracks: vec!["female".into()], frames, ..Labels::default() }
    }

    #[test]
    fn document_has_every_value() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("poses.json");
        write_json(&labels(), TrackMeaning::Tracks, &path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let expected = json!({
            "skeleton": {"name": "fly", "nodes": ["head", "tail, tip"], "edges": [["head", "tail, tip"]]},
            "videos": ["a.mp4", "b.mp4"],
            "frames": [
                {"video": 0, "frame_index": 7, "instances": [
                    {"score": 0.5, "track": "female", "keypoints": {"head": [1.5, 2.0, 0.75], "tail, tip": null}},
                    {"score": null, "track": null, "keypoints": {"head": [3.0, 4.0, null], "tail, tip": [5.0, 6.25, null]}},
                ]},
                {"video": 1, "frame_index": 0, "instances": []},
            ],
        });
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), expected);
        assert!(text.ends_with("}\n"));
    }

    #[test]
    fn classes_have_a_name_and_a_score() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("poses.json");
        let mut named = labels();
        named.frames[0].instances[0].tracking_score = 0.75;
        write_json(&named, TrackMeaning::Classes, &path).unwrap();
        let value: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let instances = &value["frames"][0]["instances"];
        assert_eq!((&instances[0]["class"], &instances[0]["class_score"]), (&json!("female"), &json!(0.75)));
        assert_eq!(instances[0]["track"], json!("female"));
        assert!(instances[1]["class"].is_null() && instances[1]["class_score"].is_null());
        assert!(instances[1].as_object().unwrap().contains_key("class"));
    }
}
