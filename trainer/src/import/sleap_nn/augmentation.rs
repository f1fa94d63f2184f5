//! `data_config.augmentation_config` (reference sleap-training.md, section 4.2).

use super::super::fields::Fields;
use super::super::profile::Imported;
use crate::augment::AugmentConfig;

/// Takes over what is switched on; our defaults are SLEAP-NN's.
pub(super) fn augmentation(fields: &Fields, found: &mut Imported) {
    let used = fields.get("data_config.use_augmentations_train").and_then(serde_json::Value::as_bool).unwrap_or(true);
    if !used {
        fields.get("data_config.augmentation_config");
        found.config.augment = AugmentConfig::none();
        return;
    }
    intensity(fields, found);
    geometry(fields, found);
}

fn intensity(fields: &Fields, found: &mut Imported) {
    let number = |key: &str| fields.number(&format!("data_config.augmentation_config.intensity.{key}"));
    let range = |low: &str, high: &str, default: [f32; 2]| {
        [number(low).map_or(default[0], |v| v as f32), number(high).map_or(default[1], |v| v as f32)]
    };
    let chance = |key: &str| number(key).unwrap_or(0.0) as f32;
    let augment = &mut found.config.augment;
    // Values of what is switched off are not looked at: older files hold some in other units.
    let uniform = range("uniform_noise_min", "uniform_noise_max", augment.uniform_noise);
    augment.uniform_noise_probability = chance("uniform_noise_p");
    if augment.uniform_noise_probability > 0.0 {
        augment.uniform_noise = uniform;
    }
    let [mean, deviation] = range("gaussian_noise_mean", "gaussian_noise_std", [0.0, augment.noise_deviation]);
    augment.noise_probability = chance("gaussian_noise_p");
    if augment.noise_probability > 0.0 {
        augment.noise_deviation = deviation;
        if mean != 0.0 {
            found.notes.push(format!("gaussian_noise_mean = {mean}: noise has the mean 0 here"));
        }
    }
    let contrast = range("contrast_min", "contrast_max", augment.contrast);
    augment.contrast_probability = chance("contrast_p");
    if augment.contrast_probability > 0.0 {
        augment.contrast = contrast;
    }
    let brightness = range("brightness_min", "brightness_max", augment.brightness);
    augment.brightness_probability = chance("brightness_p");
    if augment.brightness_probability > 0.0 {
        augment.brightness = brightness;
    }
}

fn geometry(fields: &Fields, found: &mut Imported) {
    let number = |key: &str| fields.number(&format!("data_config.augmentation_config.geometric.{key}"));
    let range = |low: &str, high: &str, default: [f32; 2]| {
        [number(low).map_or(default[0], |v| v as f32), number(high).map_or(default[1], |v| v as f32)]
    };
    let augment = &mut found.config.augment;
    // Older files have one probability for the three.
    let together = number("affine_p");
    let mut chance = |key: &str, default: f64| {
        let p = number(key).or(together).unwrap_or(default);
        if p > 0.0 && p < 1.0 {
            found.notes.push(format!("{key} = {p}: every sample is varied here, within the range"));
        }
        p > 0.0
    };
    let rotation = range("rotation_min", "rotation_max", augment.rotation_deg);
    augment.rotation_deg = if chance("rotation_p", 1.0) { rotation } else { [0.0, 0.0] };
    let scale = range("scale_min", "scale_max", augment.scale);
    augment.scale = if chance("scale_p", 1.0) { scale } else { [1.0, 1.0] };
    let [width, height] = range("translate_width", "translate_height", [0.0, 0.0]);
    if chance("translate_p", 0.0) {
        let most = width.max(height);
        augment.translate_fraction = [-most, most];
        if width != height {
            found.notes.push(format!("translate_width = {width}, translate_height = {height}: both axes share {most} here"));
        }
    }
    augment.flip_horizontal_probability = number("flip_p").unwrap_or(0.0) as f32;
    let (area, aspect) = (
        range("erase_scale_min", "erase_scale_max", augment.erase_area),
        range("erase_ratio_min", "erase_ratio_max", augment.erase_aspect),
    );
    augment.erase_probability = number("erase_p").unwrap_or(0.0) as f32;
    if augment.erase_probability > 0.0 {
        (augment.erase_area, augment.erase_aspect) = (area, aspect);
    }
}
