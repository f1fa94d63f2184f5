//! First weights fitted to the images that the network will see.

use super::PoseNet;
use super::plan::{Op, Role};
use super::pose_net::{Layer, before_relu, read};
use crate::error::Result;
use burn::tensor::{Tensor, TensorData, activation::relu};

/// Channels that vary less than this over the images stay as they are: they carry no signal that could be scaled.
const STEADY: f64 = 1e-5;

/// Scales and shifts every convolution inside the network, one after the other from the image to the heads, so that over the
/// given images each of its channels has mean 0 and variance 1, before its ReLU if it has one (Krahenbuhl et al. 2016, "Data-dependent
/// Initializations of Convolutional Neural Networks"). It does at the start what batch normalisation does all the time, and
/// leaves nothing behind at inference. Heads are not touched.
///
/// `images` is `[batch, channels, height, width]` with values 0 to 1 and sides in multiples of the max stride.
///
/// # Errors
/// [`crate::Error::Train`] when the device fails.
pub fn fit_to_images(net: &mut PoseNet, images: &Tensor<4>) -> Result<()> {
    let plan = net.plan().clone();
    let mut layers = net.layers().to_vec();
    let mut values: Vec<Tensor<4>> = Vec::with_capacity(plan.nodes.len());
    for node in &plan.nodes {
        let mut value = before_relu(node.op, &layers, images, &values);
        if let Op::Conv { param, .. } | Op::Transposed { param, .. } = node.op
            && plan.params[param].role != Role::Head
        {
            let moments = moments(value.clone())?;
            layers[param] = adjusted(&layers[param], &moments, matches!(node.op, Op::Transposed { .. }));
            value = before_relu(node.op, &layers, images, &values);
        }
        values.push(if node.op.has_relu() { relu(value) } else { value });
    }
    net.set_layers(layers);
    Ok(())
}

/// Mean and standard deviation of every channel.
fn moments(value: Tensor<4>) -> Result<Vec<(f64, f64)>> {
    let [batch, channels, height, width] = value.dims();
    let numbers = read(value)?;
    let (cells, count) = (height * width, (batch * height * width).max(1) as f64);
    let channel = |c: usize| {
        let all = || (0..batch).flat_map(|b| &numbers[(b * channels + c) * cells..][..cells]).map(|&v| f64::from(v));
        let mean = all().sum::<f64>() / count;
        (mean, (all().map(|v| (v - mean).powi(2)).sum::<f64>() / count).sqrt())
    };
    Ok((0..channels).map(channel).collect())
}

/// The layer with outputs `(y - mean) / deviation`.
fn adjusted(layer: &Layer, moments: &[(f64, f64)], transposed: bool) -> Layer {
    let gain = |&(_, deviation): &(f64, f64)| if deviation > STEADY { 1.0 / deviation } else { 1.0 };
    let gains: Vec<f32> = moments.iter().map(|m| gain(m) as f32).collect();
    let shifts: Vec<f32> = moments.iter().map(|m| if m.1 > STEADY { -m.0 as f32 } else { 0.0 }).collect();
    let (device, channels) = (layer.bias.device(), moments.len());
    let vector = |numbers: Vec<f32>| Tensor::<1>::from_data(TensorData::new(numbers, [channels]), &device);
    let (gains, shifts) = (vector(gains), vector(shifts));
    let out_axis = if transposed { [1, channels, 1, 1] } else { [channels, 1, 1, 1] };
    Layer { weight: layer.weight.clone() * gains.clone().reshape(out_axis), bias: (layer.bias.clone() + shifts) * gains }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Init;
    use crate::model::{Backbone, CompactConfig, HeadSpec, PoseNetConfig, UnetConfig, Upsampling};
    use burn::tensor::Device;
    use dormouse::config::HeadKind;

    #[test]
    fn every_channel_has_mean_0_and_variance_1() {
        let device = Device::default();
        let unet = UnetConfig { filters: 6, filters_rate: 1.5, max_stride: 8, ..UnetConfig::default() };
        let compact = CompactConfig { filters: 8, filters_rate: 1.5, max_stride: 8, expansion: 2, ..CompactConfig::default() };
        let backbones: [Backbone; 3] =
            [unet.clone().into(), UnetConfig { upsampling: Upsampling::Transposed, ..unet }.into(), compact.into()];
        for backbone in backbones {
            let head = HeadSpec::new(HeadKind::ConfidenceMaps, "a", 2, 2);
            let mut net =
                PoseNetConfig { in_channels: 1, backbone, heads: vec![head] }.init_with(Init::Fitted, 5, &device).unwrap();
            let pixels: Vec<f32> = (0..2 * 32 * 24).map(|i| 0.6 + 0.3 * ((i * i) as f32 * 0.37).sin()).collect();
            let images = Tensor::<4>::from_data(TensorData::new(pixels, [2, 1, 32, 24]), &device);
            let heads_before = read(net.layers().last().unwrap().weight.clone()).unwrap();
            fit_to_images(&mut net, &images).unwrap();
            let (plan, layers) = (net.plan().clone(), net.layers().to_vec());
            let mut values = Vec::new();
            let mut checked = 0;
            for node in &plan.nodes {
                let value = before_relu(node.op, &layers, &images, &values);
                let param = match node.op {
                    Op::Conv { param, .. } | Op::Transposed { param, .. } => Some(&plan.params[param]),
                    _ => None,
                };
                if param.is_some_and(|p| p.role != Role::Head) {
                    for (mean, deviation) in moments(value.clone()).unwrap() {
                        assert!(mean.abs() < 1e-3 && (deviation - 1.0).abs() < 1e-3, "{}: {mean} {deviation}", node.name);
                    }
                    checked += 1;
                }
                values.push(if node.op.has_relu() { relu(value) } else { value });
            }
            assert!(checked > 8);
            assert_eq!(read(net.layers().last().unwrap().weight.clone()).unwrap(), heads_before);
        }
    }

    #[test]
    fn images_without_any_structure_leave_the_weights() {
        let device = Device::default();
        let head = HeadSpec::new(HeadKind::ConfidenceMaps, "a", 1, 2);
        let unet = UnetConfig { filters: 4, max_stride: 4, ..UnetConfig::default() };
        let mut net = PoseNetConfig { in_channels: 1, backbone: unet.into(), heads: vec![head] }.init(5, &device).unwrap();
        let before = net.to_flat().unwrap();
        fit_to_images(&mut net, &Tensor::zeros([1, 1, 16, 16], &device)).unwrap();
        assert_eq!(net.to_flat().unwrap(), before);
    }
}
