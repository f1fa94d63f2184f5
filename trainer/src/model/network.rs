//! A whole network: backbone and heads.

use super::backbone::Backbone;
use super::head::HeadSpec;
use super::plan::Plan;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// A whole network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PoseNetConfig {
    /// Image channels: 1 or 3.
    pub in_channels: usize,
    /// What lies below the heads. In files it stands under its own name: `"unet": {...}` or `"compact": {...}`.
    #[serde(flatten)]
    pub backbone: Backbone,
    /// Outputs, in order.
    pub heads: Vec<HeadSpec>,
}

impl PoseNetConfig {
    /// All faults, as sentences.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = self.backbone.faults();
        if self.in_channels != 1 && self.in_channels != 3 {
            faults.push(format!("in_channels is {}; it must be 1 or 3", self.in_channels));
        }
        if self.heads.is_empty() {
            faults.push("heads: at least one is needed".into());
        }
        faults.extend(self.heads.iter().flat_map(|head| head.faults(self.backbone.max_stride())));
        faults
    }

    /// Lays the network out.
    ///
    /// # Errors
    /// [`Error::Config`] with every fault of the configuration.
    pub fn plan(&self) -> Result<Plan> {
        let faults = self.faults();
        if !faults.is_empty() {
            return Err(Error::Config(faults));
        }
        let mut plan = Plan::new(self.in_channels);
        let finest = self.heads.iter().map(|h| h.stride_px).min().unwrap_or(self.backbone.max_stride());
        let levels = self.backbone.add_to(&mut plan, finest);
        for head in &self.heads {
            // `faults` made sure that every stride is a power of two up to the deepest, so that a level is always there.
            if let Some(&level) = levels.iter().find(|&&n| plan.nodes[n].stride_px == head.stride_px) {
                let output = head.add_to(&mut plan, level);
                plan.outputs.push(output);
            }
        }
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CompactConfig, UnetConfig, Upsampling};
    use dormouse::config::HeadKind;

    fn config(backbone: Backbone, stride_px: usize) -> PoseNetConfig {
        let heads = vec![HeadSpec::new(HeadKind::ConfidenceMaps, "confmaps", 1, stride_px)];
        PoseNetConfig { in_channels: 1, backbone, heads }
    }

    #[test]
    fn faults_come_together() {
        let unet = UnetConfig { filters: 0, filters_rate: 9.0, max_stride: 12, ..UnetConfig::default() };
        let compact = CompactConfig {
            filters: 0,
            filters_rate: 9.0,
            max_stride: 12,
            kernel: 4,
            expansion: 0,
            upsampling: Upsampling::Transposed,
            ..CompactConfig::default()
        };
        for (backbone, count) in [(unet.into(), 5), (compact.into(), 8)] {
            let wrong = PoseNetConfig { in_channels: 2, ..config(backbone, 3) };
            assert_eq!(wrong.faults().len(), count, "{:#?}", wrong.faults());
            assert!(wrong.plan().is_err());
        }
    }

    #[test]
    fn checkpoints_of_before_there_was_a_choice_are_read() {
        let text = r#"{"in_channels":1,"unet":{"filters":8,"filters_rate":1.5,"max_stride":8,"stem_stride":null,"middle_block":true,
            "convs_per_block":2,"upsampling":"bilinear"},"heads":[{"kind":"ConfidenceMaps","output":"confmaps","channels":1,"stride_px":2}]}"#;
        let unet = UnetConfig { filters: 8, filters_rate: 1.5, max_stride: 8, ..UnetConfig::default() };
        assert_eq!(serde_json::from_str::<PoseNetConfig>(text).unwrap(), config(unet.into(), 2));
        let compact = config(CompactConfig::default().into(), 4);
        let text = serde_json::to_string(&compact).unwrap();
        assert!(text.contains(r#""compact":{"#), "{text}");
        assert_eq!(serde_json::from_str::<PoseNetConfig>(&text).unwrap(), compact);
    }
}
