//! `[model]`: the network and its targets.

use crate::model::{Backbone, CompactConfig, Init, Skip, UnetConfig, Upsampling};
use dormouse::ModelType;
use serde::{Deserialize, Serialize};

/// What the model finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrainModelType {
    /// Any number of animals, through part affinity fields.
    #[default]
    BottomUp,
    /// At most one animal.
    SingleInstance,
    /// Any number of animals: a network finds their centres, a second one the parts of each in a crop.
    TopDown,
    /// Known individuals, through class maps.
    BottomUpId,
    /// Known individuals: as `top_down`, and the second network says who it is.
    TopDownId,
    /// Only the centres of animals.
    Centroid,
}

impl TrainModelType {
    /// All, as they are written in configurations.
    pub const ALL: [Self; 6] =
        [Self::BottomUp, Self::SingleInstance, Self::TopDown, Self::BottomUpId, Self::TopDownId, Self::Centroid];

    /// As it is written in configurations.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BottomUp => "bottom_up",
            Self::SingleInstance => "single_instance",
            Self::TopDown => "top_down",
            Self::BottomUpId => "bottom_up_id",
            Self::TopDownId => "top_down_id",
            Self::Centroid => "centroid",
        }
    }
}

/// What lies below the heads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackboneChoice {
    /// SLEAP's UNet.
    #[default]
    Unet,
    /// Depthwise-separable convolutions.
    Compact,
}

/// Backbone and heads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelConfig {
    /// `single_instance`, `bottom_up`, `top_down`, `bottom_up_id`, `top_down_id` or `centroid`. Top-down models have two networks,
    /// whose own settings stand in `[centroid.model]`, `[instance.preprocess]` and so on. Default `bottom_up`.
    #[serde(rename = "type")]
    pub model_type: TrainModelType,
    /// `unet` (SLEAP's, the most accurate) or `compact` (depthwise-separable convolutions: a quarter of the operations and less at
    /// the same widths, for small devices). Default `unet`.
    pub backbone: BackboneChoice,
    /// Channels of the first block, 1 to 1024; with `compact` rounded to a multiple of 8. Default 16.
    pub filters: usize,
    /// Factor on the channels from block to block, 1 to 4; with `compact` each block is rounded to a multiple of 8. Default 2.
    pub filters_rate: f64,
    /// Stride of the deepest map in input pixels, a power of two from 2 to 128. Default 16.
    pub max_stride: usize,
    /// Stride behind a stem of 7x7 convolutions, a power of two below `max_stride`; 0: no stem. Of `unet` only. Default 0.
    pub stem_stride: usize,
    /// Whether two more convolutions follow the deepest pooling. Of `unet` only; `compact` always has them. Default true.
    pub middle_block: bool,
    /// Convolutions per block, 1 to 8; of `compact` depthwise-separable units. Default 2.
    pub convs_per_block: usize,
    /// `bilinear`, `nearest` or, with `unet` only, `transposed`. Default `bilinear`.
    pub upsampling: Upsampling,
    /// First weights: `glorot` (as SLEAP), `he` (for deep networks), or `fitted` (to the first training images; gets going
    /// soonest). Default `glorot`.
    pub init: Init,
    /// What only the compact backbone has.
    pub compact: CompactSection,
    /// Confidence maps, and the centroid maps of centroid networks.
    pub confmaps: ConfmapConfig,
    /// Part affinity fields; used by `bottom_up` only.
    pub pafs: PafConfig,
}

/// What only the compact backbone has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CompactSection {
    /// Side of the depthwise kernels in cells, 3 or 5. Default 3.
    pub kernel: usize,
    /// Factor on the channels inside a unit, 1 to 6; 1: one 1x1 convolution per unit in place of two. Default 1.
    pub expansion: usize,
    /// How the decoder joins the encoder's maps: `add` or `concat` (side by side, more accurate for the same operations).
    /// Default `concat`.
    pub skip: Skip,
}

impl Default for CompactSection {
    fn default() -> Self {
        let CompactConfig { kernel, expansion, skip, .. } = CompactConfig::default();
        Self { kernel, expansion, skip }
    }
}

/// The head that locates parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConfmapConfig {
    /// Standard deviation of a peak in map cells (so times `stride` in input pixels, as SLEAP has it), above 0 to 64. Default 2.5.
    pub sigma: f32,
    /// Input pixels per cell, a power of two up to `max_stride`. Default 4.
    pub stride: usize,
    /// Weight of its loss, at least 0. Default 1.
    pub weight: f32,
}

/// The head that joins parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PafConfig {
    /// Width of an edge as SLEAP defines it, in input pixels, above 0 to 1000. Default 75.
    pub sigma: f32,
    /// Input pixels per cell, a power of two up to `max_stride`. Default 8.
    pub stride: usize,
    /// Weight of its loss, at least 0. Default 1.
    pub weight: f32,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            model_type: TrainModelType::BottomUp,
            backbone: BackboneChoice::Unet,
            filters: 16,
            filters_rate: 2.0,
            max_stride: 16,
            stem_stride: 0,
            middle_block: true,
            convs_per_block: 2,
            upsampling: Upsampling::Bilinear,
            init: Init::Glorot,
            compact: CompactSection::default(),
            confmaps: ConfmapConfig::default(),
            pafs: PafConfig::default(),
        }
    }
}

impl Default for ConfmapConfig {
    fn default() -> Self {
        Self { sigma: 2.5, stride: 4, weight: 1.0 }
    }
}

impl Default for PafConfig {
    fn default() -> Self {
        Self { sigma: 75.0, stride: 8, weight: 1.0 }
    }
}

impl ModelConfig {
    /// The backbone with its settings.
    pub fn backbone(&self) -> Backbone {
        let Self { filters, filters_rate, max_stride, convs_per_block, upsampling, .. } = *self;
        match self.backbone {
            BackboneChoice::Unet => Backbone::Unet(UnetConfig {
                filters,
                filters_rate,
                max_stride,
                stem_stride: (self.stem_stride > 0).then_some(self.stem_stride),
                middle_block: self.middle_block,
                convs_per_block,
                upsampling,
            }),
            BackboneChoice::Compact => {
                let CompactSection { kernel, expansion, skip } = self.compact;
                let widths =
                    CompactConfig { filters, filters_rate, max_stride, convs_per_block, upsampling, ..Default::default() };
                Backbone::Compact(CompactConfig { kernel, expansion, skip, ..widths })
            }
        }
    }

    /// The runtime's name for the model type.
    pub fn runtime_type(&self) -> ModelType {
        match self.model_type {
            TrainModelType::BottomUp => ModelType::BottomUp,
            TrainModelType::SingleInstance => ModelType::SingleInstance,
            TrainModelType::TopDown => ModelType::TopDown,
            TrainModelType::BottomUpId => ModelType::BottomUpId,
            TrainModelType::TopDownId => ModelType::TopDownId,
            TrainModelType::Centroid => ModelType::Centroid,
        }
    }

    pub(super) fn faults(&self, faults: &mut Vec<String>) {
        faults.extend(self.backbone().faults().into_iter().map(|f| format!("model.{f}")));
        let heads = [
            ("confmaps", self.confmaps.sigma, self.confmaps.stride, self.confmaps.weight, 64.0),
            ("pafs", self.pafs.sigma, self.pafs.stride, self.pafs.weight, 1000.0),
        ];
        let used = if self.model_type == TrainModelType::BottomUp { 2 } else { 1 };
        for (name, sigma, stride, weight, most) in heads.into_iter().take(used) {
            if !(sigma > 0.0 && sigma <= most) {
                faults.push(format!("model.{name}.sigma is {sigma}; it must be above 0 and at most {most}"));
            }
            if !stride.is_power_of_two() || stride > self.max_stride {
                faults.push(format!("model.{name}.stride is {stride}; it must be a power of two up to max_stride"));
            }
            if !(weight >= 0.0 && weight.is_finite()) {
                faults.push(format!("model.{name}.weight is {weight}; it must be finite and not negative"));
            }
        }
    }
}
