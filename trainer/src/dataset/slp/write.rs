//! Writing a labels file that SLEAP, sleap-io and h5py read.

use super::encode::{EncodedTables, ascii_json, check, encode_tables, metadata_json, track_entries, video_entry};
use super::file::guarded;
use crate::dataset::labels::Labels;
use crate::error::{Error, Result};
use hdf5_pure::{AttrValue, CompoundTypeBuilder, Datatype, EnumTypeBuilder, FileBuilder, FormatError, make_i8_type};
use serde_json::Value;
use std::path::Path;

/// The format that SLEAP 1.2 to 1.4 write.
const FORMAT_ID: f64 = 1.2;

/// Writes labels in SLEAP's format 1.2. The file appears whole or not at all; one that was there is replaced.
///
/// Images are not embedded: a package is referred to by its path (and its original video as `source_video`). Suggestions,
/// sessions and the like, which [`Labels`] does not hold, are written empty.
///
/// # Errors
/// [`Error::Data`] when indices in `labels` do not fit together, [`Error::Io`] when the file cannot be written.
pub fn write_labels(path: &Path, labels: &Labels) -> Result<()> {
    check(labels)?;
    guarded(path, || {
        let bytes =
            build(labels).and_then(|builder| builder.finish()).map_err(|e| Error::bad_file(path, "writing", e.to_string()))?;
        write_atomically(path, &bytes)
    })
}

fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let name = path.file_name().ok_or_else(|| Error::Data(format!("{} is not a file name", path.display())))?;
    let mut temporary_name = std::ffi::OsString::from(".");
    temporary_name.push(name);
    temporary_name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(temporary_name);
    let written = std::fs::File::create(&temporary).and_then(|mut file| {
        std::io::Write::write_all(&mut file, bytes)?;
        file.sync_all()
    });
    let moved = written.and_then(|()| std::fs::rename(&temporary, path));
    moved.map_err(|e| {
        // The error that is told is the first one; a leftover is only untidy.
        let _ = std::fs::remove_file(&temporary);
        Error::io("write", path, e)
    })
}

fn build(labels: &Labels) -> Result<FileBuilder, hdf5_pure::Error> {
    let mut file = FileBuilder::new();
    let mut metadata = file.create_group("metadata");
    metadata.set_attr("format_id", AttrValue::F64(FORMAT_ID));
    metadata.set_attr("json", AttrValue::AsciiString(ascii_json(&metadata_json(labels))));
    file.add_group(metadata.finish());
    let EncodedTables { frames, instances, points, pred_points, rows } = encode_tables(labels);
    file.create_dataset("frames").with_compound_data(frame_type()?, frames, rows[0]);
    file.create_dataset("instances").with_compound_data(instance_type()?, instances, rows[1]);
    file.create_dataset("points").with_compound_data(point_type(false)?, points, rows[2]);
    file.create_dataset("pred_points").with_compound_data(point_type(true)?, pred_points, rows[3]);
    let videos: Vec<Value> = labels.videos.iter().enumerate().map(|(row, video)| video_entry(row, video)).collect();
    add_texts(&mut file, "videos_json", &videos)?;
    add_texts(&mut file, "tracks_json", &track_entries(labels))?;
    add_texts(&mut file, "suggestions_json", &[])?;
    Ok(file)
}

/// One fixed-length text per entry; an empty list is an empty dataset of numbers, as SLEAP (h5py) writes it.
fn add_texts(file: &mut FileBuilder, name: &str, entries: &[Value]) -> Result<(), FormatError> {
    let dataset = file.create_dataset(name);
    if entries.is_empty() {
        dataset.with_f64_data(&[]);
        return Ok(());
    }
    let texts: Vec<String> = entries.iter().map(ascii_json).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    dataset.with_ascii_strings(&texts).map(|_| ())
}

fn frame_type() -> Result<Datatype, FormatError> {
    let fields = CompoundTypeBuilder::new().u64_field("frame_id").u32_field("video").u64_field("frame_idx");
    fields.u64_field("instance_id_start").u64_field("instance_id_end").build()
}

fn instance_type() -> Result<Datatype, FormatError> {
    CompoundTypeBuilder::new()
        .i64_field("instance_id")
        .u8_field("instance_type")
        .u64_field("frame_id")
        .u32_field("skeleton")
        .i32_field("track")
        .i64_field("from_predicted")
        .f32_field("score")
        .u64_field("point_id_start")
        .u64_field("point_id_end")
        .f32_field("tracking_score")
        .build()
}

fn point_type(predicted: bool) -> Result<Datatype, FormatError> {
    // h5py's bool.
    let flag = EnumTypeBuilder::with_base(make_i8_type()).value("FALSE", 0).value("TRUE", 1).build()?;
    let fields = CompoundTypeBuilder::new().f64_field("x").f64_field("y").field("visible", flag.clone()).field("complete", flag);
    if predicted { fields.f64_field("score").build() } else { fields.build() }
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
