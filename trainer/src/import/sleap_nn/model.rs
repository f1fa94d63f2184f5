//! `model_config`: heads and backbone.

use super::super::fields::Fields;
use super::super::heads::model_type_and_heads;
use super::super::profile::Imported;
use crate::config::TrainModelType;
use crate::error::Result;
use crate::model::Upsampling;

const HEADS: [(&str, TrainModelType); 6] = [
    ("single_instance", TrainModelType::SingleInstance),
    ("bottomup", TrainModelType::BottomUp),
    ("centroid", TrainModelType::Centroid),
    ("centered_instance", TrainModelType::TopDown),
    ("multi_class_bottomup", TrainModelType::BottomUpId),
    ("multi_class_topdown", TrainModelType::TopDownId),
];
/// A UNet in one word: name, filters, their rate, max stride.
const PRESETS: [(&str, usize, f64, usize); 3] =
    [("unet", 32, 1.5, 16), ("unet_medium_rf", 32, 2.0, 16), ("unet_large_rf", 24, 1.5, 32)];
/// Backbones that are not there; their max stride is 32 unless the file says otherwise.
const OTHERS: [&str; 3] = ["convnext", "swint", "pretrained"];
const OTHER_STRIDE: usize = 32;

/// Model type and targets.
pub(super) fn heads(fields: &Fields, found: &mut Imported) -> Result<()> {
    let base = "model_config.head_configs";
    model_type_and_heads(fields, base, &HEADS, found)?;
    let centroid = format!("{base}.centroid.confmaps.centroid_source");
    if let Some(source) = fields.text(&centroid).filter(|source| *source != "computed") {
        found.notes.push(format!("{centroid} = {source:?}: centres are computed from the parts"));
    }
    Ok(())
}

/// The UNet's shape, or that of a UNet in place of another backbone.
pub(super) fn backbone(fields: &Fields, found: &mut Imported) {
    let base = "model_config.backbone_config";
    let model = &mut found.config.model;
    let given = fields.peek(base).and_then(serde_json::Value::as_str);
    let (_, filters, rate, stride) = *PRESETS.iter().find(|(name, ..)| Some(*name) == given).unwrap_or(&PRESETS[0]);
    (model.filters, model.filters_rate, model.max_stride) = (filters, rate, stride);
    // Drawn bilinearly unless the file says otherwise.
    model.upsampling = Upsampling::Bilinear;
    if let Some(name) = given {
        fields.get(base);
        if !PRESETS.iter().any(|(known, ..)| *known == name) {
            found.notes.push(stand_in(&format!("{base} = {name:?}"), stride));
        }
        return;
    }
    if let Some(other) = OTHERS.iter().find(|other| fields.peek(&format!("{base}.{other}")).is_some()) {
        let path = format!("{base}.{other}");
        model.max_stride = fields.count(&format!("{path}.max_stride")).unwrap_or(OTHER_STRIDE);
        fields.get(&path);
        found.notes.push(stand_in(&path, model.max_stride));
        return;
    }
    let at = |key: &str| format!("{base}.unet.{key}");
    model.filters = fields.count(&at("filters")).unwrap_or(filters);
    model.filters_rate = fields.number(&at("filters_rate")).unwrap_or(rate);
    model.max_stride = fields.count(&at("max_stride")).unwrap_or(stride);
    model.stem_stride = fields.count(&at("stem_stride")).unwrap_or(0);
    model.convs_per_block = fields.count(&at("convs_per_block")).unwrap_or(2);
    let on = |key: &str| fields.get(&at(key)).and_then(serde_json::Value::as_bool).unwrap_or(true);
    model.middle_block = on("middle_block");
    model.upsampling = if on("up_interpolate") { Upsampling::Bilinear } else { Upsampling::Transposed };
    for (key, here) in [("stacks", 1), ("kernel_size", 3)] {
        if let Some(other) = fields.count(&at(key)).filter(|&value| value != here) {
            found.notes.push(format!("{} = {other}: it is always {here} here", at(key)));
        }
    }
}

fn stand_in(what: &str, max_stride: usize) -> String {
    format!(
        "{what}: there is no such backbone; a UNet of the same max stride ({max_stride}), untrained and with default widths, stands for it"
    )
}
