//! What to predict on: a labels file, a video, an image or a folder of images.

use super::frame_list::FrameList;
use crate::dataset::video::{images_in_folder, is_image_file};
use crate::dataset::{FrameSource, Labels, Video, VideoSearch, VideoSource, open_video, read_labels};
use crate::error::{Error, Result};
use dormouse::Skeleton;
use std::path::Path;

/// Videos, and the frames of them that are wanted.
pub struct PredictInput {
    /// Videos, as they will stand in the output.
    pub videos: Vec<Video>,
    /// Pairs of video and frame number, in order.
    pub frames: Vec<(usize, u64)>,
    /// The skeleton of a labels file.
    pub skeleton: Option<Skeleton>,
    /// Where the video ends, if frames beyond were asked for.
    pub cut_at: Option<u64>,
}

impl PredictInput {
    /// Looks at `path` by its kind.
    ///
    /// Without `frames`, a labels file means its labelled frames and everything else all frames; with `frames`, the listed
    /// frames of the first video.
    ///
    /// # Errors
    /// When the path cannot be read, or a list names no frame that is there.
    pub fn open(path: &Path, frames: Option<&FrameList>, search: &VideoSearch) -> Result<Self> {
        let kind = std::fs::metadata(path).map_err(|e| Error::io("read", path, e))?;
        let is_labels = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("slp"));
        let (videos, labelled, skeleton) = if is_labels {
            let labels = read_labels(path, search)?;
            let labelled = labels.frames.iter().map(|f| (f.video, f.frame_index)).collect();
            (labels.videos, Some(labelled), Some(labels.skeleton))
        } else {
            let images =
                if kind.is_dir() { Some(images_in_folder(path)?) } else { is_image_file(path).then(|| vec![path.to_path_buf()]) };
            let source = images.map_or_else(|| VideoSource::Media(path.to_path_buf()), VideoSource::Images);
            let stored_name = path.to_string_lossy().into_owned();
            (vec![Video { source, stored_name, grayscale: None, shape: None }], None, None)
        };
        let (frames, cut_at) = match (frames, labelled) {
            (None, Some(labelled)) => (labelled, None),
            (wanted, _) => frames_of_first(&videos, wanted)?,
        };
        if frames.is_empty() {
            return Err(Error::Data(format!("{}: there is no frame to predict on", path.display())));
        }
        Ok(Self { videos, frames, skeleton, cut_at })
    }

    /// An empty labels value that predictions can be added to.
    pub fn empty_labels(&self, skeleton: &Skeleton) -> Labels {
        Labels { skeleton: skeleton.clone(), videos: self.videos.clone(), ..Labels::default() }
    }
}

/// Frames in order, and where the video ends if that left some out.
fn frames_of_first(videos: &[Video], wanted: Option<&FrameList>) -> Result<(Vec<(usize, u64)>, Option<u64>)> {
    let Some(video) = videos.first() else { return Err(Error::Data("the labels file names no video".into())) };
    let source = open_video(video)?;
    let end = match source.frame_numbers() {
        Some(numbers) => Some(numbers.iter().max().map_or(0, |last| last.saturating_add(1))),
        None => source.len(),
    };
    let indices = match (wanted, source.frame_numbers(), end) {
        (Some(list), Some(numbers), _) => numbers.iter().copied().filter(|n| list.contains(*n)).collect(),
        (Some(list), None, Some(end)) => list.below(end),
        (Some(list), None, None) if list.end() <= MOST_UNSEEN => list.below(list.end()),
        (None, Some(numbers), _) => numbers.to_vec(),
        (None, None, Some(end)) => (0..end).collect(),
        (_, None, None) => {
            return Err(Error::Data(format!(
                "{}: the number of frames is not known; name frames below {MOST_UNSEEN} with --frames",
                video.stored_name
            )));
        }
    };
    let cut_at = end.filter(|end| wanted.is_some_and(|list| list.end() > *end));
    Ok((indices.into_iter().map(|i| (0, i)).collect(), cut_at))
}

/// Frames of a video of unknown length are listed up to here, so that the list stays small: 93 hours at 30 frames a second.
const MOST_UNSEEN: u64 = 10_000_000;

/// Opens videos one at a time and keeps the latest.
#[derive(Default)]
pub struct FrameReader {
    open: Option<(usize, Box<dyn FrameSource>)>,
}

impl FrameReader {
    /// Frame `index` of video `video`.
    ///
    /// # Errors
    /// When the video cannot be opened or has no such frame.
    pub fn frame(&mut self, videos: &[Video], video: usize, index: u64) -> Result<crate::dataset::Image> {
        self.source(videos, video)?.frame(index)
    }

    /// Width and height of the frames of video `video`; of images the first one's.
    ///
    /// # Errors
    /// When the video cannot be opened.
    pub fn frame_px(&mut self, videos: &[Video], video: usize) -> Result<(usize, usize)> {
        let source = self.source(videos, video)?;
        Ok((source.width_px(), source.height_px()))
    }

    fn source(&mut self, videos: &[Video], video: usize) -> Result<&mut dyn FrameSource> {
        if self.open.as_ref().is_none_or(|(open, _)| *open != video) {
            let wanted = videos.get(video).ok_or_else(|| Error::Data(format!("there is no video {video}")))?;
            self.open = Some((video, open_video(wanted)?));
        }
        match &mut self.open {
            Some((_, source)) => Ok(source.as_mut()),
            None => Err(Error::Data(format!("video {video} is not open"))),
        }
    }
}
