use super::*;
use crate::model::{HeadSpec, PoseNetConfig, UnetConfig};
use burn::tensor::{Device, TensorData};
use dormouse::config::HeadKind;

fn net() -> PoseNet {
    let heads = vec![HeadSpec::new(HeadKind::ConfidenceMaps, "a", 1, 2)];
    let unet = UnetConfig { filters: 2, max_stride: 2, middle_block: false, convs_per_block: 1, ..UnetConfig::default() };
    PoseNetConfig { in_channels: 1, backbone: unet.into(), heads }.init(1, &Device::default()).unwrap()
}

/// The papers' rules for one parameter, in f64.
#[derive(Default)]
struct Naive {
    m: f64,
    v: f64,
    largest: f64,
}

impl Naive {
    fn step(&mut self, config: &OptimizerConfig, p: f64, g: f64, t: i32, rate: f64, decays: bool) -> f64 {
        let decay = if decays { config.weight_decay } else { 0.0 };
        let g = if config.kind == OptimizerKind::Adam { g + decay * p } else { g };
        self.m = config.beta_1 * self.m + (1.0 - config.beta_1) * g;
        self.v = config.beta_2 * self.v + (1.0 - config.beta_2) * g * g;
        self.largest = self.largest.max(self.v);
        let second = if config.amsgrad { self.largest } else { self.v };
        let correction = (1.0 - config.beta_2.powi(t)).sqrt() / (1.0 - config.beta_1.powi(t));
        let shrunk = if config.kind == OptimizerKind::AdamW { p - rate * decay * p } else { p };
        shrunk - rate * correction * self.m / (second.sqrt() + config.epsilon)
    }
}

/// A gradient that grows, turns and shrinks, so that the largest second moment is not the last one.
fn gradient(parameter: usize, t: i32) -> f64 {
    (0.7 * f64::from(t) + parameter as f64).sin() * if t < 12 { 3.0 } else { 0.05 }
}

#[test]
fn every_kind_follows_the_papers() {
    for kind in [OptimizerKind::Adam, OptimizerKind::AdamW] {
        for (amsgrad, weight_decay) in [(false, 0.0), (true, 0.0), (false, 0.1), (true, 0.1)] {
            let config = OptimizerConfig { kind, amsgrad, weight_decay, beta_2: 0.9, ..OptimizerConfig::default() };
            let mut net = net();
            let mut optimizer = Optimizer::new(&net, config);
            let decays: Vec<bool> = net
                .plan()
                .params
                .iter()
                .flat_map(|p| [vec![true; p.weight_len()], vec![false; p.channels_out]].concat())
                .collect();
            let mut expected: Vec<f64> = net.to_flat().unwrap().iter().map(|&p| f64::from(p)).collect();
            let mut naive: Vec<Naive> = expected.iter().map(|_| Naive::default()).collect();
            for t in 1..=40 {
                let flat: Vec<f32> = (0..expected.len()).map(|i| gradient(i, t) as f32).collect();
                let gradients = net.config().with_weights(&flat, net.device()).unwrap().layers().to_vec();
                let rate = 0.01 / f64::from(t);
                optimizer.update(&mut net, gradients, &[], rate);
                for (i, p) in expected.iter_mut().enumerate() {
                    *p = naive[i].step(&config, *p, f64::from(flat[i]), t, rate, decays[i]);
                }
            }
            for (i, (got, expected)) in net.to_flat().unwrap().iter().zip(&expected).enumerate() {
                assert!((f64::from(*got) - expected).abs() < 2e-6, "{config:?}, parameter {i}: {got} {expected}");
            }
        }
    }
}

#[test]
fn a_saved_state_goes_on_alike() {
    let config = OptimizerConfig { amsgrad: true, weight_decay: 0.01, ..OptimizerConfig::default() };
    let (mut a, mut whole) = (net(), Optimizer::new(&net(), config));
    let step = |net: &mut PoseNet, optimizer: &mut Optimizer, t| {
        let flat: Vec<f32> = (0..net.to_flat().unwrap().len()).map(|i| gradient(i, t) as f32).collect();
        let gradients = net.config().with_weights(&flat, net.device()).unwrap().layers().to_vec();
        optimizer.update(net, gradients, &[], 0.01);
    };
    (1..=15).for_each(|t| step(&mut a, &mut whole, t));
    let mut b = a.clone();
    let mut resumed = Optimizer::restore(&b, config, &whole.state().unwrap()).unwrap();
    (16..=20).for_each(|t| step(&mut a, &mut whole, t));
    (16..=20).for_each(|t| step(&mut b, &mut resumed, t));
    assert_eq!(a.to_flat().unwrap(), b.to_flat().unwrap());
    let other = OptimizerConfig { amsgrad: false, ..config };
    assert!(Optimizer::restore(&b, other, &whole.state().unwrap()).is_err());
}

#[test]
fn an_unset_decay_leaves_a_steady_weight() {
    // A gradient of zero moves nothing, with AdamW only the decay does.
    let one = |x: f32| Tensor::<1>::from_data(TensorData::new(vec![x], [1]), &Device::default());
    for (weight_decay, expected) in [(0.0, 1.0), (0.5, 0.95)] {
        let config = OptimizerConfig { kind: OptimizerKind::AdamW, weight_decay, ..OptimizerConfig::default() };
        let rule = Rule::at(&config, 1, 0.1);
        let p = rule.moved(one(1.0), one(0.0), &mut one(0.0), &mut one(0.0), None);
        assert!((read(p).unwrap()[0] - expected).abs() < 1e-6);
    }
}

#[test]
fn faults_come_together() {
    let wrong = OptimizerConfig { weight_decay: -1.0, beta_1: 1.0, beta_2: f64::NAN, epsilon: 0.0, ..OptimizerConfig::default() };
    assert_eq!(wrong.faults().len(), 4, "{:?}", wrong.faults());
    assert!(OptimizerConfig::default().faults().is_empty());
}
