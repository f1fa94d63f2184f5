//! SLEAP's baseline profiles by name (reference sleap-training.md, section 9).

use crate::config::{TrainConfig, TrainModelType};

/// A baseline profile: a UNet with bilinear upsampling and a middle block, batch 4, 200 epochs, rate 1e-4, rotation by up to 15
/// degrees and nothing else.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Preset {
    /// SLEAP's name.
    pub name: &'static str,
    model_type: TrainModelType,
    filters: usize,
    filters_rate: f64,
    max_stride: usize,
    stride: usize,
    plateau_patience: usize,
    plateau_min_delta: f64,
}

/// All presets.
pub const PRESETS: [Preset; 4] = {
    let medium = Preset {
        name: "baseline_medium_rf.single",
        model_type: TrainModelType::SingleInstance,
        filters: 16,
        filters_rate: 2.0,
        max_stride: 16,
        stride: 2,
        plateau_patience: 5,
        plateau_min_delta: 1e-8,
    };
    let bottom_up = Preset { model_type: TrainModelType::BottomUp, stride: 4, plateau_patience: 8, ..medium };
    [
        medium,
        Preset {
            name: "baseline_large_rf.single",
            filters: 32,
            filters_rate: 1.5,
            max_stride: 32,
            stride: 4,
            plateau_min_delta: 1e-5,
            ..medium
        },
        Preset { name: "baseline_medium_rf.bottomup", max_stride: 32, ..bottom_up },
        Preset { name: "baseline_large_rf.bottomup", filters: 32, filters_rate: 1.5, max_stride: 64, ..bottom_up },
    ]
};

/// The preset of that name.
pub fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

impl Preset {
    /// The configuration, without labels.
    pub fn config(&self) -> TrainConfig {
        let mut config = TrainConfig { name: self.name.into(), ..TrainConfig::default() };
        let model = &mut config.model;
        (model.model_type, model.filters, model.filters_rate) = (self.model_type, self.filters, self.filters_rate);
        (model.max_stride, model.confmaps.stride) = (self.max_stride, self.stride);
        // The defaults of targets, plateau and rates are the profiles' already; these are written out where defaults may move.
        (model.confmaps.sigma, model.pafs.sigma, model.pafs.stride) = (2.5, 75.0, 8);
        (model.confmaps.weight, model.pafs.weight) = (1.0, 1.0);
        (config.augment.rotation_deg, config.augment.scale) = ([-15.0, 15.0], [1.0, 1.0]);
        (config.train.plateau.patience, config.train.plateau.min_delta) = (self.plateau_patience, self.plateau_min_delta);
        config
    }
}
