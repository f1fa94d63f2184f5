//! Labelled frames as SLEAP's projects hold them.

use dormouse::Skeleton;
use std::path::PathBuf;

/// One part of one labelled or predicted animal. Pixel centres on integers; NaN when it was not placed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LabelPoint {
    /// Column.
    pub x_px: f64,
    /// Row.
    pub y_px: f64,
    /// Whether the person marked the part as visible.
    pub visible: bool,
    /// Whether the person verified the part.
    pub complete: bool,
    /// Confidence of a predicted part; NaN for a part placed by a person.
    pub score: f64,
}

/// Parts farther than this from the frame's corner are not used.
const MOST_PX: f64 = 1e6;

impl LabelPoint {
    /// A part that was not placed.
    pub const MISSING: Self = Self { x_px: f64::NAN, y_px: f64::NAN, visible: false, complete: false, score: f64::NAN };

    /// Whether the part may be used: visible and placed (SLEAP's rule for training and evaluation), and not absurdly far away.
    pub fn is_usable(&self) -> bool {
        self.visible && self.is_placed() && !self.is_absurd()
    }

    /// Whether it has a place, be it visible or not.
    pub fn is_placed(&self) -> bool {
        self.x_px.is_finite() && self.y_px.is_finite()
    }

    /// Whether its place can only be a mistake: numbers that no camera has, which would make animals and crops of any size.
    pub fn is_absurd(&self) -> bool {
        self.is_placed() && self.x_px.abs().max(self.y_px.abs()) > MOST_PX
    }
}

/// Who placed the points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstanceKind {
    /// A person; only these train a model.
    User,
    /// A model.
    Predicted,
}

/// One animal in one frame.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelInstance {
    /// Who placed it.
    pub kind: InstanceKind,
    /// One per skeleton node, in skeleton order.
    pub points: Vec<LabelPoint>,
    /// Index into [`Labels::tracks`].
    pub track: Option<usize>,
    /// Instance score; NaN for user instances.
    pub score: f32,
    /// Tracking score; NaN or 0 when there is none.
    pub tracking_score: f32,
    /// Index of the predicted instance (in the same frame's list) that was corrected into this one.
    pub from_predicted: Option<usize>,
}

/// All animals of one frame.
#[derive(Debug, Clone, PartialEq)]
pub struct LabeledFrame {
    /// Index into [`Labels::videos`].
    pub video: usize,
    /// Frame number in the original video.
    pub frame_index: u64,
    /// User and predicted instances, mixed.
    pub instances: Vec<LabelInstance>,
}

/// Where the pixels of a video are.
#[derive(Debug, Clone, PartialEq)]
pub enum VideoSource {
    /// A file that the video program reads (mp4, avi, mov, mkv, ...).
    Media(PathBuf),
    /// One image file per frame, in order.
    Images(Vec<PathBuf>),
    /// Images inside an HDF5 file (`.pkg.slp`): dataset such as `video0/video`; `frame_numbers[row]` is the original frame number.
    Embedded {
        /// The HDF5 file.
        file: PathBuf,
        /// Group of the video, for example `video0`.
        group: String,
    },
    /// Uncompressed pixels: a 4-D array of bytes in an HDF5 file.
    Array {
        /// The HDF5 file.
        file: PathBuf,
        /// Path of the array, for example `/box`.
        dataset: String,
        /// Stored as frames, channels, width, height instead of frames, height, width, channels.
        channels_first: bool,
    },
    /// A file that was not found where the labels say, nor anywhere else that was searched.
    Missing {
        /// The video's entry in the labels file, word for word (JSON), so that it can be written back.
        entry: String,
        /// Places that were tried, in order.
        tried: Vec<PathBuf>,
    },
    /// Something this program does not read, as its entry in the labels file (JSON); kept so that the labels still open and can
    /// be written back.
    Unsupported(String),
}

/// One video of a project.
#[derive(Debug, Clone, PartialEq)]
pub struct Video {
    /// Where the pixels are.
    pub source: VideoSource,
    /// File name as it was stored (for messages, for writing it back and for relinking).
    pub stored_name: String,
    /// `true` means that only the first channel counts.
    pub grayscale: Option<bool>,
    /// Frames, height, width, channels, where known.
    pub shape: Option<[u64; 4]>,
}

/// A whole labels file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Labels {
    /// The skeleton that all instances share.
    pub skeleton: Skeleton,
    /// Videos, in file order.
    pub videos: Vec<Video>,
    /// Track names, in file order.
    pub tracks: Vec<String>,
    /// Labelled frames, in file order.
    pub frames: Vec<LabeledFrame>,
    /// Free key-value facts on where the labels come from, as JSON.
    pub provenance: serde_json::Map<String, serde_json::Value>,
}
