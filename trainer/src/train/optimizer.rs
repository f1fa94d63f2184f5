//! Adam and AdamW, both with AMSGrad if asked (reference T section 8).
//!
//! Kingma and Ba 2015 ("Adam"), Loshchilov and Hutter 2019 ("Decoupled Weight Decay Regularization"), Reddi et al. 2018 ("On the
//! Convergence of Adam and Beyond"). The epsilon stands where Keras and so SLEAP have it: beside the root of the uncorrected second
//! moment, so that step t moves a parameter by `rate * sqrt(1 - beta_2^t) / (1 - beta_1^t) * m / (sqrt(v) + epsilon)`.

use super::checkpoint::OptimizerState;
use crate::error::{Error, Result};
use crate::model::pose_net::read;
use crate::model::{Layer, PoseNet};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// Keras' and so SLEAP's value. A far smaller one (1e-12) was no better on the drawn scenes.
const EPSILON: f64 = 1e-7;

/// Which rule moves the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerKind {
    /// Weight decay is added to the gradient, and so scaled by the moments like it.
    #[default]
    Adam,
    /// Weight decay shrinks the weights themselves, by `learning rate * weight_decay` per step.
    AdamW,
}

/// `[train.optimizer]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptimizerConfig {
    /// `adam` or `adamw`. Default `adam`.
    pub kind: OptimizerKind,
    /// Divide by the largest second moment so far instead of the present one (classic SLEAP does). Default false.
    pub amsgrad: bool,
    /// Pull of the weights towards zero, 0 to 1; biases are not pulled. Default 0.
    pub weight_decay: f64,
    /// Share of the old mean gradient kept per step, 0 to below 1. Default 0.9.
    pub beta_1: f64,
    /// Share of the old mean squared gradient kept per step, 0 to below 1. Default 0.999.
    pub beta_2: f64,
    /// Added to the root of the second moment, above 0 and at most 1. Default 1e-7, as Keras and so SLEAP have it.
    pub epsilon: f64,
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self { kind: OptimizerKind::Adam, amsgrad: false, weight_decay: 0.0, beta_1: 0.9, beta_2: 0.999, epsilon: EPSILON }
    }
}

impl OptimizerConfig {
    /// All faults, as sentences that start with the field's name.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |ok: bool, what: String| {
            if !ok {
                faults.push(what);
            }
        };
        let decay = self.weight_decay;
        check((0.0..=1.0).contains(&decay), format!("weight_decay is {decay}; it must be 0 to 1"));
        for (name, beta) in [("beta_1", self.beta_1), ("beta_2", self.beta_2)] {
            check((0.0..1.0).contains(&beta), format!("{name} is {beta}; it must be 0 to below 1"));
        }
        let epsilon = self.epsilon;
        check(epsilon > 0.0 && epsilon <= 1.0, format!("epsilon is {epsilon}; it must be above 0 and at most 1"));
        faults
    }

    /// Numbers kept per parameter between steps.
    pub fn moments(&self) -> usize {
        if self.amsgrad { 3 } else { 2 }
    }
}

/// Moments of all parameters.
#[derive(Debug, Clone)]
pub struct Optimizer {
    config: OptimizerConfig,
    step: u64,
    first: Vec<Layer>,
    second: Vec<Layer>,
    /// Largest second moments; with AMSGrad only.
    largest: Option<Vec<Layer>>,
}

impl Optimizer {
    /// Zero moments for the network's parameters.
    pub fn new(net: &PoseNet, config: OptimizerConfig) -> Self {
        let zero = |l: &Layer| Layer { weight: l.weight.zeros_like(), bias: l.bias.zeros_like() };
        let zeros: Vec<Layer> = net.layers().iter().map(zero).collect();
        Self { config, step: 0, first: zeros.clone(), second: zeros.clone(), largest: config.amsgrad.then_some(zeros) }
    }

    /// Moments as they were saved; order as in [`PoseNet::to_flat`].
    ///
    /// # Errors
    /// When the numbers do not fit the network or were saved with another choice of AMSGrad.
    pub fn restore(net: &PoseNet, config: OptimizerConfig, saved: &OptimizerState) -> Result<Self> {
        if saved.largest.is_some() != config.amsgrad {
            return Err(Error::Train(format!(
                "train.optimizer.amsgrad is {}, but the checkpoint was saved with the other choice",
                config.amsgrad
            )));
        }
        let layers = |flat: &Vec<f32>| Ok::<_, Error>(net.config().with_weights(flat, net.device())?.layers().to_vec());
        let largest = saved.largest.as_ref().map(layers).transpose()?;
        Ok(Self { config, step: saved.steps, first: layers(&saved.first)?, second: layers(&saved.second)?, largest })
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// Everything that the next step depends on, in the order of [`PoseNet::to_flat`].
    ///
    /// # Errors
    /// When the device fails.
    pub fn state(&self) -> Result<OptimizerState> {
        let flat = |layers: &Vec<Layer>| -> Result<Vec<f32>> {
            let mut out = Vec::new();
            for l in layers {
                out.extend(read(l.weight.clone())?);
                out.extend(read(l.bias.clone())?);
            }
            Ok(out)
        };
        let largest = self.largest.as_ref().map(flat).transpose()?;
        Ok(OptimizerState { steps: self.step, first: flat(&self.first)?, second: flat(&self.second)?, largest })
    }

    /// Moves the parameters against their gradients, one per layer of the network. Layers whose flag in `frozen` is set stay as they
    /// are, and so do their moments; missing flags mean that a layer moves.
    pub fn update(&mut self, net: &mut PoseNet, gradients: Vec<Layer>, frozen: &[bool], learning_rate: f64) {
        self.step += 1;
        let rule = Rule::at(&self.config, self.step, learning_rate);
        let mut layers = Vec::with_capacity(gradients.len());
        for (i, (layer, g)) in net.layers().iter().zip(gradients).enumerate() {
            if frozen.get(i).copied().unwrap_or(false) {
                layers.push(layer.clone());
                continue;
            }
            let (m, v) = (&mut self.first[i], &mut self.second[i]);
            let largest = self.largest.as_mut().map(|l| &mut l[i]);
            let (largest_weight, largest_bias) = largest.map_or((None, None), |l| (Some(&mut l.weight), Some(&mut l.bias)));
            layers.push(Layer {
                weight: rule.moved(layer.weight.clone(), g.weight, &mut m.weight, &mut v.weight, largest_weight),
                bias: rule.without_decay().moved(layer.bias.clone(), g.bias, &mut m.bias, &mut v.bias, largest_bias),
            });
        }
        net.set_layers(layers);
    }
}

/// One step's numbers.
#[derive(Debug, Clone, Copy)]
struct Rule {
    beta_1: f64,
    beta_2: f64,
    epsilon: f64,
    /// Learning rate with both bias corrections.
    rate: f64,
    /// Added to the gradient, times the parameter.
    coupled_decay: f64,
    /// Taken off the parameter, times the parameter.
    decoupled_decay: f64,
}

impl Rule {
    fn at(config: &OptimizerConfig, step: u64, learning_rate: f64) -> Self {
        let t = step.min(i32::MAX as u64) as i32;
        let (beta_1, beta_2) = (config.beta_1, config.beta_2);
        let (coupled_decay, decoupled_decay) = match config.kind {
            OptimizerKind::Adam => (config.weight_decay, 0.0),
            OptimizerKind::AdamW => (0.0, learning_rate * config.weight_decay),
        };
        let rate = learning_rate * (1.0 - beta_2.powi(t)).sqrt() / (1.0 - beta_1.powi(t));
        Self { beta_1, beta_2, epsilon: config.epsilon, rate, coupled_decay, decoupled_decay }
    }

    fn without_decay(self) -> Self {
        Self { coupled_decay: 0.0, decoupled_decay: 0.0, ..self }
    }

    fn moved<const D: usize>(
        &self,
        p: Tensor<D>,
        g: Tensor<D>,
        m: &mut Tensor<D>,
        v: &mut Tensor<D>,
        largest: Option<&mut Tensor<D>>,
    ) -> Tensor<D> {
        let g = if self.coupled_decay > 0.0 { g + p.clone() * self.coupled_decay } else { g };
        *m = m.clone() * self.beta_1 + g.clone() * (1.0 - self.beta_1);
        *v = v.clone() * self.beta_2 + g.clone() * g * (1.0 - self.beta_2);
        let scale = match largest {
            None => v.clone(),
            Some(largest) => {
                *largest = largest.clone().max_pair(v.clone());
                largest.clone()
            }
        };
        let p = if self.decoupled_decay > 0.0 { p * (1.0 - self.decoupled_decay) } else { p };
        p - m.clone() / (scale.sqrt() + self.epsilon) * self.rate
    }
}

#[cfg(test)]
mod tests;
