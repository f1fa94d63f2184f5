//! The configuration of a model as the bundle stores it (postcard).
//!
//! postcard is not self-describing: within a format's major version no field here is reordered, inserted or removed,
//! and enum variants are only appended. A test in `tests/` pins the bytes of a small configuration.

use crate::skeleton::Skeleton;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

mod validate;

/// Name of the network that finds the animals of top-down and centroid models.
pub const CENTROID_NETWORK: &str = "centroid";
/// Name of the network that finds the parts of one animal in a crop.
pub const INSTANCE_NETWORK: &str = "instance";

/// How many animals a model finds, and by which means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ModelType {
    /// At most one animal: the global peak of every confidence map.
    SingleInstance,
    /// Any number of animals: local peaks, grouped along part affinity fields.
    BottomUp,
    /// Any number of animals: a centroid network finds them, a centered-instance network finds the parts of each in a crop.
    TopDown,
    /// Known individuals: local peaks, assigned to individuals by class maps.
    BottomUpId,
    /// Known individuals: as top-down, with a class vector per crop.
    TopDownId,
    /// Centres of animals only: a centroid network alone. The skeleton is one node.
    Centroid,
}

impl ModelType {
    /// Whether a centroid network finds the animals, so that [`Config::top_down`] is needed.
    pub const fn has_centroids(self) -> bool {
        matches!(self, Self::TopDown | Self::TopDownId | Self::Centroid)
    }

    /// Whether a second network looks at a crop around each centroid.
    pub const fn has_crops(self) -> bool {
        matches!(self, Self::TopDown | Self::TopDownId)
    }

    /// Whether animals are known individuals, so that [`Config::identity`] is needed.
    pub const fn has_identity(self) -> bool {
        matches!(self, Self::BottomUpId | Self::TopDownId)
    }
}

/// Everything the runtime needs to know beside the weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Model name, for people.
    pub name: String,
    /// Model type.
    pub model_type: ModelType,
    /// Parts and edges.
    pub skeleton: Skeleton,
    /// One entry per `network/<name>` section, with the name used there: one network of any name (`pose` by custom) for
    /// models that see whole frames; [`CENTROID_NETWORK`] for centroid models; [`CENTROID_NETWORK`] and then
    /// [`INSTANCE_NETWORK`] for top-down models.
    pub networks: Vec<NetworkConfig>,
    /// Peak detection.
    pub peaks: PeakConfig,
    /// Grouping of peaks to animals (bottom-up).
    pub grouping: GroupingConfig,
    /// Capacities planned at preparation.
    pub limits: Limits,
    /// Where the model comes from.
    pub provenance: Provenance,
    /// Crops of top-down models and centroid models; stored in a section of its own, `config/top_down`.
    #[serde(skip)]
    pub top_down: Option<TopDownConfig>,
    /// Classes of identity models; stored in a section of its own, `config/identity`.
    #[serde(skip)]
    pub identity: Option<IdentityConfig>,
}

/// From centroids to crops (model types with a centroid network).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TopDownConfig {
    /// Node that the centroid is, where it is visible; the mean of the visible nodes otherwise.
    pub anchor_part: Option<u16>,
    /// Side of the square crops in pixels of the *instance* network's input (so after its input scale), a multiple of its
    /// `pad_to_stride_px`; 0 for centroid-only models.
    pub crop_size_px: u32,
    /// Centroids must be above it, 0 to 1 (SLEAP: 0.2). Keypoints use `Config::peaks`.
    pub centroid_threshold: f32,
    /// Of two centroids closer than this in frame pixels the weaker one is dropped; 0 keeps all (SLEAP's default).
    pub min_centroid_distance_px: f32,
}

/// Names of known individuals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityConfig {
    /// Class names, in channel order; 1 to 255.
    pub classes: Vec<String>,
}

/// One network: how frames become its input and what its outputs mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetworkConfig {
    /// Section name behind `network/`.
    pub name: String,
    /// Frame to input tensor.
    pub preprocess: PreprocessConfig,
    /// Outputs of the network.
    pub heads: Vec<HeadConfig>,
}

/// Channels of the network input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum InputColor {
    /// One channel; colour frames are converted with 0.2989 R + 0.5870 G + 0.1140 B.
    Gray,
    /// Three channels, red first; gray frames are replicated.
    Rgb,
}

impl InputColor {
    /// Number of channels.
    pub const fn channels(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::Rgb => 3,
        }
    }
}

/// How a frame is resized by the input scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ResizeFilter {
    /// Bilinear, half-pixel centres, two source pixels per axis (TensorFlow, classic SLEAP).
    Bilinear,
    /// Bilinear with a triangle filter widened when shrinking (torchvision with antialias, SLEAP-NN).
    BilinearAntialias,
}

/// Frame to network input.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PreprocessConfig {
    /// Input channels.
    pub color: InputColor,
    /// Input pixels per frame pixel, in (0, 8].
    pub input_scale: f32,
    /// Filter used when `input_scale` is not 1.
    pub resize: ResizeFilter,
    /// Input sides are zero-padded at right and bottom to multiples of this (the network's max stride).
    pub pad_to_stride_px: u32,
}

/// Meaning of a network output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum HeadKind {
    /// One channel per node.
    ConfidenceMaps,
    /// Two channels (x, y) per edge.
    PartAffinityFields,
    /// One channel: centres of animals.
    Centroids,
    /// One channel per class, 0 to 1.
    ClassMaps,
    /// One value per class and image, summing to 1, as maps of 1x1 cells. `stride_px` is the max stride (SLEAP's convention).
    ClassVectors,
}

/// One network output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeadConfig {
    /// Meaning.
    pub kind: HeadKind,
    /// Name of the ONNX graph output.
    pub output: String,
    /// Input pixels per map cell.
    pub stride_px: u32,
}

/// Sub-pixel refinement of a peak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refinement {
    /// The peak stays on the grid.
    None,
    /// Weighted mean of a 5x5 patch (SLEAP's default).
    Integral,
    /// A quarter of a cell towards the larger neighbour, per axis (classic SLEAP's `local`).
    QuarterPixel,
}

/// Peak detection.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PeakConfig {
    /// Local peaks must be above it, global peaks at or above it; 0 to 1 (SLEAP: 0.2).
    pub threshold: f32,
    /// Sub-pixel refinement.
    pub refinement: Refinement,
}

/// Smallest number of parts that makes an animal.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum MinInstancePeaks {
    /// A number of parts; 0 accepts all.
    Count(u32),
    /// A fraction of the skeleton's nodes, truncated to a count; 0 to 1.
    Fraction(f32),
}

impl MinInstancePeaks {
    /// The smallest accepted number of parts for a skeleton of `nodes`.
    pub fn count(self, nodes: usize) -> usize {
        match self {
            Self::Count(n) => n as usize,
            Self::Fraction(f) => (f * nodes as f32) as usize,
        }
    }
}

/// Scoring of candidate edges and grouping (SLEAP's names and defaults).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GroupingConfig {
    /// Points sampled along a candidate edge, 2 to 64 (SLEAP: 10).
    pub line_samples: u32,
    /// Edges longer than this fraction of the larger map side are penalised (SLEAP: 0.25).
    pub max_edge_length_ratio: f32,
    /// Weight of that penalty (SLEAP: 1).
    pub dist_penalty_weight: f32,
    /// Matched edges below this score are cut (SLEAP: 0.25).
    pub min_line_score: f32,
    /// Smallest accepted animal (SLEAP: 0).
    pub min_instance_peaks: MinInstancePeaks,
}

/// Capacities, planned at preparation and never exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Animals per frame, 1 to 1024; the highest scores are kept.
    pub max_instances: u32,
    /// Peaks per node and frame, 1 to 1024; the strongest are kept.
    pub max_peaks: u32,
}

/// Where a model comes from. Free text, shown by `dormouse inspect`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Provenance {
    /// Program and version that made the bundle.
    pub producer: String,
    /// SHA-256 of the training configuration, hexadecimal; also in the ONNX metadata.
    pub config_hash: String,
    /// Training labels (file name, not path).
    pub labels: String,
    /// Seed of the training run.
    pub seed: u64,
}

impl Default for PeakConfig {
    fn default() -> Self {
        Self { threshold: 0.2, refinement: Refinement::Integral }
    }
}

impl Default for GroupingConfig {
    fn default() -> Self {
        Self {
            line_samples: 10,
            max_edge_length_ratio: 0.25,
            dist_penalty_weight: 1.0,
            min_line_score: 0.25,
            min_instance_peaks: MinInstancePeaks::Count(0),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_instances: 64, max_peaks: 128 }
    }
}

impl Config {
    /// Channels that a head must have for this skeleton.
    pub fn head_channels(&self, kind: HeadKind) -> usize {
        match kind {
            HeadKind::ConfidenceMaps => self.skeleton.nodes.len(),
            HeadKind::PartAffinityFields => 2 * self.skeleton.edges.len(),
            HeadKind::Centroids => 1,
            HeadKind::ClassMaps | HeadKind::ClassVectors => self.identity.as_ref().map_or(0, |i| i.classes.len()),
        }
    }
}

impl NetworkConfig {
    /// The head of that kind, if the network has one.
    pub fn head(&self, kind: HeadKind) -> Option<&HeadConfig> {
        self.heads.iter().find(|h| h.kind == kind)
    }
}
