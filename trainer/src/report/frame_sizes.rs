//! How large the frames of the labelled videos are.

use crate::dataset::{Labels, Video, open_video};
use serde::Serialize;

/// Size of a video's frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FrameSize {
    /// Width in pixels.
    pub width_px: usize,
    /// Height in pixels.
    pub height_px: usize,
}

impl FrameSize {
    /// Whether the point lies on a pixel, each reaching half a pixel around its centre.
    pub fn holds(self, x_px: f64, y_px: f64) -> bool {
        let within = |v: f64, side: usize| v >= -0.5 && v <= side as f64 - 0.5;
        within(x_px, self.width_px) && within(y_px, self.height_px)
    }
}

/// Sizes by video: as the file says, else as the opened video is; `None` where neither is known (for example a missing file).
pub fn frame_sizes(labels: &Labels) -> Vec<Option<FrameSize>> {
    labels.videos.iter().map(size).collect()
}

fn size(video: &Video) -> Option<FrameSize> {
    let stored = video.shape.and_then(|[_, height, width, _]| {
        Some(FrameSize { width_px: usize::try_from(width).ok()?, height_px: usize::try_from(height).ok()? })
    });
    let opened = || open_video(video).ok().map(|v| FrameSize { width_px: v.width_px(), height_px: v.height_px() });
    stored.filter(|s| s.width_px > 0 && s.height_px > 0).or_else(opened)
}
