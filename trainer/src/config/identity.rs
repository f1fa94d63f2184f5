//! `[identity]`: known individuals, for models that tell them apart.

use super::{ModelConfig, TrainModelType};
use serde::{Deserialize, Serialize};

/// Who is known, and the heads that recognise them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IdentitySection {
    /// Names of the individuals, as the tracks of the labels are called; 1 to 255. Default empty: all tracks of the training
    /// labels that an animal bears.
    pub classes: Vec<String>,
    /// The head of `bottom_up_id`.
    pub class_maps: ClassMapConfig,
    /// The head of `top_down_id`.
    pub class_vectors: ClassVectorConfig,
}

/// Maps that say for every cell who is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClassMapConfig {
    /// Reach of a part in map cells (times `stride` in input pixels), above 0 to 64. Default 5.
    pub sigma: f32,
    /// Input pixels per cell, a power of two up to `max_stride`. Default 4.
    pub stride: usize,
    /// Weight of its loss, at least 0. Default 0.1: with more the maps of the parts, whose squared errors are far smaller, are learned
    /// late (`synth-identity` as `bottom_up_id`, 2 minutes on two cores, right names and mOKS with missed animals as 0: 34 % and 0.05
    /// with 1, 71 % and 0.10 with 0.3, 89 % and 0.19 with 0.1, 76 % and 0.28 with 0.03).
    pub weight: f32,
}

impl Default for ClassMapConfig {
    fn default() -> Self {
        Self { sigma: 5.0, stride: 4, weight: 0.1 }
    }
}

/// One answer per crop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClassVectorConfig {
    /// Fully connected layers in front of the answer, 0 to 8. Default 1.
    pub layers: usize,
    /// Units of each, 1 to 4096. Default 64.
    pub units: usize,
    /// Weight of its loss, at least 0; a cross-entropy of 1 weighs as much as a thousand squared errors of maps. Default 0.01.
    pub weight: f32,
}

impl Default for ClassVectorConfig {
    fn default() -> Self {
        Self { layers: 1, units: 64, weight: 0.01 }
    }
}

impl IdentitySection {
    pub(super) fn faults(&self, model: &ModelConfig, faults: &mut Vec<String>) {
        let mut check = |ok: bool, what: &str| {
            if !ok {
                faults.push(format!("identity.{what}"));
            }
        };
        let classes = &self.classes;
        check(classes.len() <= 255, "classes must be at most 255 names");
        let unique = classes.iter().enumerate().all(|(i, name)| !name.is_empty() && !classes[..i].contains(name));
        check(unique, "classes must be different names, none of them empty");
        let (maps, vectors) = (&self.class_maps, &self.class_vectors);
        check(maps.sigma > 0.0 && maps.sigma <= 64.0, "class_maps.sigma must be above 0 and at most 64");
        let used = model.model_type == TrainModelType::BottomUpId;
        let stride_ok = !used || (maps.stride.is_power_of_two() && maps.stride <= model.max_stride);
        check(stride_ok, "class_maps.stride must be a power of two up to max_stride");
        check(maps.weight >= 0.0 && maps.weight.is_finite(), "class_maps.weight must be finite and not negative");
        check(vectors.layers <= 8, "class_vectors.layers must be 0 to 8");
        check((1..=4096).contains(&vectors.units), "class_vectors.units must be 1 to 4096");
        check(vectors.weight >= 0.0 && vectors.weight.is_finite(), "class_vectors.weight must be finite and not negative");
    }
}
