//! Poses as CSV in SLEAP's columns.

use super::json::class_score;
use super::{TrackMeaning, write_atomically};
use crate::dataset::{LabelInstance, LabeledFrame, Labels};
use crate::error::{Error, Result};
use std::io::{self, Write};
use std::path::Path;

/// Writes the animals of one video: `track`, `frame_idx`, `instance.score`, then `x`, `y` and `score` of every node; for
/// `TrackMeaning::Classes` also, at the end, `class` and `class.score`.
///
/// One row per animal that has at least one part, in the order of the labels; a value that is not there is an empty field,
/// which pandas reads as NaN. SLEAP's columns name no video, hence one file per video.
///
/// # Errors
/// [`Error::Data`] if there is no such video, [`Error::Io`] if the file cannot be written.
pub fn write_csv(labels: &Labels, tracks: TrackMeaning, video: usize, path: &Path) -> Result<()> {
    if video >= labels.videos.len() {
        return Err(Error::Data(format!("there is no video {video}: the labels have {}", labels.videos.len())));
    }
    write_atomically(path, |file| write(labels, tracks, video, file))
}

fn write(labels: &Labels, tracks: TrackMeaning, video: usize, file: &mut dyn Write) -> io::Result<()> {
    let mut table = csv::Writer::from_writer(file);
    let mut header = ["track", "frame_idx", "instance.score"].map(String::from).to_vec();
    header.extend(labels.skeleton.nodes.iter().flat_map(|n| ["x", "y", "score"].map(|what| format!("{n}.{what}"))));
    if tracks == TrackMeaning::Classes {
        header.extend(["class", "class.score"].map(String::from));
    }
    table.write_record(&header)?;
    for frame in labels.frames.iter().filter(|f| f.video == video) {
        for instance in frame.instances.iter().filter(|i| i.points.iter().any(super::json::is_placed)) {
            table.write_record(row(labels, tracks, frame, instance))?;
        }
    }
    table.flush()
}

fn row(labels: &Labels, tracks: TrackMeaning, frame: &LabeledFrame, instance: &LabelInstance) -> Vec<String> {
    let track = instance.track.and_then(|t| labels.tracks.get(t)).cloned().unwrap_or_default();
    let score = if instance.score.is_finite() { instance.score.to_string() } else { String::new() };
    let mut row = vec![track.clone(), frame.frame_index.to_string(), score];
    for node in 0..labels.skeleton.nodes.len() {
        let point = instance.points.get(node).filter(|p| super::json::is_placed(p));
        let values = point.map_or([f64::NAN; 3], |p| [p.x_px, p.y_px, p.score]);
        row.extend(values.map(|v| if v.is_finite() { v.to_string() } else { String::new() }));
    }
    if tracks == TrackMeaning::Classes {
        row.extend([track, class_score(instance).map_or_else(String::new, |score| score.to_string())]);
    }
    row
}

#[cfg(test)]
mod tests {
    use super::super::json::tests::labels;
    use super::*;

    #[test]
    fn rows_are_sleaps() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("poses.csv");
        write_csv(&labels(), TrackMeaning::Tracks, 0, &path).unwrap();
        let expected = "track,frame_idx,instance.score,head.x,head.y,head.score,\"tail, tip.x\",\"tail, tip.y\",\"tail, tip.score\"\n\
                        female,7,0.5,1.5,2,0.75,,,\n\
                        ,7,,3,4,,5,6.25,\n";
        assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
        write_csv(&labels(), TrackMeaning::Tracks, 1, &path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 1);
    }

    #[test]
    fn classes_stand_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("poses.csv");
        let mut named = labels();
        named.frames[0].instances[0].tracking_score = 0.75;
        write_csv(&named, TrackMeaning::Classes, 0, &path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let ends: Vec<&str> =
            text.lines().map(|line| line.rsplitn(3, ',').nth(2).map_or("", |head| &line[head.len()..])).collect();
        assert_eq!(ends, [",class,class.score", ",female,0.75", ",,"]);
    }

    #[test]
    fn another_video_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("poses.csv");
        assert!(write_csv(&labels(), TrackMeaning::Tracks, 2, &path).unwrap_err().to_string().contains("no video 2"));
        assert!(!path.exists());
    }
}
