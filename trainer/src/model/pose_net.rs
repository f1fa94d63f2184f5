//! Weights on a device and the forward pass with burn's operations.

use super::init::Init;
use super::network::PoseNetConfig;
use super::plan::{Filter, Op, Plan};
use super::upsample::{bilinear_x2, nearest_x2};
use crate::error::{Error, Result};
use burn::tensor::activation::{relu, sigmoid, softmax};
use burn::tensor::module::{conv_transpose2d, conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, ConvTransposeOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Weights of one convolution.
#[derive(Debug, Clone)]
pub struct Layer {
    /// `[out, in / groups, k, k]`, or `[in, out, k, k]` for a transposed convolution.
    pub weight: Tensor<4>,
    /// `[out]`.
    pub bias: Tensor<1>,
}

/// A network with its weights.
#[derive(Debug, Clone)]
pub struct PoseNet {
    config: PoseNetConfig,
    plan: Plan,
    layers: Vec<Layer>,
    device: Device,
}

impl PoseNetConfig {
    /// A network with fresh weights. The same seed gives the same weights on every device.
    ///
    /// # Errors
    /// [`Error::Config`] with every fault of the configuration.
    pub fn init(&self, seed: u64, device: &Device) -> Result<PoseNet> {
        self.init_with(Init::Glorot, seed, device)
    }

    /// As [`Self::init`], with first weights from another distribution.
    ///
    /// # Errors
    /// As [`Self::init`].
    pub fn init_with(&self, init: Init, seed: u64, device: &Device) -> Result<PoseNet> {
        let plan = self.plan()?;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut flat = Vec::new();
        for shape in &plan.params {
            flat.extend(init.weights(shape, &mut rng));
            flat.resize(flat.len() + shape.channels_out, 0.0);
        }
        self.with_weights(&flat, device)
    }

    /// A network with given weights: per convolution the weights, then the bias, in plan order.
    ///
    /// # Errors
    /// [`Error::Config`] for the configuration, [`Error::Train`] when the number of weights is another.
    pub fn with_weights(&self, flat: &[f32], device: &Device) -> Result<PoseNet> {
        let plan = self.plan()?;
        let device = device.clone().without_autodiff();
        let layers = layers_from_flat(&plan, flat, &device)?;
        Ok(PoseNet { config: self.clone(), plan, layers, device })
    }
}

fn layers_from_flat(plan: &Plan, flat: &[f32], device: &Device) -> Result<Vec<Layer>> {
    let expected = super::cost::parameter_count(plan);
    if flat.len() != expected {
        return Err(Error::Train(format!("the network has {expected} parameters, {} were given", flat.len())));
    }
    let mut rest = flat;
    let mut take = |n: usize| {
        let (head, tail) = rest.split_at(n);
        rest = tail;
        head.to_vec()
    };
    let layer = |shape: &super::plan::ParamShape| Layer {
        weight: Tensor::from_data(TensorData::new(take(shape.weight_len()), shape.weight_dims()), device),
        bias: Tensor::from_data(TensorData::new(take(shape.channels_out), [shape.channels_out]), device),
    };
    Ok(plan.params.iter().map(layer).collect())
}

/// The numbers of a tensor.
///
/// # Errors
/// [`Error::Train`] when the device fails or the numbers are not 32-bit floats.
pub fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    let data = tensor.try_into_data().map_err(|e| Error::Train(format!("the device failed: {e}")))?;
    data.try_into_vec::<f32>().map_err(|e| Error::Train(format!("the device returned other numbers than f32: {e}")))
}

impl PoseNet {
    /// The configuration it was built from.
    pub fn config(&self) -> &PoseNetConfig {
        &self.config
    }

    /// The steps.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The weights, in plan order.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The device of the weights, without gradients.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// All parameters: per convolution the weights, then the bias, in plan order.
    ///
    /// # Errors
    /// [`Error::Train`] when the device fails.
    pub fn to_flat(&self) -> Result<Vec<f32>> {
        let mut flat = Vec::with_capacity(super::cost::parameter_count(&self.plan));
        for layer in &self.layers {
            flat.extend(read(layer.weight.clone())?);
            flat.extend(read(layer.bias.clone())?);
        }
        Ok(flat)
    }

    /// Replaces all parameters; order as in [`Self::to_flat`].
    ///
    /// # Errors
    /// [`Error::Train`] when their number is another.
    pub fn set_flat(&mut self, flat: &[f32]) -> Result<()> {
        self.layers = layers_from_flat(&self.plan, flat, &self.device)?;
        Ok(())
    }

    /// Replaces the weights; order and shapes must be those of [`Self::layers`].
    pub(crate) fn set_layers(&mut self, layers: Vec<Layer>) {
        debug_assert_eq!(layers.len(), self.layers.len(), "one layer per convolution");
        self.layers = layers;
    }

    /// The outputs, in head order, for images `[batch, channels, height, width]` in 0..1 whose sides are multiples of the
    /// max stride. Each output is `[batch, head channels, height / stride, width / stride]`; class vectors have 1x1 cells.
    pub fn forward(&self, images: Tensor<4>) -> Vec<Tensor<4>> {
        self.forward_with(&self.layers, images)
    }

    /// The forward pass with other weights of the same shapes, for example ones that track gradients.
    pub fn forward_with(&self, layers: &[Layer], images: Tensor<4>) -> Vec<Tensor<4>> {
        let mut values: Vec<Tensor<4>> = Vec::with_capacity(self.plan.nodes.len());
        for node in &self.plan.nodes {
            let value = before_relu(node.op, layers, &images, &values);
            values.push(if node.op.has_relu() { relu(value) } else { value });
        }
        self.plan.outputs.iter().map(|&n| values[n].clone()).collect()
    }
}

/// The result of one step before its ReLU, if it has one.
pub(super) fn before_relu(op: Op, layers: &[Layer], images: &Tensor<4>, values: &[Tensor<4>]) -> Tensor<4> {
    match op {
        Op::Input => images.clone(),
        Op::Conv { input, param, .. } => {
            let pad = layers[param].weight.dims()[2] / 2;
            conv(values[input].clone(), &layers[param], pad)
        }
        Op::Transposed { input, param } => transposed(values[input].clone(), &layers[param]),
        Op::MaxPool { input } => max_pool2d(values[input].clone(), MaxPoolOptions::new([2, 2])),
        Op::Upsample { input, filter: Filter::Bilinear } => bilinear_x2(values[input].clone()),
        Op::Upsample { input, filter: Filter::Nearest } => nearest_x2(values[input].clone()),
        Op::Add { first, second } => values[first].clone() + values[second].clone(),
        Op::Concat { first, second } => Tensor::cat(vec![values[first].clone(), values[second].clone()], 1),
        Op::GlobalMax { input } => values[input].clone().max_dim(3).max_dim(2),
        Op::Sigmoid { input } => sigmoid(values[input].clone()),
        Op::Softmax { input } => softmax(values[input].clone(), 1),
    }
}

fn conv(x: Tensor<4>, layer: &Layer, pad: usize) -> Tensor<4> {
    let groups = x.dims()[1] / layer.weight.dims()[1];
    let options = ConvOptions::new([1, 1], [pad, pad], [1, 1], groups);
    conv2d(x, layer.weight.clone(), Some(layer.bias.clone()), options)
}

fn transposed(x: Tensor<4>, layer: &Layer) -> Tensor<4> {
    let [_, _, h, w] = x.dims();
    let options = ConvTransposeOptions::new([2, 2], [0, 0], [0, 0], [1, 1], 1);
    let y = conv_transpose2d(x, layer.weight.clone(), Some(layer.bias.clone()), options);
    // The full result has sides of 2n + 1; Keras cuts the end.
    y.narrow(2, 0, 2 * h).narrow(3, 0, 2 * w)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Backbone, CompactConfig, HeadSpec, Skip, UnetConfig, Upsampling};
    use dormouse::config::HeadKind;

    fn head(name: &str, channels: usize, stride_px: usize) -> HeadSpec {
        HeadSpec::new(HeadKind::ConfidenceMaps, name, channels, stride_px)
    }

    #[test]
    fn output_shapes_follow_the_heads() {
        let unet = UnetConfig { filters: 4, max_stride: 8, ..UnetConfig::default() };
        let compact = CompactConfig { filters: 4, max_stride: 8, convs_per_block: 1, ..CompactConfig::default() };
        let backbones: [Backbone; 7] = [
            unet.clone().into(),
            UnetConfig { upsampling: Upsampling::Transposed, ..unet.clone() }.into(),
            UnetConfig { upsampling: Upsampling::Nearest, ..unet.clone() }.into(),
            UnetConfig { filters: 3, filters_rate: 1.5, middle_block: false, ..unet.clone() }.into(),
            UnetConfig { stem_stride: Some(4), convs_per_block: 1, ..unet }.into(),
            compact.clone().into(),
            CompactConfig { skip: Skip::Add, upsampling: Upsampling::Nearest, expansion: 2, kernel: 5, ..compact }.into(),
        ];
        for backbone in backbones {
            for strides in [[1, 4], [2, 8], [8, 4]] {
                let heads = vec![head("a", 3, strides[0]), head("b", 5, strides[1])];
                let config = PoseNetConfig { in_channels: 3, backbone: backbone.clone(), heads };
                let device = Device::default();
                let net = config.init(1, &device).unwrap();
                let out = net.forward(Tensor::ones([2, 3, 16, 24], &device));
                assert_eq!(out[0].dims(), [2, 3, 16 / strides[0], 24 / strides[0]]);
                assert_eq!(out[1].dims(), [2, 5, 16 / strides[1], 24 / strides[1]]);
            }
        }
    }

    #[test]
    fn transposed_convolution_is_kerases() {
        // Keras `same`: y[2j + k] += x[j] w[k], cut to 2n.
        let device = Device::default();
        let x = Tensor::<4>::from_data(TensorData::new(vec![1.0f32, 10.0], [1, 1, 1, 2]), &device);
        let kernel: Vec<f32> = vec![1., 2., 3., 0., 0., 0., 0., 0., 0.];
        let layer = Layer {
            weight: Tensor::from_data(TensorData::new(kernel, [1, 1, 3, 3]), &device),
            bias: Tensor::zeros([1], &device),
        };
        let y = read(transposed(x, &layer)).unwrap();
        assert_eq!(y, [1., 2., 13., 20., 0., 0., 0., 0.]);
    }

    #[test]
    fn flat_weights_round_trip() {
        let unet = UnetConfig { filters: 4, max_stride: 4, ..UnetConfig::default() };
        let config = PoseNetConfig { in_channels: 1, backbone: unet.into(), heads: vec![head("a", 2, 2)] };
        let mut net = config.init(3, &Device::default()).unwrap();
        let flat = net.to_flat().unwrap();
        assert!(net.set_flat(&flat[1..]).is_err());
        net.set_flat(&flat).unwrap();
        assert_eq!(net.to_flat().unwrap(), flat);
        assert_ne!(config.init(4, &Device::default()).unwrap().to_flat().unwrap(), flat);
    }
}
