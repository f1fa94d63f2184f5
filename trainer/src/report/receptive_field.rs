//! Whether the network sees enough of an animal around each of its parts.

use super::animal_size::AnimalSizes;
use crate::config::TrainConfig;
use crate::model::{Backbone, receptive_field_px};
use serde::Serialize;
use std::fmt;

/// Max strides that a recommendation may name.
const MAX_STRIDES: [usize; 6] = [4, 8, 16, 32, 64, 128];
/// Input scales that a recommendation may name.
const INPUT_SCALES: [f32; 4] = [1.0, 0.75, 0.5, 0.25];
/// A field this many times larger than almost all animals costs layers that see nothing new.
const GENEROUS: f64 = 4.0;

/// How the receptive field compares with the animals. SLEAP's rule: about as large as the animal, so that a person could tell
/// from the pixels inside what is at the centre (reference sleap-training.md, section 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldFit {
    /// Smaller than the median animal.
    TooSmall,
    /// As large as the median animal, but not as 95 % of them.
    Tight,
    /// As large as 95 % of the animals.
    Good,
    /// More than four times as large as that.
    Generous,
    /// No labelled animal has a size.
    Unknown,
}

/// A choice that reaches the size of 95 % of the animals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct FieldOption {
    /// Stride of the deepest map.
    pub max_stride: usize,
    /// Input pixels per frame pixel.
    pub input_scale: f32,
    /// Side of the field in frame pixels.
    pub side_px: usize,
}

/// The receptive field of a configuration, beside the animals' sizes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldAdvice {
    /// Side in pixels of the network input, as SLEAP counts it: down to the last pooling, without a UNet's stem.
    pub field_px: usize,
    /// Input pixels per frame pixel.
    pub input_scale: f32,
    /// Side in frame pixels: `floor(field_px / input_scale)`.
    pub side_px: usize,
    /// Stride of the deepest map.
    pub max_stride: usize,
    /// Sizes of the training animals.
    pub sizes: Option<AnimalSizes>,
    /// Comparison.
    pub fit: FieldFit,
    /// Cheapest changes after which the field is as large as 95 % of the animals: another max stride at the same scale, and
    /// another scale at the same max stride. Empty when nothing need change.
    pub options: Vec<FieldOption>,
}

impl FieldAdvice {
    /// Compares the configuration's network with the sizes of its training animals.
    pub fn new(config: &TrainConfig, sizes: Option<AnimalSizes>) -> Self {
        let backbone = config.model.backbone();
        let input_scale = config.preprocess.input_scale;
        let side_px = side_px(&backbone, input_scale);
        let fit = sizes.map_or(FieldFit::Unknown, |s| fit(side_px as f64, &s));
        let options = match (&sizes, fit) {
            (Some(sizes), FieldFit::TooSmall | FieldFit::Tight) => options(&backbone, input_scale, sizes.diagonal_p95_px),
            _ => Vec::new(),
        };
        let (field_px, max_stride) = (receptive_field_px(&backbone), backbone.max_stride());
        Self { field_px, input_scale, side_px, max_stride, sizes, fit, options }
    }
}

/// Side of the field in frame pixels (reference sleap-training.md, section 6.3).
fn side_px(backbone: &Backbone, input_scale: f32) -> usize {
    // The scale is above 0 (validated), and the cast saturates.
    (receptive_field_px(backbone) as f64 / f64::from(input_scale)).floor() as usize
}

fn fit(side_px: f64, sizes: &AnimalSizes) -> FieldFit {
    if side_px < sizes.diagonal_median_px {
        FieldFit::TooSmall
    } else if side_px < sizes.diagonal_p95_px {
        FieldFit::Tight
    } else if side_px > GENEROUS * sizes.diagonal_p95_px {
        FieldFit::Generous
    } else {
        FieldFit::Good
    }
}

fn options(backbone: &Backbone, input_scale: f32, wanted_px: f64) -> Vec<FieldOption> {
    let option = |max_stride: usize, input_scale: f32| {
        let side_px = side_px(&backbone.with_max_stride(max_stride), input_scale);
        FieldOption { max_stride, input_scale, side_px }
    };
    let enough = |o: &FieldOption| o.side_px as f64 >= wanted_px;
    let strides = MAX_STRIDES.into_iter().filter(|s| *s > backbone.max_stride());
    let scales = INPUT_SCALES.into_iter().filter(|s| *s < input_scale);
    let deeper = strides.map(|s| option(s, input_scale)).find(enough);
    let coarser = scales.map(|s| option(backbone.max_stride(), s)).find(enough);
    deeper.into_iter().chain(coarser).collect()
}

impl fmt::Display for FieldAdvice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "receptive field  {} x {} px of the original frame ({} px of the network input at scale {}, max stride {})",
            self.side_px, self.side_px, self.field_px, self.input_scale, self.max_stride
        )?;
        writeln!(
            f,
            "                 as SLEAP counts it: down to the last pooling; what lies deeper, and a UNet's stem, see further"
        )?;
        if let Some(s) = &self.sizes {
            writeln!(
                f,
                "animals          box diagonal median {:.1} px, p95 {:.1} px, largest {:.1} px ({} animals)",
                s.diagonal_median_px, s.diagonal_p95_px, s.diagonal_max_px, s.count
            )?;
        }
        let verdict = match self.fit {
            FieldFit::TooSmall => "too small: it does not cover the median animal, so that parts far from each other look alike",
            FieldFit::Tight => "tight: it covers the median animal, but not 95 % of the animals",
            FieldFit::Good => "good: it covers 95 % of the animals",
            FieldFit::Generous => "generous: more than four times the animals; a smaller max stride would be cheaper",
            FieldFit::Unknown => "no animal size is known to compare it with",
        };
        writeln!(f, "verdict          {verdict}")?;
        for o in &self.options {
            let change = if o.max_stride == self.max_stride {
                format!("preprocess.input_scale = {} (finer details get lost, every step gets cheaper)", o.input_scale)
            } else {
                format!("model.max_stride = {} (a deeper network with more parameters)", o.max_stride)
            };
            writeln!(f, "recommended      {change}: {} px", o.side_px)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(median: f64, p95: f64) -> Option<AnimalSizes> {
        Some(AnimalSizes {
            count: 9,
            diagonal_median_px: median,
            diagonal_p95_px: p95,
            diagonal_max_px: p95,
            longest_side_px: p95,
        })
    }

    fn advice(max_stride: usize, input_scale: f32, sizes: Option<AnimalSizes>) -> FieldAdvice {
        let mut config = TrainConfig::default();
        config.model.max_stride = max_stride;
        config.preprocess.input_scale = input_scale;
        FieldAdvice::new(&config, sizes)
    }

    #[test]
    fn fields_are_sleaps_divided_by_the_scale() {
        // Section 6.3: 76 for max stride 16 and 156 for 32.
        assert_eq!(advice(16, 1.0, None).side_px, 76);
        assert_eq!(advice(16, 0.5, None).side_px, 152);
        assert_eq!(advice(16, 0.75, None).side_px, 101);
        assert_eq!((advice(32, 0.5, None).field_px, advice(32, 0.5, None).side_px), (156, 312));
    }

    #[test]
    fn the_compact_backbone_has_a_field_of_its_own() {
        let mut config = TrainConfig::default();
        config.model.backbone = crate::config::BackboneChoice::Compact;
        config.model.compact.kernel = 5;
        let advice = FieldAdvice::new(&config, sizes(90.0, 150.0));
        assert_eq!((advice.side_px, advice.fit), (130, FieldFit::Tight));
        let found: Vec<_> = advice.options.iter().map(|o| (o.max_stride, o.input_scale, o.side_px)).collect();
        assert_eq!(found, [(32, 1.0, 274), (16, 0.75, 173)]);
    }

    #[test]
    fn recommendations_are_the_cheapest_that_reach() {
        let small = advice(16, 1.0, sizes(90.0, 110.0));
        assert_eq!(small.fit, FieldFit::TooSmall);
        let found: Vec<_> = small.options.iter().map(|o| (o.max_stride, o.input_scale, o.side_px)).collect();
        assert_eq!(found, [(32, 1.0, 156), (16, 0.5, 152)]);
        assert_eq!(advice(16, 1.0, sizes(70.0, 110.0)).fit, FieldFit::Tight);
        let good = advice(16, 1.0, sizes(60.0, 76.0));
        assert!(good.fit == FieldFit::Good && good.options.is_empty());
        assert_eq!(advice(32, 1.0, sizes(20.0, 30.0)).fit, FieldFit::Generous);
        assert_eq!(advice(16, 1.0, None).fit, FieldFit::Unknown);
    }

    #[test]
    fn the_text_names_the_keys_to_change() {
        let text = advice(16, 1.0, sizes(90.0, 110.0)).to_string();
        assert!(text.contains("model.max_stride = 32") && text.contains("preprocess.input_scale = 0.5"), "{text}");
    }
}
