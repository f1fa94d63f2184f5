//! SLEAP's baseline profiles by name (reference sleap-training.md, section 9).

use super::heads::CLASSIC_PADDING_PX;
use super::profile::Imported;
use super::two_networks::with_centroid;
use crate::config::{CropPadding, TrainConfig, TrainModelType};
use crate::error::Result;

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
    input_scale: f32,
    stop_patience: usize,
    plateau_patience: usize,
    plateau_min_delta: f64,
}

/// All presets.
pub const PRESETS: [Preset; 7] = {
    let medium = Preset {
        name: "baseline_medium_rf.single",
        model_type: TrainModelType::SingleInstance,
        filters: 16,
        filters_rate: 2.0,
        max_stride: 16,
        stride: 2,
        input_scale: 1.0,
        stop_patience: 10,
        plateau_patience: 5,
        plateau_min_delta: 1e-8,
    };
    let top_down = Preset { model_type: TrainModelType::TopDown, filters: 24, stride: 4, ..medium };
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
        Preset { name: "baseline.centroid", model_type: TrainModelType::Centroid, input_scale: 0.5, stop_patience: 20, ..medium },
        Preset { name: "baseline_medium_rf.topdown", ..top_down },
        Preset { name: "baseline_large_rf.topdown", filters_rate: 1.5, max_stride: 32, ..top_down },
        Preset { name: "baseline_medium_rf.bottomup", max_stride: 32, ..bottom_up },
        Preset { name: "baseline_large_rf.bottomup", filters: 32, filters_rate: 1.5, max_stride: 64, ..bottom_up },
    ]
};

/// The preset of that name.
pub fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

impl Preset {
    /// The configuration with what could not be taken over, without labels. That of a top-down profile has the centroid network of
    /// `baseline.centroid`.
    ///
    /// # Errors
    /// As [`with_centroid`].
    pub fn imported(&self) -> Result<Imported> {
        let own = Imported { config: self.config(), notes: Vec::new() };
        match preset("baseline.centroid") {
            Some(centroid) if self.model_type == TrainModelType::TopDown => {
                with_centroid(own, Imported { config: centroid.config(), notes: Vec::new() })
            }
            _ => Ok(own),
        }
    }

    /// The configuration of the profile's one network, without labels.
    pub fn config(&self) -> TrainConfig {
        let mut config = TrainConfig { name: self.name.into(), ..TrainConfig::default() };
        let model = &mut config.model;
        (model.model_type, model.filters, model.filters_rate) = (self.model_type, self.filters, self.filters_rate);
        (model.max_stride, model.confmaps.stride) = (self.max_stride, self.stride);
        // The defaults of targets, plateau and rates are the profiles' already; these are written out where defaults may move.
        (model.confmaps.sigma, model.pafs.sigma, model.pafs.stride) = (2.5, 75.0, 8);
        (model.confmaps.weight, model.pafs.weight) = (1.0, 1.0);
        (config.augment.rotation_deg, config.augment.scale) = ([-15.0, 15.0], [1.0, 1.0]);
        config.preprocess.input_scale = self.input_scale;
        config.train.early_stopping.patience = self.stop_patience;
        if self.model_type == TrainModelType::TopDown {
            config.top_down.crop_padding_px = CropPadding::Px(CLASSIC_PADDING_PX);
        }
        // Classic SLEAP's Adam.
        config.train.optimizer.amsgrad = true;
        (config.train.plateau.patience, config.train.plateau.min_delta) = (self.plateau_patience, self.plateau_min_delta);
        config
    }
}
