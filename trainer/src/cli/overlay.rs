//! Pictures of poses on frames.

use crate::dataset::{Image, LabelInstance, Labels};
use crate::draw::{DrawOptions, DrawnAnimal, draw_poses, save_png};
use crate::error::Result;
use dormouse::Skeleton;
use std::path::Path;

/// Draws instances over a frame; those with a track bear its name.
pub(super) fn draw(
    image: &Image,
    skeleton: &Skeleton,
    tracks: &[String],
    instances: &[LabelInstance],
    title: &str,
) -> Result<Image> {
    let points: Vec<Vec<(f32, f32, f32)>> =
        instances.iter().map(|i| i.points.iter().map(|p| (p.x_px as f32, p.y_px as f32, p.score as f32)).collect()).collect();
    let animals: Vec<DrawnAnimal<'_>> = points
        .iter()
        .zip(instances)
        .enumerate()
        .map(|(index, (points, instance))| {
            let track = instance.track.and_then(|track| Some((track, tracks.get(track)?)));
            let (color, name) = track.map_or_else(|| (index, format!("animal {}", index + 1)), |(t, name)| (t, name.clone()));
            DrawnAnimal::new(points, format!("{name} ({:.1})", instance.score), color)
        })
        .collect();
    draw_poses(image, skeleton, &animals, &DrawOptions { title: title.to_owned(), ..DrawOptions::default() })
}

/// Draws and writes one PNG.
pub(super) fn save(path: &Path, image: &Image, labels: &Labels, instances: &[LabelInstance], title: &str) -> Result<()> {
    save_png(&draw(image, &labels.skeleton, &labels.tracks, instances, title)?, path)
}
