//! What a run leaves of each split: figures, predictions, and a picture of some of them.

use super::evaluate::{Evaluation, Gathered};
use super::run_folder::RunFolder;
use crate::dataset::{Image, LabelInstance, LabeledFrame, Labels, SampleSource, Video, VideoSource};
use crate::draw::{DrawOptions, DrawnAnimal, animal_color, captioned, contact_sheet, draw_poses, save_png};
use crate::error::Result;
use crate::output::{TrackMeaning, write_json};
use crate::predict::class_names;
use dormouse::{Bundle, Skeleton};

/// Training samples that are looked at, at most; of the other splits all are.
const MOST_TRAIN: usize = 500;
/// Frames in the picture, at most, and its columns.
const PICTURED: usize = 6;
const COLUMNS: usize = 2;
/// Smaller frames are enlarged to this width.
const LEAST_WIDTH_PX: usize = 480;
/// Labels are drawn in it.
const WHITE: [u8; 3] = [255, 255, 255];

/// A part of the samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Split {
    Train,
    Val,
    Test,
}

impl Split {
    const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Val => "val",
            Self::Test => "test",
        }
    }
}

/// Runs a bundle over the samples of a split and writes `metrics.SPLIT.json`, `predictions.SPLIT.json` (in the format of
/// [`write_json`]; generated samples are frames of a video that bears the split's name) and, for validation, `predictions.val.png`.
///
/// # Errors
/// When a sample cannot be read, the runtime refuses it, or a file cannot be written.
pub(super) fn write_split(
    folder: &RunFolder,
    split: Split,
    bundle: &Bundle<'_>,
    source: &dyn SampleSource,
    threads: usize,
) -> Result<Evaluation> {
    let most = if split == Split::Train { MOST_TRAIN } else { usize::MAX };
    let indices: Vec<usize> = evenly_spread(source.len(), most).collect();
    let mut gathered = Gathered::new(bundle, threads)?;
    for &index in &indices {
        gathered.add(&source.sample(index)?)?;
    }
    let (evaluation, found) = gathered.finish(source)?;
    folder.write_json(&format!("metrics.{}.json", split.name()), &evaluation)?;
    if split == Split::Val {
        save_png(&picture(source, &indices, &found)?, &folder.file("predictions.val.png"))?;
    }
    let classes = class_names(bundle.config());
    let meaning = if classes.is_empty() { TrackMeaning::Tracks } else { TrackMeaning::Classes };
    let labels = predictions(source, split, (classes, &bundle.config().skeleton), indices.into_iter().zip(found));
    write_json(&labels, meaning, &folder.file(&format!("predictions.{}.json", split.name())))?;
    Ok(evaluation)
}

/// The found instances as labels of the videos that the samples come from.
fn predictions(
    source: &dyn SampleSource,
    split: Split,
    (tracks, skeleton): (Vec<String>, &Skeleton),
    found: impl Iterator<Item = (usize, Vec<LabelInstance>)>,
) -> Labels {
    let mut labels = Labels { skeleton: skeleton.clone(), tracks, ..Labels::default() };
    let generated =
        Video { source: VideoSource::Images(Vec::new()), stored_name: split.name().into(), grayscale: None, shape: None };
    for (index, instances) in found {
        let (video, frame_index) = source.origin(index).unwrap_or((&generated, index as u64));
        let place = labels.videos.iter().position(|known| known == video);
        let place = place.unwrap_or_else(|| {
            labels.videos.push(video.clone());
            labels.videos.len() - 1
        });
        labels.frames.push(LabeledFrame { video: place, frame_index, instances });
    }
    labels
}

/// Some frames with what was found, in colours, and the labels, as white dots.
fn picture(source: &dyn SampleSource, indices: &[usize], found: &[Vec<LabelInstance>]) -> Result<Image> {
    let places = evenly_spread(indices.len(), PICTURED);
    let drawn = places.map(|place| {
        let sample = source.sample(indices[place])?;
        let points =
            found[place].iter().map(|i| i.points.iter().map(|p| (p.x_px as f32, p.y_px as f32, p.score as f32)).collect());
        let truth = sample.animals.iter().map(|a| a.points.iter().map(|p| (p[0], p[1], 1.0)).collect());
        let picture = posed(&sample.image, source.skeleton(), &points.collect::<Vec<_>>(), &truth.collect::<Vec<_>>())?;
        let caption = match source.origin(indices[place]) {
            Some((_, frame)) => format!("frame {frame}: found in colour, labels white"),
            None => format!("scene {}: found in colour, truth white", indices[place]),
        };
        captioned(&picture, &caption, animal_color(3))
    });
    contact_sheet(&drawn.collect::<Result<Vec<_>>>()?, COLUMNS)
}

type Points = Vec<(f32, f32, f32)>;

fn posed(image: &Image, skeleton: &Skeleton, found: &[Points], truth: &[Points]) -> Result<Image> {
    let animals: Vec<DrawnAnimal<'_>> =
        found.iter().enumerate().map(|(i, points)| DrawnAnimal::new(points, String::new(), i)).collect();
    let options = DrawOptions {
        least_width_px: LEAST_WIDTH_PX,
        legend: false,
        node_numbers: false,
        line_px: 2.0,
        ..DrawOptions::default()
    };
    let picture = draw_poses(image, skeleton, &animals, &options)?;
    // The picture may be enlarged: the labels' dots are put into its own pixels.
    let factor = picture.width_px() as f32 / image.width_px() as f32;
    let place = |v: f32| (v + 0.5) * factor - 0.5;
    let moved: Vec<Points> = truth.iter().map(|points| points.iter().map(|p| (place(p.0), place(p.1), p.2)).collect()).collect();
    let dots: Vec<DrawnAnimal<'_>> =
        moved.iter().map(|points| DrawnAnimal { points, label: String::new(), color: WHITE }).collect();
    draw_poses(&picture, &Skeleton::default(), &dots, &DrawOptions { least_width_px: 1, line_px: 0.9, ..options })
}

/// At most `wanted` indices below `len`, rising, as far apart from each other as can be.
pub(super) fn evenly_spread(len: usize, wanted: usize) -> impl Iterator<Item = usize> {
    let count = wanted.min(len);
    (0..count).map(move |i| i * len / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_spread_over_all() {
        assert_eq!(evenly_spread(10, 4).collect::<Vec<_>>(), [0, 2, 5, 7]);
        assert_eq!(evenly_spread(3, 40).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(evenly_spread(0, 40).count() + evenly_spread(5, 0).count(), 0);
    }
}
