//! The U-shaped network of SLEAP, from its configuration to a plan.
//!
//! Layout, channel counts, order of concatenation and layer names: reference T section 6.1 (classic SLEAP).

use super::plan::Plan;
use crate::error::{Error, Result};
use dormouse::config::HeadKind;
use serde::{Deserialize, Serialize};

/// Largest max stride, channel count and number of layers per block that a configuration may ask for.
const MAX_STRIDE_PX: usize = 128;
const MAX_CHANNELS: usize = 4096;
const MAX_CONVS_PER_BLOCK: usize = 8;
const MAX_HIDDEN: usize = 8;

/// How the decoder doubles its maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Upsampling {
    /// Bilinear, half-pixel centres, no weights.
    #[default]
    Bilinear,
    /// Transposed 3x3 convolution and ReLU.
    Transposed,
}

/// The part of the network below the heads.
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
    fn add_to(&self, plan: &mut Plan, level: usize) -> usize {
        let name = &self.output;
        let logits = format!("{name}_logits");
        match self.kind {
            HeadKind::ClassMaps => {
                let linear = plan.conv(logits, level, self.channels, 1, false);
                plan.sigmoid(name.clone(), linear)
            }
            HeadKind::ClassVectors => {
                let pooled = plan.global_max(format!("{name}_global_pool"), level);
                let layers = self.hidden.iter().enumerate();
                let dense = layers.fold(pooled, |node, (i, &units)| plan.conv(format!("{name}_fc{i}"), node, units, 1, true));
                let linear = plan.conv(logits, dense, self.channels, 1, false);
                plan.softmax(name.clone(), linear)
            }
            _ => plan.conv(name.clone(), level, self.channels, 1, false),
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
}

/// A whole network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PoseNetConfig {
    /// Image channels: 1 or 3.
    pub in_channels: usize,
    /// Backbone.
    pub unet: UnetConfig,
    /// Outputs, in order.
    pub heads: Vec<HeadSpec>,
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
        let mut faults = Vec::new();
        let mut check = |ok: bool, what: String| {
            if !ok {
                faults.push(what);
            }
        };
        let stride_ok = self.max_stride.is_power_of_two() && (2..=MAX_STRIDE_PX).contains(&self.max_stride);
        check(stride_ok, format!("max_stride is {}; it must be a power of two from 2 to {MAX_STRIDE_PX}", self.max_stride));
        if let Some(stem) = self.stem_stride {
            let stem_ok = stem.is_power_of_two() && stem >= 2 && stem < self.max_stride;
            check(stem_ok, format!("stem_stride is {stem}; it must be a power of two, at least 2 and below max_stride"));
        }
        check((1.0..=4.0).contains(&self.filters_rate), format!("filters_rate is {}; it must be 1 to 4", self.filters_rate));
        check((1..=1024).contains(&self.filters), format!("filters is {}; it must be 1 to 1024", self.filters));
        check(
            (1..=MAX_CONVS_PER_BLOCK).contains(&self.convs_per_block),
            format!("convs_per_block is {}; it must be 1 to {MAX_CONVS_PER_BLOCK}", self.convs_per_block),
        );
        if faults.is_empty() {
            let deepest = self.block_channels(self.max_stride.ilog2() as usize);
            if deepest > MAX_CHANNELS {
                faults.push(format!("filters and filters_rate give {deepest} channels; at most {MAX_CHANNELS} are supported"));
            }
        }
        faults
    }
}

impl PoseNetConfig {
    /// All faults, as sentences.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = self.unet.faults();
        if self.in_channels != 1 && self.in_channels != 3 {
            faults.push(format!("in_channels is {}; it must be 1 or 3", self.in_channels));
        }
        if self.heads.is_empty() {
            faults.push("heads: at least one is needed".into());
        }
        for head in &self.heads {
            let (name, stride) = (&head.output, head.stride_px);
            if !stride.is_power_of_two() || stride > self.unet.max_stride {
                faults.push(format!("{name} stride is {stride}; it must be a power of two up to max_stride"));
            }
            if !(1..=MAX_CHANNELS).contains(&head.channels) {
                faults.push(format!("{name} has {} channels; 1 to {MAX_CHANNELS} are supported", head.channels));
            }
            if !head.hidden.is_empty() && head.kind != HeadKind::ClassVectors {
                faults.push(format!("{name} has fully connected layers; only class vectors have them"));
            }
            if head.hidden.len() > MAX_HIDDEN || head.hidden.iter().any(|c| !(1..=MAX_CHANNELS).contains(c)) {
                faults.push(format!(
                    "{name} has layers of {:?}; at most {MAX_HIDDEN} of 1 to {MAX_CHANNELS} are supported",
                    head.hidden
                ));
            }
        }
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
        let stem = self.add_stem(&mut plan);
        let (skips, deepest) = self.add_encoder(&mut plan, stem);
        let levels = self.add_decoder(&mut plan, &skips, deepest);
        for head in &self.heads {
            // `faults` made sure that every stride is a power of two up to the deepest, so that a level is always there.
            if let Some(&level) = levels.iter().find(|&&n| plan.nodes[n].stride_px == head.stride_px) {
                let output = head.add_to(&mut plan, level);
                plan.outputs.push(output);
            }
        }
        Ok(plan)
    }

    fn block(&self, plan: &mut Plan, name: &str, input: usize, channels: usize, kernel: usize) -> usize {
        (0..self.unet.convs_per_block).fold(input, |node, i| plan.conv(format!("{name}_conv{i}"), node, channels, kernel, true))
    }

    fn add_stem(&self, plan: &mut Plan) -> usize {
        let blocks = self.unet.stem_blocks();
        let mut node = 0;
        for b in 0..blocks {
            if b > 0 {
                node = plan.max_pool(format!("stem{b}_pool"), node);
            }
            node = self.block(plan, &format!("stem{b}"), node, self.unet.block_channels(b), 7);
        }
        if blocks > 0 { plan.max_pool("stem_last_pool".into(), node) } else { node }
    }

    /// Returns the skip nodes and the deepest node.
    fn add_encoder(&self, plan: &mut Plan, stem: usize) -> (Vec<usize>, usize) {
        let (first, depth) = (self.unet.stem_blocks(), self.unet.down_blocks());
        let (mut node, mut skips) = (stem, Vec::new());
        for b in 0..depth {
            if b > 0 {
                node = plan.max_pool(format!("stack0_enc{b}_pool"), node);
            }
            node = self.block(plan, &format!("stack0_enc{b}"), node, self.unet.block_channels(first + b), 3);
            skips.push(node);
        }
        node = plan.max_pool(format!("stack0_enc{depth}_last_pool"), node);
        if self.unet.middle_block {
            let channels = self.unet.block_channels(first + depth);
            let last = self.unet.convs_per_block - 1;
            for i in 0..last {
                node = plan.conv(format!("stack0_enc{}_middle_expand_conv{i}", depth + 1), node, channels, 3, true);
            }
            node = plan.conv(format!("stack0_enc{}_middle_contract_conv0", depth + 2), node, channels, 3, true);
        }
        (skips, node)
    }

    /// Returns one node per stride, deepest first.
    fn add_decoder(&self, plan: &mut Plan, skips: &[usize], deepest: usize) -> Vec<usize> {
        let blocks = self.unet.max_stride.ilog2() as usize;
        let finest = self.heads.iter().map(|h| h.stride_px).min().unwrap_or(self.unet.max_stride);
        let mut levels = vec![deepest];
        let mut node = deepest;
        for b in 0..blocks {
            let stride = plan.nodes[node].stride_px;
            if stride <= finest {
                break;
            }
            let channels = self.unet.block_channels(blocks - 1 - b);
            let name = format!("stack0_dec{b}_s{stride}_to_s{}", stride / 2);
            node = match self.unet.upsampling {
                Upsampling::Bilinear => plan.upsample(format!("{name}_interp_bilinear"), node),
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

    fn net(filters: usize, rate: f64, max_stride: usize, output: usize, upsampling: Upsampling) -> PoseNetConfig {
        let head = HeadSpec::new(HeadKind::ConfidenceMaps, "confmaps", 1, output);
        let unet = UnetConfig { filters, filters_rate: rate, max_stride, upsampling, ..UnetConfig::default() };
        PoseNetConfig { in_channels: 1, unet, heads: vec![head] }
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
    fn faults_come_together() {
        let mut config = net(0, 9.0, 12, 3, Upsampling::Bilinear);
        config.in_channels = 2;
        assert!(config.faults().len() >= 5, "{:?}", config.faults());
        assert!(config.plan().is_err());
    }

    #[test]
    fn class_heads_end_in_probabilities() {
        let mut config = net(8, 2.0, 8, 2, Upsampling::Bilinear);
        config.heads.push(HeadSpec::new(HeadKind::ClassMaps, "class_maps", 3, 8));
        config.heads.push(HeadSpec { hidden: vec![5, 6], ..HeadSpec::new(HeadKind::ClassVectors, "class_vectors", 4, 8) });
        let plan = config.plan().unwrap();
        let of = |head: usize| &plan.nodes[plan.outputs[head]];
        assert!(matches!(of(1).op, Op::Sigmoid { .. }) && matches!(of(2).op, Op::Softmax { .. }));
        assert_eq!((of(1).stride_px, of(2).stride_px, of(2).name.as_str()), (8, 0, "class_vectors"));
        let dense: Vec<_> = plan.params.iter().skip_while(|p| p.name != "class_vectors_fc0").collect();
        let shapes: Vec<_> = dense.iter().map(|p| (p.channels_in, p.channels_out, p.relu)).collect();
        assert_eq!(shapes, [(64, 5, true), (5, 6, true), (6, 4, false)], "from the deepest map of 8 * 2^3 channels");
        config.heads[0].hidden = vec![3];
        assert!(config.plan().is_err());
    }

    #[test]
    fn skip_comes_before_upsampled() {
        let plan = net(8, 2.0, 8, 4, Upsampling::Bilinear).plan().unwrap();
        let concat = plan.nodes.iter().find(|n| matches!(n.op, Op::Concat { .. })).unwrap();
        let Op::Concat { first, second } = concat.op else { unreachable!() };
        assert!(plan.nodes[first].name.contains("enc") && matches!(plan.nodes[second].op, Op::Upsample { .. }));
    }

    use crate::model::plan::Op;
}
