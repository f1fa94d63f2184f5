//! The outputs of a network.

use super::plan::{Plan, Role};
use dormouse::config::HeadKind;
use serde::{Deserialize, Serialize};

/// Largest number of channels, and of fully connected layers, that a head may have.
const MAX_CHANNELS: usize = 4096;
const MAX_HIDDEN: usize = 8;

/// One output of the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadSpec {
    /// Meaning.
    pub kind: HeadKind,
    /// Name of the ONNX graph output.
    pub output: String,
    /// Channels.
    pub channels: usize,
    /// Input pixels per cell; a power of two, at most the max stride. Class vectors are read off the map of this stride as a
    /// whole and have one cell.
    pub stride_px: usize,
    /// Channels of the fully connected layers in front of class vectors; empty for all other kinds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden: Vec<usize>,
}

impl HeadSpec {
    /// Appends the layers of the head to the map at node `level` and returns the output (reference T section 6.1): a linear 1x1
    /// convolution; with a sigmoid for class maps; for class vectors the maximum over the map, fully connected layers and a
    /// softmax.
    pub(super) fn add_to(&self, plan: &mut Plan, level: usize) -> usize {
        let name = &self.output;
        let logits = format!("{name}_logits");
        match self.kind {
            HeadKind::ClassMaps => {
                let linear = plan.conv(logits, level, self.channels, 1, Role::Head);
                plan.sigmoid(name.clone(), linear)
            }
            HeadKind::ClassVectors => {
                let pooled = plan.global_max(format!("{name}_global_pool"), level);
                let layers = self.hidden.iter().enumerate();
                let dense =
                    layers.fold(pooled, |node, (i, &units)| plan.conv(format!("{name}_fc{i}"), node, units, 1, Role::Relu));
                let linear = plan.conv(logits, dense, self.channels, 1, Role::Head);
                plan.softmax(name.clone(), linear)
            }
            _ => plan.conv(name.clone(), level, self.channels, 1, Role::Head),
        }
    }

    /// A head without fully connected layers.
    pub fn new(kind: HeadKind, output: &str, channels: usize, stride_px: usize) -> Self {
        Self { kind, output: output.into(), channels, stride_px, hidden: Vec::new() }
    }

    /// Rows and columns of its output for an input of this height and width.
    pub fn output_size(&self, [height_px, width_px]: [usize; 2]) -> [usize; 2] {
        match self.kind {
            HeadKind::ClassVectors => [1, 1],
            _ => [height_px / self.stride_px, width_px / self.stride_px],
        }
    }
    /// All faults, as sentences, beside a backbone of this max stride.
    pub(super) fn faults(&self, max_stride: usize) -> Vec<String> {
        let (name, stride) = (&self.output, self.stride_px);
        let mut faults = Vec::new();
        if !stride.is_power_of_two() || stride > max_stride {
            faults.push(format!("{name} stride is {stride}; it must be a power of two up to max_stride"));
        }
        if !(1..=MAX_CHANNELS).contains(&self.channels) {
            faults.push(format!("{name} has {} channels; 1 to {MAX_CHANNELS} are supported", self.channels));
        }
        if !self.hidden.is_empty() && self.kind != HeadKind::ClassVectors {
            faults.push(format!("{name} has fully connected layers; only class vectors have them"));
        }
        if self.hidden.len() > MAX_HIDDEN || self.hidden.iter().any(|c| !(1..=MAX_CHANNELS).contains(c)) {
            let hidden = &self.hidden;
            faults.push(format!("{name} has layers of {hidden:?}; at most {MAX_HIDDEN} of 1 to {MAX_CHANNELS} are supported"));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::Op;
    use crate::model::{PoseNetConfig, UnetConfig};

    #[test]
    fn class_heads_end_in_probabilities() {
        let unet = UnetConfig { filters: 8, max_stride: 8, ..UnetConfig::default() };
        let confmaps = HeadSpec::new(HeadKind::ConfidenceMaps, "confmaps", 1, 2);
        let mut config = PoseNetConfig { in_channels: 1, backbone: unet.into(), heads: vec![confmaps] };
        config.heads.push(HeadSpec::new(HeadKind::ClassMaps, "class_maps", 3, 8));
        config.heads.push(HeadSpec { hidden: vec![5, 6], ..HeadSpec::new(HeadKind::ClassVectors, "class_vectors", 4, 8) });
        let plan = config.plan().unwrap();
        let of = |head: usize| &plan.nodes[plan.outputs[head]];
        assert!(matches!(of(1).op, Op::Sigmoid { .. }) && matches!(of(2).op, Op::Softmax { .. }));
        assert_eq!((of(1).stride_px, of(2).stride_px, of(2).name.as_str()), (8, 0, "class_vectors"));
        let dense: Vec<_> = plan.params.iter().skip_while(|p| p.name != "class_vectors_fc0").collect();
        let shapes: Vec<_> = dense.iter().map(|p| (p.channels_in, p.channels_out, p.role)).collect();
        assert_eq!(
            shapes,
            [(64, 5, Role::Relu), (5, 6, Role::Relu), (6, 4, Role::Head)],
            "from the deepest map of 8 * 2^3 channels"
        );
        config.heads[0].hidden = vec![3];
        assert!(config.plan().is_err());
    }
}
