//! `data_config`: labels, split, preprocessing, crops.

use super::super::fields::Fields;
use super::super::heads::{has_centers, notes_on_centers};
use super::super::profile::Imported;
use crate::config::{ColorChoice, CropPadding, TrainModelType};

/// Takes over where samples come from and how they are prepared. Model type and max stride must be known already.
pub(super) fn data(fields: &Fields, found: &mut Imported) {
    let at = |key: &str| format!("data_config.{key}");
    let data = &mut found.config.data;
    (data.train, data.val) = (fields.texts(&at("train_labels_path")), fields.texts(&at("val_labels_path")));
    data.validation_fraction = fields.number(&at("validation_fraction")).unwrap_or(0.1);
    data.negatives = fields.flag(&at("use_negative_frames"));
    if fields.flag(&at("use_same_data_for_val")) {
        data.val = data.train.clone();
    }
    let (labels, videos): (Vec<String>, Vec<String>) =
        fields.texts(&at("test_file_path")).into_iter().partition(|path| path.to_lowercase().ends_with(".slp"));
    data.test = labels;
    for video in videos {
        found.notes.push(format!("{} = {video:?}: only labels are tested on; try `dormouse predict`", at("test_file_path")));
    }
    if fields.get(&at("user_instances_only")).and_then(serde_json::Value::as_bool) == Some(false) {
        found.notes.push(format!("{} = false: only instances placed by a person train a model", at("user_instances_only")));
    }
    found.config.name = fields.text("name").or_else(|| fields.text("trainer_config.run_name")).unwrap_or_default().to_owned();
    if let Some(scale) = fields.number(&at("preprocessing.scale")) {
        found.config.preprocess.input_scale = scale as f32;
    }
    let (rgb, gray) = (fields.flag(&at("preprocessing.ensure_rgb")), fields.flag(&at("preprocessing.ensure_grayscale")));
    found.config.preprocess.color = if rgb && !gray { ColorChoice::Rgb } else { ColorChoice::Gray };
    if !rgb && !gray {
        let what = "preprocess.color is gray: SLEAP-NN takes the channels of the videos, which the file does not know; set rgb for colour";
        found.notes.push(what.into());
    }
    if has_centers(found.config.model.model_type) {
        crops(fields, found);
    }
}

/// Crops there count pixels of the frame, here those of the scaled input (reference sleap-training.md, sections 2.3 and 3).
fn crops(fields: &Fields, found: &mut Imported) {
    let path = "data_config.preprocessing.crop_size";
    if found.config.model.model_type != TrainModelType::Centroid
        && let Some(given) = fields.count(path)
    {
        let scale = f64::from(found.config.preprocess.input_scale);
        let size_px = ((given as f64 * scale).ceil() as usize).next_multiple_of(found.config.model.max_stride.max(1));
        if size_px != given {
            found.notes.push(format!(
                "{path} = {given} px of the frame: {size_px} px of the network's input, a multiple of the max stride"
            ));
        }
        found.config.top_down.crop_size_px = u32::try_from(size_px).unwrap_or(u32::MAX);
    }
    let path = "data_config.preprocessing.crop_padding";
    if found.config.model.model_type != TrainModelType::Centroid
        && let Some(given) = fields.count(path)
    {
        let padding_px = (given as f64 * f64::from(found.config.preprocess.input_scale)).ceil() as u32;
        found.config.top_down.crop_padding_px = CropPadding::Px(padding_px);
    }
    notes_on_centers(found);
}
