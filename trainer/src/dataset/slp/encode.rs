//! Labels as the rows and JSON texts of SLEAP's format 1.2.

use crate::dataset::labels::{InstanceKind, Labels, Video, VideoSource};
use crate::error::{Error, Result};
use dormouse::Skeleton;
use serde_json::{Value, json};
use std::path::Path;

/// The four tables as packed little-endian rows.
#[derive(Default)]
pub(super) struct EncodedTables {
    /// `/frames`.
    pub frames: Vec<u8>,
    /// `/instances`.
    pub instances: Vec<u8>,
    /// `/points`.
    pub points: Vec<u8>,
    /// `/pred_points`.
    pub pred_points: Vec<u8>,
    /// Rows of the four, in the order of the fields.
    pub rows: [u64; 4],
}

/// Packs all frames. The caller has checked every index ([`check`]).
pub(super) fn encode_tables(labels: &Labels) -> EncodedTables {
    let mut out = EncodedTables::default();
    for (frame_id, frame) in labels.frames.iter().enumerate() {
        let first = out.rows[1];
        out.frames.extend((frame_id as u64).to_le_bytes());
        out.frames.extend((frame.video as u32).to_le_bytes());
        out.frames.extend(frame.frame_index.to_le_bytes());
        out.frames.extend(first.to_le_bytes());
        out.frames.extend((first + frame.instances.len() as u64).to_le_bytes());
        for instance in &frame.instances {
            let user = instance.kind == InstanceKind::User;
            let (points, at) = if user { (&mut out.points, 2) } else { (&mut out.pred_points, 3) };
            for point in &instance.points {
                points.extend(point.x_px.to_le_bytes());
                points.extend(point.y_px.to_le_bytes());
                points.extend([u8::from(point.visible), u8::from(point.complete)]);
                if !user {
                    points.extend(point.score.to_le_bytes());
                }
            }
            let (start, end) = (out.rows[at], out.rows[at] + instance.points.len() as u64);
            out.rows[at] = end;
            out.instances.extend((out.rows[1] as i64).to_le_bytes());
            out.instances.push(u8::from(!user));
            out.instances.extend((frame_id as u64).to_le_bytes());
            out.instances.extend(0u32.to_le_bytes());
            out.instances.extend(instance.track.map_or(-1, |track| track as i32).to_le_bytes());
            out.instances.extend(instance.from_predicted.map_or(-1, |place| (first + place as u64) as i64).to_le_bytes());
            out.instances.extend(instance.score.to_le_bytes());
            out.instances.extend(start.to_le_bytes());
            out.instances.extend(end.to_le_bytes());
            out.instances.extend(instance.tracking_score.to_le_bytes());
            out.rows[1] += 1;
        }
        out.rows[0] += 1;
    }
    out
}

/// Refuses labels that do not fit together.
pub(super) fn check(labels: &Labels) -> Result<()> {
    let nodes = labels.skeleton.nodes.len();
    for (row, frame) in labels.frames.iter().enumerate() {
        let bad = |what: String| Err(Error::Data(format!("labelled frame {row}: {what}")));
        if frame.video >= labels.videos.len() {
            return bad(format!("video {} is not one of {}", frame.video, labels.videos.len()));
        }
        for instance in &frame.instances {
            if instance.points.len() != nodes {
                return bad(format!("an instance has {} points for {nodes} nodes", instance.points.len()));
            }
            if instance.track.is_some_and(|track| track >= labels.tracks.len() || i32::try_from(track).is_err()) {
                return bad(format!("track {:?} is not one of {}", instance.track, labels.tracks.len()));
            }
            if instance.from_predicted.is_some_and(|place| place >= frame.instances.len()) {
                return bad(format!(
                    "from_predicted {:?} is not one of {} instances",
                    instance.from_predicted,
                    frame.instances.len()
                ));
            }
        }
    }
    Ok(())
}

/// The `json` attribute of `/metadata`.
pub(super) fn metadata_json(labels: &Labels) -> Value {
    let nodes: Vec<Value> = labels.skeleton.nodes.iter().map(|name| json!({"name": name, "weight": 1.0})).collect();
    json!({
        "version": "2.0.0",
        "skeletons": [skeleton_json(&labels.skeleton)],
        "nodes": nodes,
        "videos": [], "tracks": [], "suggestions": [], "negative_anchors": {},
        "provenance": labels.provenance,
    })
}

/// networkx's node-link form with jsonpickle's edge types: the first of a kind by value, later ones by number.
fn skeleton_json(skeleton: &Skeleton) -> Value {
    let mut kinds_seen: Vec<u8> = Vec::new();
    let mut kind_json = |kind: u8| match kinds_seen.iter().position(|&seen| seen == kind) {
        Some(place) => json!({"py/id": place + 1}),
        None => {
            kinds_seen.push(kind);
            json!({"py/reduce": [{"py/type": "sleap.skeleton.EdgeType"}, {"py/tuple": [kind]}]})
        }
    };
    let mut links = Vec::new();
    for (index, (source, target)) in skeleton.edges.iter().enumerate() {
        links.push(json!({"edge_insert_idx": index, "key": 0, "source": source, "target": target, "type": kind_json(1)}));
    }
    for (a, b) in &skeleton.symmetries {
        // networkx numbers parallel edges: the key differs where a body edge joins the same nodes.
        for (source, target) in [(a, b), (b, a)] {
            let key = usize::from(skeleton.edges.contains(&(*source, *target)));
            links.push(json!({"key": key, "source": source, "target": target, "type": kind_json(2)}));
        }
    }
    let nodes: Vec<Value> = (0..skeleton.nodes.len()).map(|id| json!({"id": id})).collect();
    let name = if skeleton.name.is_empty() { "Skeleton-0" } else { &skeleton.name };
    json!({
        "directed": true,
        "graph": {"name": name, "num_edges_inserted": skeleton.edges.len()},
        "links": links,
        "multigraph": true,
        "nodes": nodes,
    })
}

/// `[frame in which the track first appears, name]` for every track.
pub(super) fn track_entries(labels: &Labels) -> Vec<Value> {
    let mut spawned = vec![None::<u64>; labels.tracks.len()];
    for frame in &labels.frames {
        for track in frame.instances.iter().filter_map(|instance| instance.track) {
            spawned[track] = Some(spawned[track].map_or(frame.frame_index, |first| first.min(frame.frame_index)));
        }
    }
    labels.tracks.iter().zip(spawned).map(|(name, first)| json!([first.unwrap_or(0), name])).collect()
}

/// The entry of video `row` in `/videos_json`, in SLEAP's form with sleap-io's `type` and `shape` added.
pub(super) fn video_entry(row: usize, video: &Video) -> Value {
    let mut backend = match &video.source {
        VideoSource::Missing { entry, .. } | VideoSource::Unsupported(entry) => match serde_json::from_str::<Value>(entry) {
            Ok(entry) if entry.is_object() && entry.pointer("/backend/filename") != Some(&json!(".")) => return entry,
            _ => media_backend(video),
        },
        VideoSource::Media(_) => media_backend(video),
        VideoSource::Images(files) => images_backend(video, files),
        VideoSource::Array { file, dataset, channels_first } => hdf5_backend(file, dataset, *channels_first),
        VideoSource::Embedded { file, group } => {
            let package = absolute(file);
            let has_original = video.stored_name != package && video.stored_name != file.display().to_string();
            // sleap-io finds a package's frames by the number in its group, which must be the place in this file's list.
            if has_original && *group != format!("video{row}") {
                media_backend(video)
            } else {
                let mut entry = json!({"backend": hdf5_backend(file, &format!("{group}/video"), false)});
                if has_original {
                    entry["source_video"] = json!({"filename": video.stored_name, "backend": media_backend(video)});
                }
                entry["filename"] = json!(package);
                add_shape(&mut entry["backend"], video);
                return entry;
            }
        }
    };
    add_shape(&mut backend, video);
    json!({"filename": backend["filename"].clone(), "backend": backend})
}

fn media_backend(video: &Video) -> Value {
    json!({
        "type": "MediaVideo", "filename": video.stored_name, "grayscale": video.grayscale, "bgr": true, "dataset": "",
        "input_format": "",
    })
}

fn images_backend(video: &Video, files: &[std::path::PathBuf]) -> Value {
    let names: Vec<String> = files.iter().map(|file| absolute(file)).collect();
    let [_, height, width, channels] = video.shape.unwrap_or_default();
    let mut backend = json!({
        "filename": video.stored_name, "filenames": names, "grayscale": video.grayscale, "caching": false,
    });
    if video.shape.is_some() {
        backend["height_"] = json!(height);
        backend["width_"] = json!(width);
        backend["channels_"] = json!(channels);
    }
    backend
}

fn hdf5_backend(file: &Path, dataset: &str, channels_first: bool) -> Value {
    let format = if channels_first { "channels_first" } else { "channels_last" };
    json!({"type": "HDF5Video", "filename": absolute(file), "dataset": dataset, "input_format": format, "convert_range": false})
}

fn add_shape(backend: &mut Value, video: &Video) {
    if let Some(shape) = video.shape {
        backend["shape"] = json!(shape);
    }
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()).display().to_string()
}

/// JSON in ASCII, as Python writes it: readers take the bytes of the attribute for text of any encoding.
pub(super) fn ascii_json(value: &Value) -> String {
    let text = value.to_string();
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii() {
            out.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_ascii() {
        assert_eq!(ascii_json(&json!("fly \u{e9} \u{1F400}")), "\"fly \\u00e9 \\ud83d\\udc00\"");
        assert_eq!(serde_json::from_str::<Value>("\"\\ud83d\\udc00\"").unwrap(), json!("\u{1F400}"));
    }

    #[test]
    fn edge_types_are_numbered_in_order_of_appearance() {
        let nodes = ["a", "b", "c"].map(String::from).to_vec();
        let only_symmetry = Skeleton { name: "s".into(), nodes, edges: vec![], symmetries: vec![(0, 2)] };
        let json = skeleton_json(&only_symmetry);
        assert_eq!(json["links"][0]["type"]["py/reduce"][1]["py/tuple"][0], 2);
        assert_eq!(json["links"][1]["type"]["py/id"], 1);
        assert_eq!((json["links"][1]["source"].as_u64(), json["links"][1]["target"].as_u64()), (Some(2), Some(0)));
    }
}
