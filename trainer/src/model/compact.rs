//! A backbone for small devices: depthwise-separable convolutions with shortcuts, and as few dense products as possible.
//!
//! A dense 3x3 convolution of C to C channels takes 9 C^2 products per cell. Taken apart into one k x k kernel per channel and a
//! 1x1 convolution (Howard et al. 2017, "MobileNets") it takes k^2 C + C^2, which for 32 channels and k = 3 is a seventh. The layers:
//!
//! - **Stem**, at full resolution: one dense 3x3 convolution, because an image of one channel leaves nothing to take apart.
//! - **Encoder**: a maximum over 2x2 cells, then units, once per doubling of the stride down to `max_stride`.
//! - **Decoder**: a linear 1x1 convolution to the channels of the next finer level, doubled in size, and added to (or put beside)
//!   what the encoder has there; then units again. Reducing before doubling takes a quarter of the products of the reverse order.
//!
//! A *unit* is a linear depthwise convolution, then a 1x1 convolution with ReLU; with `expansion` e > 1 a second, linear 1x1
//! convolution brings e times as many channels back (Sandler et al. 2018, "MobileNetV2", with the depthwise step at the narrow
//! end as in Liu et al. 2022, "A ConvNet for the 2020s"). Where a unit keeps the number of channels its input is added to its
//! result. There is no normalisation; [`super::fit_to_images`] does its work at the start. Channels are multiples of 8, the
//! smallest vector of the CPU engine.

use super::backbone::{MAX_CHANNELS, Upsampling, max_stride_fault, width_faults};
use super::plan::{Filter, Plan, Role};
use serde::{Deserialize, Serialize};

/// Channels come in multiples of this.
const CHANNEL_STEP: usize = 8;
/// Largest factor of `expansion`.
const MAX_EXPANSION: usize = 6;

/// How the decoder joins a map with the encoder's of the same stride.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Skip {
    /// Their sum: no more channels, the cheaper way.
    Add,
    /// Side by side: twice the channels for the first unit of the level. More accurate for the same products (CHANGELOG has figures).
    #[default]
    Concat,
}

/// A backbone of depthwise-separable convolutions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CompactConfig {
    /// Channels of the stem.
    pub filters: usize,
    /// Factor from one level to the next; level `e` has filters * rate^e channels, rounded to a multiple of 8.
    pub filters_rate: f64,
    /// Stride of the deepest map in input pixels; a power of two.
    pub max_stride: usize,
    /// Units per level.
    pub convs_per_block: usize,
    /// Side of the depthwise kernels: 3 or 5.
    pub kernel: usize,
    /// Factor on the channels inside a unit, 1 to 6; 1 for units without a second 1x1 convolution.
    pub expansion: usize,
    /// How encoder and decoder are joined.
    pub skip: Skip,
    /// How the decoder doubles its maps: bilinear or nearest.
    pub upsampling: Upsampling,
}

impl Default for CompactConfig {
    fn default() -> Self {
        Self {
            filters: 16,
            filters_rate: 2.0,
            max_stride: 16,
            convs_per_block: 2,
            kernel: 3,
            expansion: 1,
            skip: Skip::Concat,
            upsampling: Upsampling::Bilinear,
        }
    }
}

impl CompactConfig {
    /// Channels of level `exponent`: filters * rate^exponent to the nearest multiple of 8, at least 8.
    pub fn level_channels(&self, exponent: usize) -> usize {
        let wanted = self.filters as f64 * self.filters_rate.powi(exponent as i32);
        // In range: `faults` limits the factors, and the cast saturates.
        ((wanted / CHANNEL_STEP as f64).round() as usize).max(1) * CHANNEL_STEP
    }

    /// All faults, as sentences that start with the field's name.
    pub fn faults(&self) -> Vec<String> {
        let mut faults: Vec<String> = max_stride_fault(self.max_stride).into_iter().collect();
        faults.extend(width_faults(self.filters, self.filters_rate, self.convs_per_block));
        if !matches!(self.kernel, 3 | 5) {
            faults.push(format!("compact.kernel is {}; it must be 3 or 5", self.kernel));
        }
        if !(1..=MAX_EXPANSION).contains(&self.expansion) {
            faults.push(format!("compact.expansion is {}; it must be 1 to {MAX_EXPANSION}", self.expansion));
        }
        if self.upsampling == Upsampling::Transposed {
            faults.push("upsampling is transposed; the compact backbone has bilinear and nearest".into());
        }
        if faults.is_empty() {
            let widest = self.level_channels(self.max_stride.ilog2() as usize) * self.expansion;
            if widest > MAX_CHANNELS {
                faults.push(format!(
                    "filters, filters_rate and compact.expansion give {widest} channels; at most {MAX_CHANNELS} are supported"
                ));
            }
        }
        faults
    }

    /// Appends the layers, as far up as the `finest` stride that a head asks for. Returns one node per stride, deepest first.
    pub(super) fn add_to(&self, plan: &mut Plan, finest: usize) -> Vec<usize> {
        let depth = self.max_stride.ilog2() as usize;
        let mut node = plan.conv("stem_conv".into(), 0, self.level_channels(0), 3, Role::Relu);
        let mut skips = vec![node];
        for level in 1..=depth {
            node = plan.max_pool(format!("enc{level}_pool"), node);
            node = self.units(plan, &format!("enc{level}"), node, self.level_channels(level));
            skips.push(node);
        }
        let mut levels = vec![node];
        for level in (0..depth).rev() {
            let stride = plan.nodes[node].stride_px;
            if stride <= finest {
                break;
            }
            let name = format!("dec{level}_s{stride}_to_s{}", stride / 2);
            node = self.rise(plan, &name, node, skips[level]);
            node = self.units(plan, &name, node, self.level_channels(level));
            levels.push(node);
        }
        levels
    }

    /// Doubles the map at `node` and joins it with `skip`.
    fn rise(&self, plan: &mut Plan, name: &str, node: usize, skip: usize) -> usize {
        let channels = plan.nodes[skip].channels;
        let reduced = plan.conv(format!("{name}_reduce"), node, channels, 1, Role::Linear);
        let (how, filter) = match self.upsampling {
            Upsampling::Nearest => ("nearest", Filter::Nearest),
            _ => ("bilinear", Filter::Bilinear),
        };
        let doubled = plan.upsample(format!("{name}_interp_{how}"), reduced, filter);
        match self.skip {
            Skip::Add => plan.add(format!("{name}_skip_add"), skip, doubled),
            Skip::Concat => plan.concat(format!("{name}_skip_concat"), skip, doubled),
        }
    }

    fn units(&self, plan: &mut Plan, name: &str, input: usize, channels: usize) -> usize {
        (0..self.convs_per_block).fold(input, |node, i| self.unit(plan, &format!("{name}_unit{i}"), node, channels))
    }

    fn unit(&self, plan: &mut Plan, name: &str, input: usize, channels: usize) -> usize {
        let spread = plan.depthwise(format!("{name}_depthwise"), input, self.kernel, Role::Linear);
        let mixed = if self.expansion == 1 {
            plan.conv(format!("{name}_pointwise"), spread, channels, 1, Role::Relu)
        } else {
            let wide = plan.conv(format!("{name}_expand"), spread, channels * self.expansion, 1, Role::Relu);
            plan.conv(format!("{name}_project"), wide, channels, 1, Role::Linear)
        };
        if plan.nodes[input].channels == channels { plan.add(format!("{name}_add"), input, mixed) } else { mixed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::Op;
    use crate::model::{Backbone, HeadSpec, PoseNetConfig, UnetConfig, forward_flops, parameter_count};
    use dormouse::config::HeadKind;

    fn plan(backbone: impl Into<Backbone>, strides: &[usize]) -> Plan {
        let head = |stride: &usize| HeadSpec::new(HeadKind::ConfidenceMaps, &format!("maps{stride}"), 1, *stride);
        let heads = strides.iter().map(head).collect();
        PoseNetConfig { in_channels: 1, backbone: backbone.into(), heads }.plan().unwrap()
    }

    #[test]
    fn hand_counted() {
        // Channels 8, 16: stem 3x3, one unit down, reduce, one unit up, head.
        let config = CompactConfig {
            filters: 8,
            max_stride: 2,
            convs_per_block: 1,
            kernel: 5,
            skip: Skip::Add,
            ..CompactConfig::default()
        };
        let layers = plan(config.clone(), &[1]);
        let (stem, down, reduce) = (9 * 8 + 8, (25 * 8 + 8) + (8 * 16 + 16), 16 * 8 + 8);
        let up = (25 * 8 + 8) + (8 * 8 + 8);
        assert_eq!(parameter_count(&layers), stem + down + reduce + up + 8 + 1);
        // A frame of 4 x 4: 16 cells at stride 1, 4 at stride 2.
        let products = 9 * 8 * 16 + (25 * 8 + 8 * 16) * 4 + 16 * 8 * 4 + (25 * 8 + 8 * 8 + 8) * 16;
        assert_eq!(forward_flops(&layers, 4, 4), 2 * products as u64);
        let wide = plan(CompactConfig { expansion: 3, skip: Skip::Concat, ..config }, &[1]);
        let down = (25 * 8 + 8) + (8 * 48 + 48) + (48 * 16 + 16);
        let up = (25 * 16 + 16) + (16 * 24 + 24) + (24 * 8 + 8);
        assert_eq!(parameter_count(&wide), stem + down + reduce + up + 8 + 1);
    }

    #[test]
    fn channels_are_multiples_of_8_and_every_stride_has_a_map() {
        for (filters, rate) in [(1, 1.0), (16, 1.75), (21, 1.5), (24, 2.0)] {
            let config = CompactConfig { filters, filters_rate: rate, max_stride: 32, ..CompactConfig::default() };
            let plan = plan(config, &[1, 2, 4, 8, 16, 32]);
            assert_eq!(plan.outputs.iter().map(|&n| plan.nodes[n].stride_px).collect::<Vec<_>>(), [1, 2, 4, 8, 16, 32]);
            let inside = plan.params.iter().filter(|p| p.role != Role::Head);
            assert!(inside.clone().count() > 30 && inside.clone().all(|p| p.channels_out % 8 == 0), "{filters} x {rate}");
        }
    }

    #[test]
    fn shortcuts_join_maps_of_the_same_shape() {
        for (skip, expansion) in [(Skip::Add, 1), (Skip::Concat, 2)] {
            let plan = plan(CompactConfig { skip, expansion, ..CompactConfig::default() }, &[2]);
            let shape = |n: usize| (plan.nodes[n].channels, plan.nodes[n].stride_px);
            let mut sums = 0;
            for node in &plan.nodes {
                if let Op::Add { first, second } = node.op {
                    assert_eq!(shape(first), shape(second), "{}", node.name);
                    sums += 1;
                }
            }
            // Seven levels, each with a unit that keeps its channels; three skips, whose first units keep them, too.
            assert_eq!(sums, if skip == Skip::Add { 7 + 3 + 3 } else { 7 });
        }
    }

    #[test]
    fn a_quarter_of_the_unets_products_at_the_same_widths() {
        for (filters, rate, max_stride) in [(16, 1.5, 16), (16, 2.0, 16), (24, 1.5, 32), (32, 1.5, 32)] {
            let unet = UnetConfig { filters, filters_rate: rate, max_stride, ..UnetConfig::default() };
            let compact = CompactConfig { filters, filters_rate: rate, max_stride, ..CompactConfig::default() };
            let flops = |backbone: Backbone| forward_flops(&plan(backbone, &[2, 4]), 128, 128) as f64;
            let share = flops(compact.into()) / flops(unet.into());
            println!("{filters} x {rate}, max stride {max_stride}: {share:.3}");
            assert!(share < 0.25, "{share}");
        }
    }
}
