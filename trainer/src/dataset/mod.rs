//! Where training samples come from.

pub mod image;
pub mod labeled_samples;
pub mod labels;
pub mod sample;
pub mod slp;
pub mod synth;
pub mod video;
pub mod views;

pub use image::Image;
pub use labeled_samples::{LabeledSamples, SampleOptions, Split, split};
pub use labels::{InstanceKind, LabelInstance, LabelPoint, LabeledFrame, Labels, Video, VideoSource};
pub use sample::{Animal, MISSING, Point, Sample, SampleSource};
pub use slp::{VideoSearch, read_labels, read_skeleton_json, write_labels};
pub use video::{ChannelOrder, FrameSource, VideoOptions, open_path, open_video, open_video_with};
