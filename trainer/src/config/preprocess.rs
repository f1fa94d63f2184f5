//! `[preprocess]`: frame to network input, the same in training and in the runtime.

use dormouse::config::{InputColor, PreprocessConfig, ResizeFilter};
use serde::{Deserialize, Serialize};

/// Channels of the network input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColorChoice {
    /// One channel.
    #[default]
    Gray,
    /// Red, green, blue.
    Rgb,
}

/// Filter for an input scale other than 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResizeChoice {
    /// Two source pixels per axis (classic SLEAP).
    #[default]
    Bilinear,
    /// Widened when shrinking (SLEAP-NN).
    BilinearAntialias,
}

/// Colour and scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PreprocessSection {
    /// `gray` or `rgb`. Default `gray`.
    pub color: ColorChoice,
    /// Input pixels per frame pixel, above 0 and at most 8. Default 1.
    pub input_scale: f32,
    /// `bilinear` or `bilinear_antialias`; used when `input_scale` is not 1. Default `bilinear`.
    pub resize: ResizeChoice,
}

impl Default for PreprocessSection {
    fn default() -> Self {
        Self { color: ColorChoice::Gray, input_scale: 1.0, resize: ResizeChoice::Bilinear }
    }
}

impl PreprocessSection {
    /// What the bundle stores, for a network of that max stride in pixels.
    pub fn to_runtime(&self, max_stride: usize) -> PreprocessConfig {
        PreprocessConfig {
            color: match self.color {
                ColorChoice::Gray => InputColor::Gray,
                ColorChoice::Rgb => InputColor::Rgb,
            },
            input_scale: self.input_scale,
            resize: match self.resize {
                ResizeChoice::Bilinear => ResizeFilter::Bilinear,
                ResizeChoice::BilinearAntialias => ResizeFilter::BilinearAntialias,
            },
            pad_to_stride_px: u32::try_from(max_stride).unwrap_or(u32::MAX),
        }
    }

    pub(super) fn faults(&self, faults: &mut Vec<String>) {
        if !(self.input_scale > 0.0 && self.input_scale <= 8.0) {
            faults.push("preprocess.input_scale must be above 0 and at most 8".into());
        }
    }
}
