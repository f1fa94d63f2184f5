//! The Adam optimiser as Keras has it, which SLEAP trains with (reference T section 8; AMSGrad is left out).

use crate::error::Result;
use crate::model::pose_net::read;
use crate::model::{Layer, PoseNet};
use burn::tensor::Tensor;

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
/// Far below Keras' 1e-7. Losses are means over all cells of mostly empty maps, so that the gradients of deep layers are smaller
/// than that at first, and Keras' value keeps them from moving: with it the drawn scenes were not learned in 1000 steps (the loss
/// stayed at that of empty maps), with this one the loss falls after 200.
const EPSILON: f64 = 1e-12;

/// Moments of all parameters.
#[derive(Debug, Clone)]
pub struct Adam {
    step: u64,
    first: Vec<Layer>,
    second: Vec<Layer>,
}

impl Adam {
    /// Zero moments for the network's parameters.
    pub fn new(net: &PoseNet) -> Self {
        let zero = |l: &Layer| Layer { weight: l.weight.zeros_like(), bias: l.bias.zeros_like() };
        let zeros: Vec<Layer> = net.layers().iter().map(zero).collect();
        Self { step: 0, first: zeros.clone(), second: zeros }
    }

    /// Moments as they were saved; order as in [`PoseNet::to_flat`].
    ///
    /// # Errors
    /// When the numbers do not fit the network.
    pub fn restore(net: &PoseNet, step: u64, first: &[f32], second: &[f32]) -> Result<Self> {
        let layers = |flat| Ok::<_, crate::Error>(net.config().with_weights(flat, net.device())?.layers().to_vec());
        Ok(Self { step, first: layers(first)?, second: layers(second)? })
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// First and second moments, in the order of [`PoseNet::to_flat`].
    ///
    /// # Errors
    /// When the device fails.
    pub fn to_flat(&self) -> Result<(Vec<f32>, Vec<f32>)> {
        let flat = |layers: &[Layer]| -> Result<Vec<f32>> {
            let mut out = Vec::new();
            for l in layers {
                out.extend(read(l.weight.clone())?);
                out.extend(read(l.bias.clone())?);
            }
            Ok(out)
        };
        Ok((flat(&self.first)?, flat(&self.second)?))
    }

    /// Moves the parameters against their gradients.
    pub fn update(&mut self, net: &mut PoseNet, gradients: Vec<Layer>, learning_rate: f64) {
        self.step += 1;
        let t = self.step.min(i32::MAX as u64) as i32;
        let rate = learning_rate * (1.0 - BETA_2.powi(t)).sqrt() / (1.0 - BETA_1.powi(t));
        let moments = self.first.iter_mut().zip(self.second.iter_mut());
        let layers = net.layers().iter().zip(gradients).zip(moments).map(|((layer, g), (m, v))| Layer {
            weight: moved(layer.weight.clone(), g.weight, &mut m.weight, &mut v.weight, rate),
            bias: moved(layer.bias.clone(), g.bias, &mut m.bias, &mut v.bias, rate),
        });
        net.set_layers(layers.collect());
    }
}

fn moved<const D: usize>(p: Tensor<D>, g: Tensor<D>, m: &mut Tensor<D>, v: &mut Tensor<D>, rate: f64) -> Tensor<D> {
    *m = m.clone() * BETA_1 + g.clone() * (1.0 - BETA_1);
    *v = v.clone() * BETA_2 + g.clone() * g * (1.0 - BETA_2);
    p - m.clone() / (v.clone().sqrt() + EPSILON) * rate
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    #[test]
    fn follows_the_formula_by_hand() {
        let device = Device::default();
        let one = |x: f32| Tensor::<1>::from_data(TensorData::new(vec![x], [1]), &device);
        let (mut m, mut v) = (one(0.0), one(0.0));
        let (mut p, mut p64, mut m64, mut v64) = (one(1.0), 1.0f64, 0.0f64, 0.0f64);
        for t in 1..=20 {
            let g = 0.3 * f64::from(t) - 1.0;
            let rate = 0.01 * (1.0 - BETA_2.powi(t)).sqrt() / (1.0 - BETA_1.powi(t));
            p = moved(p, one(g as f32), &mut m, &mut v, rate);
            m64 = 0.9 * m64 + 0.1 * g;
            v64 = 0.999 * v64 + 0.001 * g * g;
            p64 -= rate * m64 / (v64.sqrt() + 1e-7);
        }
        assert!((f64::from(read(p).unwrap()[0]) - p64).abs() < 1e-5);
    }
}
