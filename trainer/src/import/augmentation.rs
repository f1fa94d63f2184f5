//! Augmentation of a profile: the documented intent, not classic SLEAP's faults (reference sleap-training.md, section 4.1).

use super::fields::Fields;
use super::profile::Imported;

/// Takes over what is switched on.
pub(super) fn augmentation(fields: &Fields, found: &mut Imported) {
    let at = |key: &str| format!("optimization.augmentation_config.{key}");
    let range = |low: &str, high: &str, default: [f64; 2]| {
        [fields.number(&at(low)).unwrap_or(default[0]) as f32, fields.number(&at(high)).unwrap_or(default[1]) as f32]
    };
    let augment = &mut found.config.augment;
    let mut note = |text: String| found.notes.push(text);
    let rotation = range("rotation_min_angle", "rotation_max_angle", [-180.0, 180.0]);
    augment.rotation_deg = if fields.flag(&at("rotate")) { rotation } else { [0.0, 0.0] };
    let scale = range("scale_min", "scale_max", [0.9, 1.1]);
    augment.scale = if fields.flag(&at("scale")) { scale } else { [1.0, 1.0] };
    let shift = range("translate_min", "translate_max", [-5.0, 5.0]);
    if fields.flag(&at("translate")) {
        note(format!(
            "translation by {} to {} px: here it is a fraction of the frame, which the profile does not know; set augment.translate_fraction",
            shift[0], shift[1]
        ));
    }
    let [mean, deviation] = range("gaussian_noise_mean", "gaussian_noise_stddev", [5.0, 1.0]);
    if fields.flag(&at("gaussian_noise")) {
        (augment.noise_deviation, augment.noise_probability) = (deviation / 255.0, 1.0);
        if mean != 0.0 {
            note(format!("gaussian_noise_mean = {mean}: noise has the mean 0 here"));
        }
    }
    let noise = range("uniform_noise_min_val", "uniform_noise_max_val", [0.0, 10.0]);
    if fields.flag(&at("uniform_noise")) {
        (augment.uniform_noise, augment.uniform_noise_probability) = (noise.map(|v| v / 255.0), 1.0);
    }
    let gamma = range("contrast_min_gamma", "contrast_max_gamma", [0.5, 2.0]);
    if fields.flag(&at("contrast")) {
        (augment.gamma, augment.gamma_probability) = (gamma, 1.0);
    }
    let levels = range("brightness_min_val", "brightness_max_val", [0.0, 10.0]);
    if fields.flag(&at("brightness")) {
        note(format!("brightness by {} to {} gray levels: here it is a factor (augment.brightness)", levels[0], levels[1]));
    }
    let horizontal = fields.get(&at("flip_horizontal")).and_then(serde_json::Value::as_bool).unwrap_or(true);
    if fields.flag(&at("random_flip")) {
        let probability =
            if horizontal { &mut augment.flip_horizontal_probability } else { &mut augment.flip_vertical_probability };
        *probability = 0.5;
    }
    let crop = range("random_crop_width", "random_crop_height", [256.0, 256.0]);
    if fields.flag(&at("random_crop")) {
        augment.crop_px = crop.map(|side| side as usize);
    }
}
