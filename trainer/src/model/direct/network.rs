//! The whole network: forward pass, loss and gradients.

use super::map::Map;
use super::sums::{self, add};
use super::{activation, conv, cross_entropy, depthwise, loss, nearest, pool, transposed, upsample};
use crate::error::{Error, Result};
use crate::model::hard_keypoints::HardKeypoints;
use crate::model::plan::{Filter, Op, ParamShape, Plan};

/// Loss per head and gradient of the weighted sum.
#[derive(Debug, Clone, PartialEq)]
pub struct LossGradients {
    /// Loss per head, without its weight.
    pub losses: Vec<f64>,
    /// Gradient per parameter, in the order of [`crate::model::PoseNet::to_flat`].
    pub flat: Vec<f32>,
}

/// A plan with weights in plain memory.
pub struct DirectNet<'a> {
    plan: &'a Plan,
    flat: &'a [f32],
    /// Start of each convolution's weights in `flat`.
    starts: Vec<usize>,
    hard_keypoints: HardKeypoints,
}

impl<'a> DirectNet<'a> {
    /// Borrows a plan and its parameters (weights, then bias, per convolution).
    ///
    /// # Errors
    /// [`Error::Train`] when the number of parameters is another.
    pub fn new(plan: &'a Plan, flat: &'a [f32]) -> Result<Self> {
        let mut starts = Vec::with_capacity(plan.params.len());
        let mut at = 0;
        for p in &plan.params {
            starts.push(at);
            at += p.weight_len() + p.channels_out;
        }
        if at != flat.len() {
            return Err(Error::Train(format!("the network has {at} parameters, {} were given", flat.len())));
        }
        Ok(Self { plan, flat, starts, hard_keypoints: HardKeypoints::default() })
    }

    /// With online hard keypoint mining, for heads that end in a convolution: the maps of parts and edges.
    pub fn with_hard_keypoints(self, hard_keypoints: HardKeypoints) -> Self {
        Self { hard_keypoints, ..self }
    }

    fn weight(&self, param: usize) -> &[f32] {
        let len = self.plan.params[param].weight_len();
        &self.flat[self.starts[param]..self.starts[param] + len]
    }

    fn bias(&self, param: usize) -> &[f32] {
        let p = &self.plan.params[param];
        let start = self.starts[param] + p.weight_len();
        &self.flat[start..start + p.channels_out]
    }

    /// The outputs, in head order, for images in `[channel][batch][row][column]` order.
    ///
    /// # Errors
    /// When burn's matrix product fails.
    pub fn forward(&self, images: Map) -> Result<Vec<Map>> {
        let (values, _) = self.all_values(images)?;
        let outputs = self.plan.outputs.iter().map(|&n| values[n].clone()).collect();
        values.into_iter().for_each(Map::recycle);
        Ok(outputs)
    }

    fn all_values(&self, images: Map) -> Result<(Vec<Map>, Vec<Vec<u8>>)> {
        let mut values: Vec<Map> = Vec::with_capacity(self.plan.nodes.len());
        let mut pooled_from = Vec::with_capacity(self.plan.nodes.len());
        let mut image = Some(images);
        for node in &self.plan.nodes {
            let mut from = Vec::new();
            let value = match node.op {
                Op::Input => image.take().unwrap_or_default(),
                Op::Conv { input, param, relu } => {
                    let (shape, weight, bias) = (&self.plan.params[param], self.weight(param), self.bias(param));
                    match is_depthwise(shape) {
                        true => depthwise::forward(&values[input], shape.kernel, weight, bias, relu),
                        false => conv::forward(&values[input], shape, weight, Some(bias), relu),
                    }
                }
                Op::Transposed { input, param } => {
                    transposed::forward(&values[input], &self.plan.params[param], self.weight(param), self.bias(param))?
                }
                Op::MaxPool { input } => {
                    let (y, source) = pool::forward(&values[input]);
                    from = source;
                    y
                }
                Op::Upsample { input, filter: Filter::Bilinear } => upsample::forward(&values[input]),
                Op::Upsample { input, filter: Filter::Nearest } => nearest::forward(&values[input]),
                Op::Concat { first, second } => sums::concat(&values[first], &values[second]),
                Op::Add { first, second } => sums::sum(&values[first], &values[second]),
                Op::GlobalMax { input } => activation::global_max(&values[input]),
                Op::Sigmoid { input } => activation::sigmoid(&values[input]),
                Op::Softmax { input } => activation::softmax(&values[input]),
            };
            values.push(value);
            pooled_from.push(from);
        }
        Ok((values, pooled_from))
    }

    /// Loss of every head against its target, and the gradient of the sum weighted with `weights`. A head that ends in a softmax
    /// has the cross-entropy as its loss, any other the mean squared error.
    ///
    /// # Errors
    /// [`Error::Train`] when a target's shape is not that of its head.
    pub fn loss_gradients(&self, images: Map, targets: &[Map], weights: &[f32]) -> Result<LossGradients> {
        let (values, pooled_from) = self.all_values(images)?;
        let mut gradients: Vec<Option<Map>> = vec![None; values.len()];
        let mut losses = Vec::with_capacity(targets.len());
        if targets.len() != self.plan.outputs.len() || weights.len() != targets.len() {
            return Err(Error::Train("one target and one weight per head are needed".into()));
        }
        for ((&node, target), &weight) in self.plan.outputs.iter().zip(targets).zip(weights) {
            let (loss, gradient) = self.loss(node, &values[node], target, weight)?;
            losses.push(loss);
            add(&mut gradients[node], gradient);
        }
        let mut flat = vec![0.0f32; self.flat.len()];
        for index in (0..values.len()).rev() {
            if let Some(gradient) = gradients[index].take() {
                self.backward(index, gradient, &values, &pooled_from[index], &mut gradients, &mut flat)?;
            }
        }
        values.into_iter().for_each(Map::recycle);
        Ok(LossGradients { losses, flat })
    }

    /// The loss of one head and its gradient, multiplied with the head's weight.
    fn loss(&self, node: usize, output: &Map, target: &Map, weight: f32) -> Result<(f64, Map)> {
        let shape = |m: &Map| [m.batch, m.channels, m.height, m.width];
        if shape(output) != shape(target) || output.data.is_empty() {
            return Err(Error::Train(format!("a head yields {:?} but its target is {:?}", shape(output), shape(target))));
        }
        Ok(match self.plan.nodes[node].op {
            Op::Softmax { .. } => {
                let loss = cross_entropy(&output.data, &target.data, output.batch);
                (loss, cross_entropy::cross_entropy_gradient(output, target, weight))
            }
            Op::Conv { .. } if self.hard_keypoints.enabled => loss::mined_error(output, target, weight, &self.hard_keypoints),
            _ => loss::mean_squared_error(output, target, weight),
        })
    }

    /// Passes the gradient of one node on to its inputs and parameters.
    fn backward(
        &self,
        index: usize,
        mut gradient: Map,
        values: &[Map],
        from: &[u8],
        gradients: &mut [Option<Map>],
        flat: &mut [f32],
    ) -> Result<()> {
        match self.plan.nodes[index].op {
            Op::Input => {}
            Op::Conv { input, param, relu } => {
                let (shape, weight) = (&self.plan.params[param], self.weight(param));
                let wants_input = self.plan.nodes[input].op != Op::Input;
                let (x, y) = (&values[input], relu.then_some(&values[index]));
                let result = match is_depthwise(shape) {
                    true => depthwise::backward(x, &gradient, y, shape.kernel, weight),
                    false => conv::backward(x, &gradient, y, shape, weight, wants_input),
                };
                self.store(param, &result.weight, &result.bias, flat);
                gradient.recycle();
                if let Some(gx) = result.input {
                    add(&mut gradients[input], gx);
                }
            }
            Op::Transposed { input, param } => {
                transposed::relu_gradient(&values[index], &mut gradient);
                let shape = &self.plan.params[param];
                let (gx, gw) = transposed::backward(&values[input], &gradient, shape, self.weight(param))?;
                self.store(param, &gw, &transposed::bias_gradient(&gradient), flat);
                add(&mut gradients[input], gx);
            }
            Op::MaxPool { input } => {
                let x = &values[input];
                let mut gx = gradients[input].take().unwrap_or_else(|| Map::zeros(x.channels, x.batch, x.height, x.width));
                pool::backward(&gradient, from, &mut gx);
                gradient.recycle();
                gradients[input] = Some(gx);
            }
            Op::Upsample { input, filter } => {
                let small = if filter == Filter::Nearest { nearest::backward(&gradient) } else { upsample::backward(&gradient) };
                add(&mut gradients[input], small);
                gradient.recycle();
            }
            Op::Add { first, second } => {
                add(&mut gradients[first], sums::copied(&gradient));
                add(&mut gradients[second], gradient);
            }
            Op::GlobalMax { input } => add(&mut gradients[input], activation::global_max_gradient(&values[input], &gradient)),
            Op::Sigmoid { input } => {
                activation::sigmoid_gradient(&values[index], &mut gradient);
                add(&mut gradients[input], gradient);
            }
            Op::Softmax { input } => {
                activation::softmax_gradient(&values[index], &mut gradient);
                add(&mut gradients[input], gradient);
            }
            Op::Concat { first, second } => {
                let (a, b) = sums::split(gradient, values[first].channels);
                add(&mut gradients[first], a);
                add(&mut gradients[second], b);
            }
        }
        Ok(())
    }

    fn store(&self, param: usize, weight: &[f32], bias: &[f32], flat: &mut [f32]) {
        let start = self.starts[param];
        flat[start..start + weight.len()].copy_from_slice(weight);
        flat[start + weight.len()..start + weight.len() + bias.len()].copy_from_slice(bias);
    }
}

/// Whether every channel is convolved on its own.
fn is_depthwise(shape: &ParamShape) -> bool {
    shape.groups > 1
}
