//! The part of a network below the heads, of one kind or another.

use super::compact::CompactConfig;
use super::plan::Plan;
use super::unet::UnetConfig;
use serde::{Deserialize, Serialize};

/// Largest max stride and channel count that a configuration may ask for.
const MAX_STRIDE_PX: usize = 128;
pub(super) const MAX_CHANNELS: usize = 4096;
/// Largest number of channels of the first block and of layers per block.
const MAX_FILTERS: usize = 1024;
const MAX_CONVS_PER_BLOCK: usize = 8;

/// How the decoder doubles its maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Upsampling {
    /// Bilinear, half-pixel centres, no weights.
    #[default]
    Bilinear,
    /// Every cell four times, no weights.
    Nearest,
    /// Transposed 3x3 convolution and ReLU; of the UNet only.
    Transposed,
}

/// A backbone with its settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backbone {
    /// SLEAP's: dense convolutions.
    Unet(UnetConfig),
    /// For small devices: depthwise-separable convolutions.
    Compact(CompactConfig),
}

impl From<UnetConfig> for Backbone {
    fn from(unet: UnetConfig) -> Self {
        Self::Unet(unet)
    }
}

impl From<CompactConfig> for Backbone {
    fn from(compact: CompactConfig) -> Self {
        Self::Compact(compact)
    }
}

impl Backbone {
    /// Stride of the deepest map in input pixels.
    pub const fn max_stride(&self) -> usize {
        match self {
            Self::Unet(unet) => unet.max_stride,
            Self::Compact(compact) => compact.max_stride,
        }
    }

    /// The same with another depth.
    pub fn with_max_stride(&self, max_stride: usize) -> Self {
        match self {
            Self::Unet(unet) => Self::Unet(UnetConfig { max_stride, ..unet.clone() }),
            Self::Compact(compact) => Self::Compact(CompactConfig { max_stride, ..compact.clone() }),
        }
    }

    /// All faults, as sentences that start with the field's name.
    pub fn faults(&self) -> Vec<String> {
        match self {
            Self::Unet(unet) => unet.faults(),
            Self::Compact(compact) => compact.faults(),
        }
    }

    /// Appends the layers, as far up as the `finest` stride that a head asks for. Returns one node per stride, deepest first.
    pub(super) fn add_to(&self, plan: &mut Plan, finest: usize) -> Vec<usize> {
        match self {
            Self::Unet(unet) => unet.add_to(plan, finest),
            Self::Compact(compact) => compact.add_to(plan, finest),
        }
    }
}

/// What is wrong with a max stride.
pub(super) fn max_stride_fault(max_stride: usize) -> Option<String> {
    let ok = max_stride.is_power_of_two() && (2..=MAX_STRIDE_PX).contains(&max_stride);
    (!ok).then(|| format!("max_stride is {max_stride}; it must be a power of two from 2 to {MAX_STRIDE_PX}"))
}

/// What is wrong with the settings of width that all backbones share.
pub(super) fn width_faults(filters: usize, filters_rate: f64, convs_per_block: usize) -> Vec<String> {
    let mut faults = Vec::new();
    if !(1.0..=4.0).contains(&filters_rate) {
        faults.push(format!("filters_rate is {filters_rate}; it must be 1 to 4"));
    }
    if !(1..=MAX_FILTERS).contains(&filters) {
        faults.push(format!("filters is {filters}; it must be 1 to {MAX_FILTERS}"));
    }
    if !(1..=MAX_CONVS_PER_BLOCK).contains(&convs_per_block) {
        faults.push(format!("convs_per_block is {convs_per_block}; it must be 1 to {MAX_CONVS_PER_BLOCK}"));
    }
    faults
}
