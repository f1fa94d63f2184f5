//! Pixels of videos: media files through the ffmpeg program, image files, and images inside HDF5 files.

mod decode;
mod embedded;
mod ffmpeg;
mod images;
mod open;
mod probe;
mod program;

pub use images::{images_in_folder, is_image_file};
pub use open::{ChannelOrder, FrameSource, VideoOptions, open_path, open_video, open_video_with};
