//! Weights of another network, taken over by name and shape.

use super::PoseNet;
use crate::error::Result;
use std::collections::BTreeMap;
use std::fmt;

/// Weights and bias of one layer of another network.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SourceLayer {
    /// Shape of the weights, as in [`crate::model::ParamShape::weight_dims`].
    pub dims: Vec<usize>,
    /// The weights.
    pub weight: Vec<f32>,
    /// One number per output channel.
    pub bias: Vec<f32>,
}

/// What came over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TransferReport {
    /// Layers taken.
    pub taken: Vec<String>,
    /// Layers that the other network has in another shape; they keep their fresh weights.
    pub reshaped: Vec<String>,
    /// Layers that the other network does not have; they keep their fresh weights.
    pub missing: Vec<String>,
    /// Layers of the other network that have no place here.
    pub unused: Vec<String>,
}

impl fmt::Display for TransferReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layers = self.taken.len() + self.reshaped.len() + self.missing.len();
        write!(f, "{} of {layers} layers taken over", self.taken.len())?;
        for (what, names) in [("of another shape", &self.reshaped), ("not there", &self.missing), ("not used", &self.unused)] {
            if !names.is_empty() {
                write!(f, "; {what}: {}", names.join(", "))?;
            }
        }
        Ok(())
    }
}

/// Puts the layers that have the same name and shape into `net`. Layers whose numbers do not fill their shape count as of another
/// shape.
///
/// # Errors
/// When the device fails.
pub fn take_over(net: &mut PoseNet, source: &BTreeMap<String, SourceLayer>) -> Result<TransferReport> {
    let mut report = TransferReport::default();
    let mut flat = net.to_flat()?;
    let mut at = 0;
    for shape in &net.plan().params {
        let (weights, channels) = (shape.weight_len(), shape.channels_out);
        match source.get(&shape.name) {
            Some(layer) if layer.dims == shape.weight_dims() && (layer.weight.len(), layer.bias.len()) == (weights, channels) => {
                flat[at..at + weights].copy_from_slice(&layer.weight);
                flat[at + weights..at + weights + channels].copy_from_slice(&layer.bias);
                report.taken.push(shape.name.clone());
            }
            Some(_) => report.reshaped.push(shape.name.clone()),
            None => report.missing.push(shape.name.clone()),
        }
        at += weights + channels;
    }
    let known = |name: &&String| !net.plan().params.iter().any(|p| p.name == **name);
    report.unused = source.keys().filter(known).cloned().collect();
    net.set_flat(&flat)?;
    Ok(report)
}

/// A network's layers by name, for a network of another configuration. `flat` is in the order of [`PoseNet::to_flat`].
pub fn layers_by_name(net: &PoseNet, flat: &[f32]) -> BTreeMap<String, SourceLayer> {
    let mut rest = flat;
    let mut take = |len: usize| {
        let (head, tail) = rest.split_at(len.min(rest.len()));
        rest = tail;
        head.to_vec()
    };
    let params = net.plan().params.iter();
    params
        .map(|p| {
            let (weight, bias) = (take(p.weight_len()), take(p.channels_out));
            (p.name.clone(), SourceLayer { dims: p.weight_dims().to_vec(), weight, bias })
        })
        .collect()
}

/// Whether a layer belongs to the encoder: stem, down blocks and middle block.
pub fn is_encoder_layer(name: &str) -> bool {
    // `stack0_` is SLEAP's; the compact backbone has `enc` alone.
    name.starts_with("stem") || name.starts_with("stack0_enc") || name.starts_with("enc")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CompactConfig, HeadSpec, PoseNetConfig, UnetConfig};
    use burn::tensor::Device;
    use dormouse::config::HeadKind;

    fn net(parts: usize, max_stride: usize, seed: u64) -> PoseNet {
        let heads = vec![HeadSpec::new(HeadKind::ConfidenceMaps, "confmaps", parts, 2)];
        let unet = UnetConfig { filters: 4, max_stride, ..UnetConfig::default() };
        PoseNetConfig { in_channels: 1, backbone: unet.into(), heads }.init(seed, &Device::default()).unwrap()
    }

    #[test]
    fn what_fits_comes_over_and_the_rest_is_told() {
        let (source, mut target) = (net(3, 8, 1), net(5, 8, 2));
        let before = layers_by_name(&target, &target.to_flat().unwrap());
        let layers = layers_by_name(&source, &source.to_flat().unwrap());
        let report = take_over(&mut target, &layers).unwrap();
        assert_eq!(
            (report.reshaped.as_slice(), report.missing.len(), report.unused.len()),
            (["confmaps".to_string()].as_slice(), 0, 0)
        );
        let after = layers_by_name(&target, &target.to_flat().unwrap());
        for (name, layer) in &after {
            let expected = if name == "confmaps" { &before[name] } else { &layers[name] };
            assert_eq!(layer, expected, "{name}");
        }
        assert!(report.to_string().starts_with(&format!("{} of {} layers", after.len() - 1, after.len())), "{report}");
    }

    #[test]
    fn a_deeper_network_keeps_its_own_depth() {
        let (source, mut target) = (net(3, 4, 1), net(3, 8, 2));
        let mut layers = layers_by_name(&source, &source.to_flat().unwrap());
        layers.insert("elsewhere".into(), SourceLayer::default());
        let first = "stack0_enc0_conv0";
        layers.get_mut(first).unwrap().bias.pop();
        let report = take_over(&mut target, &layers).unwrap();
        assert!(report.reshaped.contains(&first.to_string()) && report.unused.contains(&"elsewhere".into()), "{report:?}");
        assert!(!report.missing.is_empty() && !report.taken.is_empty(), "{report:?}");
    }

    #[test]
    fn the_encoder_is_what_stands_before_the_decoder() {
        let plan = net(3, 8, 1).plan().clone();
        let encoder: Vec<&str> = plan.params.iter().map(|p| p.name.as_str()).filter(|n| is_encoder_layer(n)).collect();
        // Three blocks and the middle one, two convolutions each.
        assert_eq!(encoder.len(), 8, "{encoder:?}");
        assert!(encoder.iter().all(|name| !name.contains("dec") && *name != "confmaps"));

        let compact = CompactConfig { max_stride: 8, ..CompactConfig::default() };
        let heads = vec![HeadSpec::new(HeadKind::ConfidenceMaps, "confmaps", 3, 2)];
        let plan = PoseNetConfig { in_channels: 1, backbone: compact.into(), heads }.plan().unwrap();
        let (encoder, rest): (Vec<&str>, Vec<&str>) =
            plan.params.iter().map(|p| p.name.as_str()).partition(|name| is_encoder_layer(name));
        // The stem, and three levels of two units of two convolutions.
        assert_eq!(encoder.len(), 13, "{encoder:?}");
        assert!(rest.iter().all(|name| name.starts_with("dec") || *name == "confmaps"), "{rest:?}");
    }
}
