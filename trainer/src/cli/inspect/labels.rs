//! Description of a labels file.

use super::Description;
use crate::dataset::{InstanceKind, Labels, Video, VideoSearch, VideoSource, read_labels};
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;

pub(super) fn describe(path: &Path) -> anyhow::Result<Description> {
    let labels = read_labels(path, &VideoSearch::default())?;
    let counts = Counts::of(&labels);
    let videos: Vec<_> = labels
        .videos
        .iter()
        .enumerate()
        .map(|(i, v)| {
            let frames = labels.frames.iter().filter(|f| f.video == i).count();
            json!({ "name": v.stored_name, "source": source(v), "labelled_frames": frames, "shape": v.shape })
        })
        .collect();
    let skeleton = &labels.skeleton;
    let value = json!({
        "kind": "labels",
        "skeleton": skeleton,
        "frames": labels.frames.len(),
        "user_instances": counts.user,
        "predicted_instances": counts.predicted,
        "usable_points": counts.usable,
        "points": counts.points,
        "tracks": labels.tracks,
        "videos": videos,
        "provenance": labels.provenance,
    });
    let mut text = String::new();
    writeln!(text, "frames           {}", labels.frames.len())?;
    writeln!(text, "instances        {} placed by a person, {} predicted", counts.user, counts.predicted)?;
    writeln!(text, "points           {} of {} usable (finite and visible)", counts.usable, counts.points)?;
    writeln!(text, "tracks           {}", labels.tracks.len())?;
    writeln!(text, "nodes            {}: {}", skeleton.nodes.len(), skeleton.nodes.join(", "))?;
    writeln!(text, "edges            {}, symmetries {}", skeleton.edges.len(), skeleton.symmetries.len())?;
    for (index, video) in labels.videos.iter().enumerate() {
        let frames = labels.frames.iter().filter(|f| f.video == index).count();
        writeln!(text, "video {index}          {} ({}), {frames} labelled frames", video.stored_name, source(video))?;
    }
    Ok((value, text))
}

struct Counts {
    user: usize,
    predicted: usize,
    points: usize,
    usable: usize,
}

impl Counts {
    fn of(labels: &Labels) -> Self {
        let instances = || labels.frames.iter().flat_map(|f| &f.instances);
        let user = instances().filter(|i| i.kind == InstanceKind::User).count();
        let points = instances().map(|i| i.points.len()).sum();
        let usable = instances().flat_map(|i| &i.points).filter(|p| p.is_usable()).count();
        Self { user, predicted: instances().count() - user, points, usable }
    }
}

fn source(video: &Video) -> &'static str {
    match video.source {
        VideoSource::Media(_) => "media file",
        VideoSource::Images(_) => "image files",
        VideoSource::Embedded { .. } => "embedded images",
        VideoSource::Array { .. } => "array in HDF5",
        VideoSource::Missing { .. } => "not found: use --video-dir or --map-prefix",
        VideoSource::Unsupported(_) => "of a kind that is not read",
    }
}
