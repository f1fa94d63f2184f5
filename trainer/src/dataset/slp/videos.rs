//! Entries of `/videos_json`: which file, which kind, and where it is now.

use super::embedded::source_entry;
use super::file::Hdf5File;
use super::search::VideoSearch;
use crate::dataset::labels::{Video, VideoSource};
use crate::error::Result;
use serde_json::Value;
use std::path::PathBuf;

/// Longest list of image files that a video may consist of.
const MAX_IMAGES: usize = 10_000_000;

/// Reads video `row` and looks for its file.
pub(super) fn read_video(file: &Hdf5File, row: usize, entry: &Value, search: &VideoSearch) -> Result<Video> {
    let backend = entry.get("backend").filter(|backend| backend.is_object()).unwrap_or(entry);
    let name = text(backend, "filename").or_else(|| text(entry, "filename"));
    let images = image_list(backend, entry);
    let Some(name) = name.or_else(|| images.first().cloned()) else {
        return Err(file.bad(format!("/videos_json row {row}"), "a video has no file name"));
    };
    let mut video = Video {
        source: VideoSource::Unsupported(entry.to_string()),
        stored_name: name.clone(),
        grayscale: backend.get("grayscale").or_else(|| entry.get("grayscale")).and_then(Value::as_bool),
        shape: shape(backend),
    };
    let locate =
        |stored: &str| search.find(stored, file.path()).map_err(|tried| VideoSource::Missing { entry: entry.to_string(), tried });
    video.source = match kind(backend, &name, !images.is_empty()) {
        Kind::Other => video.source,
        Kind::Images => {
            let images = if images.is_empty() { vec![name.clone()] } else { images };
            let found: Result<Vec<PathBuf>, VideoSource> = images.iter().map(|image| locate(image)).collect();
            found.map_or_else(|missing| missing, VideoSource::Images)
        }
        Kind::Media => locate(&name).map_or_else(|missing| missing, VideoSource::Media),
        Kind::Hdf5 => {
            let place = if name == "." { Ok(file.path().to_path_buf()) } else { locate(&name) };
            let dataset = text(backend, "dataset").unwrap_or_default();
            match place {
                Err(missing) => missing,
                Ok(place) => hdf5_source(place, &dataset, text(backend, "input_format").as_deref() == Some("channels_first")),
            }
        }
    };
    if let VideoSource::Embedded { group, .. } = video.source.clone() {
        original_name(file, &group, name == ".", entry, &mut video);
    }
    Ok(video)
}

fn hdf5_source(file: PathBuf, dataset: &str, channels_first: bool) -> VideoSource {
    match dataset.trim_start_matches('/').strip_suffix("/video") {
        Some(group) => VideoSource::Embedded { file, group: group.to_owned() },
        None => VideoSource::Array { file, dataset: dataset.to_owned(), channels_first },
    }
}

/// Embedded images come from another video, whose name says more to people than that of the package.
fn original_name(file: &Hdf5File, group: &str, in_this_file: bool, entry: &Value, video: &mut Video) {
    let source = entry.get("source_video").filter(|source| source.is_object()).cloned();
    let source = source.or_else(|| if in_this_file { source_entry(file, group) } else { None });
    let Some(source) = source else {
        if in_this_file {
            video.stored_name = file.path().display().to_string();
        }
        return;
    };
    let backend = source.get("backend").filter(|backend| backend.is_object()).unwrap_or(&source);
    if let Some(name) = text(backend, "filename").or_else(|| text(&source, "filename")) {
        video.stored_name = name;
    }
    video.grayscale = video.grayscale.or_else(|| backend.get("grayscale").and_then(Value::as_bool));
}

#[derive(Debug, PartialEq)]
enum Kind {
    Media,
    Hdf5,
    Images,
    Other,
}

/// By the stated type, else by the fields that only one backend has, else by the ending of the name.
fn kind(backend: &Value, name: &str, has_images: bool) -> Kind {
    match backend.get("type").and_then(Value::as_str) {
        Some("MediaVideo") => return Kind::Media,
        Some("HDF5Video") => return Kind::Hdf5,
        Some("ImageVideo" | "SingleImageVideo") => return Kind::Images,
        Some(_) => return Kind::Other,
        None => {}
    }
    let lower = name.to_ascii_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|ending| lower.ends_with(ending));
    if has_images || ends(&[".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"]) {
        Kind::Images
    } else if backend.get("convert_range").is_some() || name == "." || ends(&[".h5", ".hdf5", ".slp"]) {
        Kind::Hdf5
    } else if backend.get("index_by_original").is_some() || ends(&[".npy", ".npz", ".yaml"]) {
        Kind::Other
    } else {
        Kind::Media
    }
}

/// SLEAP has `filenames`; sleap-io puts the list into `filename`.
fn image_list(backend: &Value, entry: &Value) -> Vec<String> {
    let lists = [backend.get("filenames"), backend.get("filename"), entry.get("filename")];
    let list = lists.into_iter().flatten().find_map(Value::as_array);
    let names = list.into_iter().flatten().take(MAX_IMAGES).filter_map(Value::as_str);
    names.map(str::to_owned).collect()
}

fn text(json: &Value, key: &str) -> Option<String> {
    json.get(key).and_then(Value::as_str).map(str::to_owned)
}

/// Frames, height, width, channels.
fn shape(backend: &Value) -> Option<[u64; 4]> {
    let list = backend.get("shape").and_then(Value::as_array)?;
    let sides: Option<Vec<u64>> = list.iter().map(Value::as_u64).collect();
    sides?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn kinds_by_type_fields_and_ending() {
        assert_eq!(kind(&json!({"type": "MediaVideo"}), "x.odd", false), Kind::Media);
        assert_eq!(kind(&json!({"type": "TiffVideo"}), "x.tif", false), Kind::Other);
        assert_eq!(kind(&json!({"grayscale": true, "bgr": true}), "C:\\x.MP4", false), Kind::Media);
        assert_eq!(kind(&json!({"convert_range": false}), ".", false), Kind::Hdf5);
        assert_eq!(kind(&json!({}), "x.H5", false), Kind::Hdf5);
        assert_eq!(kind(&json!({"height_": 3}), "a.jpg", true), Kind::Images);
        assert_eq!(kind(&json!({"index_by_original": true}), "meta", false), Kind::Other);
        assert_eq!(kind(&json!({}), "x.npy", false), Kind::Other);
    }

    #[test]
    fn image_lists_of_both_writers() {
        assert_eq!(image_list(&json!({"filename": "a.jpg", "filenames": ["a.jpg", "b.jpg"]}), &json!({})), ["a.jpg", "b.jpg"]);
        assert_eq!(image_list(&json!({"type": "ImageVideo"}), &json!({"filename": ["a.png"]})), ["a.png"]);
        assert_eq!(shape(&json!({"shape": [1100, 384, 384, 1]})), Some([1100, 384, 384, 1]));
        assert_eq!(shape(&json!({"shape": [null, 384, 384, 1]})), None);
    }

    #[test]
    fn datasets_named_video_are_packages() {
        let embedded = hdf5_source("p".into(), "/video3/video", false);
        assert_eq!(embedded, VideoSource::Embedded { file: "p".into(), group: "video3".into() });
        let array = hdf5_source("p".into(), "/box", true);
        assert_eq!(array, VideoSource::Array { file: "p".into(), dataset: "/box".into(), channels_first: true });
    }
}
