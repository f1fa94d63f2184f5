//! The U-shaped network of SLEAP, from its configuration to a plan.
//!
//! Layout, channel counts, order of concatenation and layer names: reference T section 6.1 (classic SLEAP).

use super::backbone::{MAX_CHANNELS, Upsampling, max_stride_fault, width_faults};
use super::plan::{Filter, Plan, Role};
use serde::{Deserialize, Serialize};

/// A U-shaped backbone of dense 3x3 convolutions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnetConfig {
    /// Channels of the first block.
    pub filters: usize,
    /// Factor from one block to the next; block `e` has floor(filters * rate^e) channels.
    pub filters_rate: f64,
    /// Stride of the deepest map in input pixels; a power of two.
    pub max_stride: usize,
    /// Stride after the stem of 7x7 convolutions; `None` for no stem.
    pub stem_stride: Option<usize>,
    /// Whether two more convolutions follow the deepest pooling.
    pub middle_block: bool,
    /// Convolutions per block.
    pub convs_per_block: usize,
    /// How the decoder doubles its maps.
    pub upsampling: Upsampling,
}

impl Default for UnetConfig {
    fn default() -> Self {
        Self {
            filters: 16,
            filters_rate: 2.0,
            max_stride: 16,
            stem_stride: None,
            middle_block: true,
            convs_per_block: 2,
            upsampling: Upsampling::Bilinear,
        }
    }
}

impl UnetConfig {
    /// Channels of block `exponent`: floor(filters * rate^exponent).
    pub fn block_channels(&self, exponent: usize) -> usize {
        (self.filters as f64 * self.filters_rate.powi(exponent as i32)) as usize
    }

    fn stem_blocks(&self) -> usize {
        self.stem_stride.map_or(0, |s| s.ilog2() as usize)
    }

    fn down_blocks(&self) -> usize {
        self.max_stride.ilog2() as usize - self.stem_blocks()
    }

    /// All faults, as sentences that start with the field's name.
    pub fn faults(&self) -> Vec<String> {
        let mut faults: Vec<String> = max_stride_fault(self.max_stride).into_iter().collect();
        if let Some(stem) = self.stem_stride
            && !(stem.is_power_of_two() && stem >= 2 && stem < self.max_stride)
        {
            faults.push(format!("stem_stride is {stem}; it must be a power of two, at least 2 and below max_stride"));
        }
        faults.extend(width_faults(self.filters, self.filters_rate, self.convs_per_block));
        if faults.is_empty() {
            let deepest = self.block_channels(self.max_stride.ilog2() as usize);
            if deepest > MAX_CHANNELS {
                faults.push(format!("filters and filters_rate give {deepest} channels; at most {MAX_CHANNELS} are supported"));
            }
        }
        faults
    }

    /// Appends the layers, as far up as the `finest` stride that a head asks for. Returns one node per stride, deepest first.
    pub(super) fn add_to(&self, plan: &mut Plan, finest: usize) -> Vec<usize> {
        let stem = self.add_stem(plan);
        let (skips, deepest) = self.add_encoder(plan, stem);
        self.add_decoder(plan, &skips, deepest, finest)
    }

    fn block(&self, plan: &mut Plan, name: &str, input: usize, channels: usize, kernel: usize) -> usize {
        (0..self.convs_per_block).fold(input, |node, i| plan.conv(format!("{name}_conv{i}"), node, channels, kernel, Role::Relu))
    }

    fn add_stem(&self, plan: &mut Plan) -> usize {
        let blocks = self.stem_blocks();
        let mut node = 0;
        for b in 0..blocks {
            if b > 0 {
                node = plan.max_pool(format!("stem{b}_pool"), node);
            }
            node = self.block(plan, &format!("stem{b}"), node, self.block_channels(b), 7);
        }
        if blocks > 0 { plan.max_pool("stem_last_pool".into(), node) } else { node }
    }

    /// Returns the skip nodes and the deepest node.
    fn add_encoder(&self, plan: &mut Plan, stem: usize) -> (Vec<usize>, usize) {
        let (first, depth) = (self.stem_blocks(), self.down_blocks());
        let (mut node, mut skips) = (stem, Vec::new());
        for b in 0..depth {
            if b > 0 {
                node = plan.max_pool(format!("stack0_enc{b}_pool"), node);
            }
            node = self.block(plan, &format!("stack0_enc{b}"), node, self.block_channels(first + b), 3);
            skips.push(node);
        }
        node = plan.max_pool(format!("stack0_enc{depth}_last_pool"), node);
        if self.middle_block {
            let channels = self.block_channels(first + depth);
            let last = self.convs_per_block - 1;
            for i in 0..last {
                node = plan.conv(format!("stack0_enc{}_middle_expand_conv{i}", depth + 1), node, channels, 3, Role::Relu);
            }
            node = plan.conv(format!("stack0_enc{}_middle_contract_conv0", depth + 2), node, channels, 3, Role::Relu);
        }
        (skips, node)
    }

    /// Returns one node per stride, deepest first.
    fn add_decoder(&self, plan: &mut Plan, skips: &[usize], deepest: usize, finest: usize) -> Vec<usize> {
        let blocks = self.max_stride.ilog2() as usize;
        let mut levels = vec![deepest];
        let mut node = deepest;
        for b in 0..blocks {
            let stride = plan.nodes[node].stride_px;
            if stride <= finest {
                break;
            }
            let channels = self.block_channels(blocks - 1 - b);
            let name = format!("stack0_dec{b}_s{stride}_to_s{}", stride / 2);
            node = match self.upsampling {
                Upsampling::Bilinear => plan.upsample(format!("{name}_interp_bilinear"), node, Filter::Bilinear),
                Upsampling::Nearest => plan.upsample(format!("{name}_interp_nearest"), node, Filter::Nearest),
                Upsampling::Transposed => plan.transposed(format!("{name}_trans_conv"), node, channels),
            };
            if let Some(&skip) = skips.iter().find(|&&s| plan.nodes[s].stride_px == stride / 2) {
                node = plan.concat(format!("{name}_skip_concat"), skip, node);
            }
            node = self.block(plan, &format!("{name}_refine"), node, channels, 3);
            levels.push(node);
        }
        levels
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::Op;
    use crate::model::{HeadSpec, PoseNetConfig};
    use dormouse::config::HeadKind;

    fn net(filters: usize, rate: f64, max_stride: usize, output: usize, upsampling: Upsampling) -> PoseNetConfig {
        let head = HeadSpec::new(HeadKind::ConfidenceMaps, "confmaps", 1, output);
        let unet = UnetConfig { filters, filters_rate: rate, max_stride, upsampling, ..UnetConfig::default() };
        PoseNetConfig { in_channels: 1, backbone: unet.into(), heads: vec![head] }
    }

    /// Backbone parameters: all but the head's.
    fn backbone(config: &PoseNetConfig) -> usize {
        let plan = config.plan().unwrap();
        let all: usize = plan.params.iter().map(|p| p.weight_len() + p.channels_out).sum();
        let head = plan.params.last().unwrap();
        all - head.weight_len() - head.channels_out
    }

    #[test]
    fn parameter_counts_equal_sleaps() {
        use Upsampling::{Bilinear, Transposed};
        // reference T section 6.1, counted there from SLEAP's own models.
        let table = [
            (16, 2.0, 16, 2, Bilinear, 1_953_072),
            (24, 2.0, 16, 4, Bilinear, 4_310_184),
            (24, 1.5, 32, 4, Bilinear, 1_644_692),
            (32, 1.5, 32, 4, Bilinear, 2_935_591),
            (16, 2.0, 32, 4, Bilinear, 7_815_920),
            (32, 1.5, 64, 4, Bilinear, 6_784_287),
            (64, 2.0, 16, 1, Transposed, 34_512_128),
            (64, 2.0, 16, 1, Bilinear, 31_377_728),
            (32, 1.5, 16, 1, Bilinear, 1_327_352),
            (32, 2.0, 16, 1, Bilinear, 7_846_048),
            (24, 1.5, 32, 1, Bilinear, 1_703_780),
        ];
        for (filters, rate, max_stride, output, up, expected) in table {
            assert_eq!(
                backbone(&net(filters, rate, max_stride, output, up)),
                expected,
                "{filters} x{rate} {max_stride}->{output}"
            );
        }
    }

    #[test]
    fn channels_per_stride_equal_sleaps() {
        let plan = net(32, 1.5, 64, 4, Upsampling::Bilinear).plan().unwrap();
        let at = |stride| plan.nodes.iter().rfind(|n| n.stride_px == stride && n.name != "confmaps").unwrap().channels;
        assert_eq!([at(64), at(32), at(16), at(8), at(4)], [364, 243, 162, 108, 72]);
    }

    #[test]
    fn skip_comes_before_upsampled() {
        let plan = net(8, 2.0, 8, 4, Upsampling::Bilinear).plan().unwrap();
        let concat = plan.nodes.iter().find(|n| matches!(n.op, Op::Concat { .. })).unwrap();
        let Op::Concat { first, second } = concat.op else { unreachable!() };
        assert!(plan.nodes[first].name.contains("enc") && matches!(plan.nodes[second].op, Op::Upsample { .. }));
    }
}
