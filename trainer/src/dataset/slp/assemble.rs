//! From the four tables of a labels file to frames with instances.

use super::file::Hdf5File;
use super::tables::{FRAME_FIELDS, INSTANCE_FIELDS, POINT_FIELDS, Table};
use crate::dataset::labels::{InstanceKind, LabelInstance, LabelPoint, LabeledFrame, Labels, Video, VideoSource};
use crate::error::Result;
use std::collections::HashMap;
use std::ops::Range;

/// Points of persons or of models, by column.
struct Points<'a> {
    table: Table<'a>,
    x: Vec<f64>,
    y: Vec<f64>,
    visible: Vec<f64>,
    complete: Vec<f64>,
    score: Option<Vec<f64>>,
}

impl<'a> Points<'a> {
    fn read(file: &'a Hdf5File, name: &'static str, predicted: bool) -> Result<Self> {
        let table = Table::read(file, name, POINT_FIELDS)?;
        let score = if predicted { Some(table.floats("score")?) } else { None };
        let [x, y, visible, complete] =
            [table.floats("x")?, table.floats("y")?, table.floats("visible")?, table.floats("complete")?];
        Ok(Self { table, x, y, visible, complete, score })
    }

    fn point(&self, row: usize, shift_px: f64) -> LabelPoint {
        LabelPoint {
            x_px: self.x[row] - shift_px,
            y_px: self.y[row] - shift_px,
            visible: self.visible[row] != 0.0,
            complete: self.complete[row] != 0.0,
            score: self.score.as_ref().map_or(f64::NAN, |score| score[row]),
        }
    }
}

/// All tables in memory, by column.
pub(super) struct Tables<'a> {
    frames: Table<'a>,
    frame_video: Vec<i64>,
    frame_index: Vec<i64>,
    frame_start: Vec<i64>,
    frame_end: Vec<i64>,
    instances: Table<'a>,
    kind: Vec<i64>,
    skeleton: Vec<i64>,
    track: Vec<i64>,
    from_predicted: Vec<i64>,
    score: Vec<f64>,
    tracking_score: Option<Vec<f64>>,
    point_start: Vec<i64>,
    point_end: Vec<i64>,
    user: Points<'a>,
    predicted: Points<'a>,
}

impl<'a> Tables<'a> {
    /// Reads the tables; those that are missing are empty.
    pub(super) fn read(file: &'a Hdf5File) -> Result<Self> {
        let frames = Table::read(file, "frames", FRAME_FIELDS)?;
        let instances = Table::read(file, "instances", INSTANCE_FIELDS)?;
        Ok(Self {
            frame_video: frames.integers("video")?,
            frame_index: frames.integers("frame_idx")?,
            frame_start: frames.integers("instance_id_start")?,
            frame_end: frames.integers("instance_id_end")?,
            frames,
            kind: instances.integers("instance_type")?,
            skeleton: instances.integers("skeleton")?,
            track: instances.integers("track")?,
            from_predicted: instances.integers("from_predicted")?,
            score: instances.floats("score")?,
            tracking_score: instances.optional_floats("tracking_score")?,
            point_start: instances.integers("point_id_start")?,
            point_end: instances.integers("point_id_end")?,
            instances,
            user: Points::read(file, "points", false)?,
            predicted: Points::read(file, "pred_points", true)?,
        })
    }

    /// The one skeleton that all instances use; `None` when there are no instances.
    pub(super) fn skeleton_index(&self) -> Result<Option<usize>> {
        let Some(&first) = self.skeleton.first() else { return Ok(None) };
        if let Some(row) = self.skeleton.iter().position(|&skeleton| skeleton != first) {
            let what =
                format!("uses skeleton {} where others use {first}; only one skeleton a file is supported", self.skeleton[row]);
            return Err(self.instances.bad_row(row, what));
        }
        usize::try_from(first).map(Some).map_err(|_| self.instances.bad_row(0, "has no skeleton"))
    }

    fn instance(&self, row: usize, labels: &Labels, shift_px: f64) -> Result<LabelInstance> {
        let bad = |what: String| self.instances.bad_row(row, what);
        let (kind, points, shift_px) = match self.kind[row] {
            0 => (InstanceKind::User, &self.user, shift_px),
            1 => (InstanceKind::Predicted, &self.predicted, 0.0),
            other => return Err(bad(format!("instance_type {other} is neither 0 (user) nor 1 (predicted)"))),
        };
        let nodes = labels.skeleton.nodes.len();
        let range = checked_range(self.point_start[row], self.point_end[row], points.table.rows());
        let range = range.filter(|range| range.len() == nodes).ok_or_else(|| {
            let (start, end, rows) = (self.point_start[row], self.point_end[row], points.table.rows());
            bad(format!("points {start} to {end} are not {nodes} (one a node) of the {rows} that there are"))
        })?;
        let track = optional_index(self.track[row]);
        if track.is_some_and(|track| track >= labels.tracks.len()) {
            return Err(bad(format!("track {} is not one of {}", self.track[row], labels.tracks.len())));
        }
        Ok(LabelInstance {
            kind,
            points: range.map(|point| points.point(point, shift_px)).collect(),
            track,
            score: if kind == InstanceKind::User { f32::NAN } else { self.score[row] as f32 },
            tracking_score: self.tracking_score.as_ref().map_or(0.0, |score| score[row] as f32),
            from_predicted: None,
        })
    }

    /// Without this bound a small file whose instances share their points would fill the memory.
    fn check_amount(&self, nodes: usize) -> Result<()> {
        for (code, points) in [(0, &self.user), (1, &self.predicted)] {
            let count = self.kind.iter().filter(|&&kind| kind == code).count();
            if count.saturating_mul(nodes) > points.table.rows() {
                let what = format!("{count} instances of {nodes} nodes need more than {} points", points.table.rows());
                return Err(self.instances.bad_row(self.instances.rows().saturating_sub(1), what));
            }
        }
        Ok(())
    }
}

/// Builds all frames; `shift_px` is taken off the coordinates that persons placed.
pub(super) fn assemble_frames(tables: &Tables<'_>, labels: &Labels, shift_px: f64) -> Result<Vec<LabeledFrame>> {
    tables.check_amount(labels.skeleton.nodes.len())?;
    let video_of = video_numbers(&labels.videos);
    // Where the instance of every row went: frame and place in it.
    let mut placed: Vec<Option<(usize, usize)>> = vec![None; tables.instances.rows()];
    let mut frames = Vec::with_capacity(tables.frames.rows());
    for row in 0..tables.frames.rows() {
        let bad = |what: String| tables.frames.bad_row(row, what);
        let (number, index) = (tables.frame_video[row], tables.frame_index[row]);
        let video =
            video_of.get(&number).copied().ok_or_else(|| bad(format!("video {number} is not one of {}", labels.videos.len())))?;
        let frame_index = u64::try_from(index).map_err(|_| bad(format!("frame_idx {index} is negative")))?;
        let (start, end) = (tables.frame_start[row], tables.frame_end[row]);
        let range = checked_range(start, end, tables.instances.rows())
            .ok_or_else(|| bad(format!("instances {start} to {end} are not among the {}", tables.instances.rows())))?;
        let mut instances = Vec::with_capacity(range.len());
        for instance in range {
            if placed[instance].replace((row, instances.len())).is_some() {
                return Err(bad(format!("instance {instance} belongs to another frame already")));
            }
            instances.push(tables.instance(instance, labels, shift_px)?);
        }
        frames.push(LabeledFrame { video, frame_index, instances });
    }
    link_corrections(tables, &placed, &mut frames)?;
    Ok(frames)
}

/// Turns row numbers of corrected predictions into places in the frame; a link into another frame is dropped.
fn link_corrections(tables: &Tables<'_>, placed: &[Option<(usize, usize)>], frames: &mut [LabeledFrame]) -> Result<()> {
    for (row, &link) in tables.from_predicted.iter().enumerate() {
        let (Some(source), Some((frame, place))) = (optional_index(link), placed[row]) else { continue };
        let target =
            placed.get(source).ok_or_else(|| tables.instances.bad_row(row, format!("from_predicted {source} is no row")))?;
        if let Some((target_frame, target_place)) = *target
            && target_frame == frame
            && frames[frame].instances[target_place].kind == InstanceKind::Predicted
        {
            frames[frame].instances[place].from_predicted = Some(target_place);
        }
    }
    Ok(())
}

/// From the number in `/frames` to the place in the list of videos. Packages number their videos by their group (`video3`),
/// which differs from the place when a video without frames was left out.
fn video_numbers(videos: &[Video]) -> HashMap<i64, usize> {
    let number = |(place, video): (usize, &Video)| {
        let in_group = if let VideoSource::Embedded { group, .. } = &video.source { group.strip_prefix("video") } else { None };
        (in_group.and_then(|digits| digits.parse().ok()).unwrap_or(place as i64), place)
    };
    let by_group: HashMap<i64, usize> = videos.iter().enumerate().map(number).collect();
    if by_group.len() == videos.len() { by_group } else { (0..videos.len()).map(|place| (place as i64, place)).collect() }
}

fn optional_index(stored: i64) -> Option<usize> {
    usize::try_from(stored).ok()
}

fn checked_range(start: i64, end: i64, rows: usize) -> Option<Range<usize>> {
    let (start, end) = (usize::try_from(start).ok()?, usize::try_from(end).ok()?);
    // Where nothing is begun and ended does not matter.
    if start == end {
        return Some(0..0);
    }
    (start <= end && end <= rows).then_some(start..end)
}
