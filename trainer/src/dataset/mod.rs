//! Where training samples come from.

pub mod image;
pub mod labels;
pub mod sample;
pub mod synth;

pub use image::Image;
pub use labels::{InstanceKind, LabelInstance, LabelPoint, LabeledFrame, Labels, Video, VideoSource};
pub use sample::{MISSING, Point, Sample, SampleSource};
