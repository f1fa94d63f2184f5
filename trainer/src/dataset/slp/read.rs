//! Reading a whole labels file.

use super::assemble::{Tables, assemble_frames};
use super::file::{Hdf5File, guarded};
use super::json::Json;
use super::search::VideoSearch;
use super::skeleton::decode_skeleton;
use super::videos::read_video;
use crate::dataset::labels::Labels;
use crate::error::{Error, Result};
use dormouse::Skeleton;
use serde_json::{Map, Value};
use std::path::Path;

/// Formats from here on have another layout; those from 2.0 only add datasets that are not needed here (sleap-io's list).
const FORMAT_LIMIT: f64 = 3.0;
/// Since this format coordinates are relative to the centre of the top left pixel, not to its corner.
const MID_PIXEL_FORMAT: f64 = 1.1;

/// Reads a `.slp` or `.pkg.slp` file with its skeleton, videos, tracks and all instances (SLEAP formats 1.0 to 2.x).
///
/// A video that is not found is kept ([`VideoSource::Missing`](crate::dataset::VideoSource)) and is an error only where its
/// pixels are asked for.
///
/// # Errors
/// [`Error::Io`] when the file cannot be read, [`Error::BadFile`] naming dataset and row when its content is wrong.
pub fn read_labels(path: &Path, search: &VideoSearch) -> Result<Labels> {
    guarded(path, || {
        let file = Hdf5File::open(path)?;
        let metadata = Metadata::read(&file)?;
        refuse_crops(&file)?;
        let videos = json_rows(&file, "videos_json", metadata.fallback("videos"))?;
        let videos =
            videos.iter().enumerate().map(|(i, entry)| read_video(&file, i, entry, search)).collect::<Result<Vec<_>>>()?;
        let tracks = json_rows(&file, "tracks_json", metadata.fallback("tracks"))?;
        let tracks = tracks.iter().enumerate().map(|(i, entry)| track_name(&file, i, entry)).collect::<Result<Vec<_>>>()?;
        let tables = Tables::read(&file)?;
        let skeleton = metadata.skeleton(&file, tables.skeleton_index()?)?;
        let shift_px = if metadata.format.is_none_or(|format| format < MID_PIXEL_FORMAT) { 0.5 } else { 0.0 };
        let mut labels = Labels { skeleton, videos, tracks, frames: Vec::new(), provenance: metadata.provenance(&file)? };
        labels.frames = assemble_frames(&tables, &labels, shift_px)?;
        Ok(labels)
    })
}

/// A video that is a window of another has its points relative to that window; showing it whole would misplace them.
fn refuse_crops(file: &Hdf5File) -> Result<()> {
    let Some(crops) = file.dataset("video_crops")? else { return Ok(()) };
    let (shape, _) = file.describe("video_crops", &crops)?;
    if shape.iter().product::<u64>() == 0 { Ok(()) } else { Err(file.bad("/video_crops", "cropped videos are not supported")) }
}

/// The `metadata` group.
struct Metadata {
    format: Option<f64>,
    json: Json,
    text: String,
}

impl Metadata {
    fn read(file: &Hdf5File) -> Result<Self> {
        let attributes = file.group_attributes("metadata")?;
        let text = attributes.get("json").and_then(|value| value.as_str());
        let text =
            text.ok_or_else(|| file.bad("/metadata", "this is not a SLEAP labels file: no attribute \"json\""))?.to_owned();
        let format = attributes.get("format_id").map(|value| {
            let number = value.as_f64().or_else(|| value.as_i64().map(|number| number as f64));
            number.filter(|number| (0.0..FORMAT_LIMIT).contains(number)).ok_or_else(|| {
                file.bad(
                    "/metadata format_id",
                    format!("{value:?} is not a format that this program reads (below {FORMAT_LIMIT})"),
                )
            })
        });
        let json: Json = serde_json::from_str(&text).map_err(|e| file.bad("/metadata json", e))?;
        Ok(Self { format: format.transpose()?, json, text })
    }

    /// Lists that old files keep here instead of in a dataset.
    fn fallback(&self, key: &str) -> Vec<Value> {
        let list = serde_json::from_str::<Value>(&self.text).ok().and_then(|mut json| json.get_mut(key).map(Value::take));
        if let Some(Value::Array(list)) = list { list } else { Vec::new() }
    }

    fn skeleton(&self, file: &Hdf5File, index: Option<usize>) -> Result<Skeleton> {
        let list = self.json.get("skeletons").map(Json::items).unwrap_or_default();
        let Some(skeleton) = list.get(index.unwrap_or(0)) else {
            let missing = |index| file.bad("/metadata json", format!("the instances use skeleton {index} of {}", list.len()));
            return index.map_or_else(|| Ok(Skeleton::default()), |index| Err(missing(index)));
        };
        let nodes = self.json.get("nodes").map(Json::items).unwrap_or_default();
        let names = nodes.iter().map(|node| node.get("name").unwrap_or(node).text().map(str::to_owned));
        let names: Option<Vec<String>> = names.collect();
        let names = names.ok_or_else(|| file.bad("/metadata json", "a node has no name"))?;
        decode_skeleton(skeleton, &names).map_err(|what| file.bad("/metadata json skeleton", what))
    }

    fn provenance(&self, file: &Hdf5File) -> Result<Map<String, Value>> {
        let mut json: Value = serde_json::from_str(&self.text).map_err(|e| file.bad("/metadata json", e))?;
        if let Some(Value::Object(map)) = json.get_mut("provenance").map(Value::take)
            && !map.is_empty()
        {
            return Ok(map);
        }
        // sleap-io keeps what does not fit into an attribute in a dataset.
        let rows = json_rows(file, "provenance_json", Vec::new())?;
        Ok(rows.into_iter().find_map(|row| if let Value::Object(map) = row { Some(map) } else { None }).unwrap_or_default())
    }
}

/// A dataset with one JSON text per entry.
fn json_rows(file: &Hdf5File, name: &str, fallback: Vec<Value>) -> Result<Vec<Value>> {
    let Some(texts) = file.strings(name)? else { return Ok(fallback) };
    let parse = |(row, text): (usize, &String)| serde_json::from_str(text).map_err(|e| file.bad(format!("/{name} row {row}"), e));
    texts.iter().enumerate().map(parse).collect()
}

/// SLEAP stores `[spawned_on, "name"]`; older files store a dictionary.
fn track_name(file: &Hdf5File, row: usize, entry: &Value) -> Result<String> {
    let tuple = entry.get("py/tuple").unwrap_or(entry);
    let name = tuple.get(1).or_else(|| entry.get("name")).unwrap_or(entry);
    name.as_str()
        .map(str::to_owned)
        .ok_or_else(|| -> Error { file.bad(format!("/tracks_json row {row}"), "a track has no name") })
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
