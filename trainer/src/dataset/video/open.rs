//! One way in for every kind of video.

use super::embedded::EmbeddedImages;
use super::ffmpeg::MediaFile;
use super::images::{ImageFiles, images_in_folder, is_image_file};
use crate::dataset::image::Image;
use crate::dataset::labels::{Video, VideoSource};
use crate::error::{Error, Result};
use std::path::Path;

/// Frames by number.
pub trait FrameSource: Send {
    /// Number of frames, where known.
    fn len(&self) -> Option<u64>;

    /// Whether it is known that there are none.
    fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// Width of the frames in pixels (coded size: pixels are never stretched to squares).
    fn width_px(&self) -> usize;

    /// Height of the frames in pixels.
    fn height_px(&self) -> usize;

    /// Frame `index` in the numbering of the original video.
    ///
    /// # Errors
    /// When there is no such frame or it cannot be decoded.
    fn frame(&mut self, index: u64) -> Result<Image>;

    /// The frames that there are, where these are not simply 0 to [`len`](Self::len).
    fn frame_numbers(&self) -> Option<&[u64]> {
        None
    }
}

/// Order in which a package's writer handed colours to the image encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelOrder {
    /// Red, green, blue: the images are what any viewer shows.
    Rgb,
    /// Blue, green, red: red and blue of the encoded images are exchanged (SLEAP with OpenCV).
    Bgr,
}

/// How videos are opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VideoOptions {
    /// Overrides what a package says, or what is assumed when it says nothing (`Bgr`).
    pub channel_order: Option<ChannelOrder>,
}

/// Opens a video of a labels file.
///
/// # Errors
/// [`Error::Video`] when the file was not found (listing where it was looked for), is of a kind that is not read, or cannot be decoded.
pub fn open_video(video: &Video) -> Result<Box<dyn FrameSource>> {
    open_video_with(video, &VideoOptions::default())
}

/// As [`open_video`], with options.
///
/// # Errors
/// As [`open_video`].
pub fn open_video_with(video: &Video, options: &VideoOptions) -> Result<Box<dyn FrameSource>> {
    let gray = video.grayscale == Some(true);
    let fail = |what: String| Err(Error::Video { path: video.stored_name.clone().into(), what });
    match &video.source {
        VideoSource::Media(path) if is_image_file(path) => Ok(Box::new(ImageFiles::open(vec![path.clone()], gray)?)),
        VideoSource::Media(path) => Ok(Box::new(MediaFile::open(path, gray)?)),
        VideoSource::Images(files) => Ok(Box::new(ImageFiles::open(files.clone(), gray)?)),
        VideoSource::Embedded { file, group } => {
            Ok(Box::new(EmbeddedImages::open(file, &format!("{group}/video"), false, gray, options.channel_order)?))
        }
        VideoSource::Array { file, dataset, channels_first } => {
            Ok(Box::new(EmbeddedImages::open(file, dataset, *channels_first, gray, options.channel_order)?))
        }
        VideoSource::Missing { tried, .. } => {
            let places: String = tried.iter().map(|place| format!("\n  - {}", place.display())).collect();
            fail(format!(
                "the file was not found; give its folder (--video-dir) or a changed path prefix (--map-prefix). Looked for it at:{places}"
            ))
        }
        VideoSource::Unsupported(entry) => fail(format!("this kind of video is not supported: {entry}")),
    }
}

/// Opens a bare video file, an image file, or a folder of images (in natural order: `frame2` before `frame10`).
///
/// # Errors
/// [`Error::Io`] when there is no such path, [`Error::Video`] when it cannot be decoded.
pub fn open_path(path: impl AsRef<Path>) -> Result<Box<dyn FrameSource>> {
    let path = path.as_ref();
    let kind = std::fs::metadata(path).map_err(|e| Error::io("read", path, e))?;
    if kind.is_dir() {
        return Ok(Box::new(ImageFiles::open(images_in_folder(path)?, false)?));
    }
    if is_image_file(path) {
        return Ok(Box::new(ImageFiles::open(vec![path.to_path_buf()], false)?));
    }
    Ok(Box::new(MediaFile::open(path, false)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_video_tells_where_it_was_looked_for() {
        let source = VideoSource::Missing { entry: "{}".into(), tried: vec!["/a/x.mp4".into(), "/b/x.mp4".into()] };
        let video = Video { source, stored_name: "C:\\x.mp4".into(), grayscale: None, shape: None };
        let message = open_video(&video).err().unwrap().to_string();
        assert!(message.contains("C:\\x.mp4") && message.contains("/a/x.mp4") && message.contains("/b/x.mp4"), "{message}");
        assert!(open_path("/nowhere/at all.mp4").is_err());
    }
}
