//! Labels and files for tests.

use crate::dataset::labels::{InstanceKind, LabelInstance, LabelPoint, LabeledFrame, Labels, Video, VideoSource};
use dormouse::Skeleton;
use hdf5_pure::{AttrValue, FileBuilder, make_i8_type};
use std::path::{Path, PathBuf};

/// A file of the shared test data.
pub(super) fn shared(path: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")).join(path)
}

/// A part placed by a person.
pub(super) fn placed(x_px: f64, y_px: f64) -> LabelPoint {
    LabelPoint { x_px, y_px, visible: true, complete: true, score: f64::NAN }
}

/// Two frames with predicted and corrected instances, tracks, symmetries, a missing and an invisible part.
pub(super) fn small_labels() -> Labels {
    let predicted = |shift: f64, track| LabelInstance {
        kind: InstanceKind::Predicted,
        points: (0..3)
            .map(|i| LabelPoint { score: 0.25 * f64::from(i), complete: false, ..placed(shift + f64::from(i), 2.5) })
            .collect(),
        track,
        score: 0.75,
        tracking_score: 0.5,
        from_predicted: None,
    };
    let user = |from_predicted| LabelInstance {
        kind: InstanceKind::User,
        points: vec![placed(1.25, 2.0), LabelPoint::MISSING, LabelPoint { visible: false, ..placed(9.0, 8.0) }],
        track: Some(1),
        score: f32::NAN,
        tracking_score: 0.0,
        from_predicted,
    };
    let skeleton = Skeleton {
        name: "fly \u{e9}".into(),
        nodes: ["head", "wingL", "wing \u{1F400}"].map(String::from).to_vec(),
        edges: vec![(0, 2), (0, 1)],
        symmetries: vec![(1, 2)],
    };
    let media =
        VideoSource::Missing { entry: "{\"backend\":{\"filename\":\"a/b.mp4\",\"grayscale\":true}}".into(), tried: vec![] };
    let mut provenance = serde_json::Map::new();
    provenance.insert("model".into(), "m\u{fc}sli".into());
    Labels {
        skeleton,
        videos: vec![Video { source: media, stored_name: "a/b.mp4".into(), grayscale: Some(true), shape: None }],
        tracks: vec!["female".into(), "male \u{2642}".into()],
        frames: vec![
            LabeledFrame { video: 0, frame_index: 7, instances: vec![predicted(0.0, None), user(None)] },
            LabeledFrame {
                video: 0,
                frame_index: 1 << 40,
                instances: vec![user(Some(1)), predicted(3.0, Some(0)), predicted(5.0, None)],
            },
        ],
        provenance,
    }
}

/// A labels file in the plain form: tables are 2-D arrays of numbers, one user instance of two nodes at (1, 2) and (3, NaN). Images of
/// frames 10, 11, ... of the group `video0` are in it where there are any.
pub(super) struct PlainFile {
    pub format: Option<f64>,
    pub json: String,
    pub frames: Vec<f64>,
    pub instances: Vec<f64>,
    pub points: Vec<f64>,
    pub pred_points: Vec<f64>,
    pub tracks: Vec<&'static str>,
    pub videos: Vec<String>,
    pub images: Vec<Vec<u8>>,
}

impl Default for PlainFile {
    fn default() -> Self {
        Self {
            format: Some(1.1),
            json: r#"{"skeletons":[{"nodes":[{"id":1},{"id":0}],"links":[]}],"nodes":[{"name":"B"},{"name":"A"}]}"#.into(),
            frames: vec![0.0, 0.0, 5.0, 0.0, 2.0],
            instances: [[0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 2.0], [1.0, 1.0, 0.0, 0.0, -1.0, -1.0, 0.5, 0.0, 2.0]].concat(),
            points: vec![1.0, 2.0, 1.0, 0.0, 3.0, f64::NAN, 1.0, 1.0],
            pred_points: vec![1.0, 2.0, 1.0, 0.0, 0.5, 3.0, 4.0, 0.0, 0.0, 0.25],
            tracks: vec![r#"{"spawned_on": 3, "name": "old style"}"#],
            videos: vec![r#"{"backend": {"filename": "no\\such.mp4", "grayscale": false}}"#.into()],
            images: Vec::new(),
        }
    }
}

impl PlainFile {
    /// Writes the file.
    pub(super) fn write(&self, path: &Path) {
        let mut file = FileBuilder::new();
        let mut metadata = file.create_group("metadata");
        if let Some(format) = self.format {
            metadata.set_attr("format_id", AttrValue::F64(format));
        }
        metadata.set_attr("json", AttrValue::String(self.json.clone()));
        file.add_group(metadata.finish());
        let tables = [
            ("frames", &self.frames, 5),
            ("instances", &self.instances, 9),
            ("points", &self.points, 4),
            ("pred_points", &self.pred_points, 5),
        ];
        for (name, values, width) in tables {
            file.create_dataset(name).with_f64_data(values).with_shape(&[values.len() as u64 / width, width]);
        }
        file.create_dataset("tracks_json").with_vlen_strings(&self.tracks);
        let videos: Vec<&str> = self.videos.iter().map(String::as_str).collect();
        file.create_dataset("videos_json").with_strings(&videos).unwrap();
        if !self.images.is_empty() {
            self.embed(&mut file);
        }
        file.write(path).unwrap();
    }

    /// Images as rows of one length, filled up with zeros, in the order red, green, blue.
    fn embed(&self, file: &mut FileBuilder) {
        let (count, width) = (self.images.len() as u64, self.images.iter().map(Vec::len).max().unwrap_or(0));
        let padded = |image: &Vec<u8>| image.iter().copied().chain(std::iter::repeat(0)).take(width).collect::<Vec<u8>>();
        let mut group = file.create_group("video0");
        let dataset = group.create_dataset("video");
        dataset.with_raw_data(make_i8_type(), self.images.iter().flat_map(padded).collect(), count * width as u64);
        dataset.with_shape(&[count, width as u64]);
        dataset.set_attr("channel_order", AttrValue::String("RGB".into()));
        let numbers: Vec<i64> = (10..).take(self.images.len()).collect();
        group.create_dataset("frame_numbers").with_i64_data(&numbers);
        file.add_group(group.finish());
    }
}
