//! Model type, heads and backbone of a profile.

use super::fields::Fields;
use super::profile::Imported;
use crate::config::{CropPadding, TrainModelType};
use crate::error::{Error, Result};
use crate::model::Upsampling;

/// Said of a profile for crops, until a centroid profile joins it.
pub const NO_CENTROID: &str = "the profile knows nothing of the centroid network, which gets the settings of baseline.centroid; give its own with --centroid";

/// Backbones that are not there, with the default of their max stride.
const OTHER_BACKBONES: [(&str, usize); 4] = [("leap", 8), ("hourglass", 64), ("resnet", 32), ("pretrained_encoder", 32)];

/// Classic SLEAP's `crop_size_detection_padding`.
pub(super) const CLASSIC_PADDING_PX: u32 = 16;

/// Class maps that weigh more than this keep the maps of the parts from being learned ([`crate::config::ClassMapConfig::weight`]).
const MAPS_OF_PARTS_SUFFER: f32 = 0.2;

/// Names of classic SLEAP's heads.
pub(super) const CLASSIC_HEADS: [(&str, TrainModelType); 6] = [
    ("single_instance", TrainModelType::SingleInstance),
    ("multi_instance", TrainModelType::BottomUp),
    ("centroid", TrainModelType::Centroid),
    ("centered_instance", TrainModelType::TopDown),
    ("multi_class_bottomup", TrainModelType::BottomUpId),
    ("multi_class_topdown", TrainModelType::TopDownId),
];

/// Finds the one head below `base` that is set, by these names, and takes over its targets.
///
/// # Errors
/// [`Error::Data`] when there is none, or several.
pub(super) fn model_type_and_heads(
    fields: &Fields,
    base: &str,
    kinds: &[(&str, TrainModelType)],
    found: &mut Imported,
) -> Result<()> {
    let set: Vec<_> = kinds.iter().filter(|(kind, _)| fields.peek(&format!("{base}.{kind}")).is_some()).collect();
    let [(kind, model_type)] = set.as_slice() else {
        let names: Vec<&str> = set.iter().map(|(kind, _)| *kind).collect();
        return Err(Error::Data(format!(
            "a profile has exactly one head out of {}; this one has {}: {names:?}",
            kinds.iter().map(|(kind, _)| *kind).collect::<Vec<_>>().join(", "),
            names.len()
        )));
    };
    let (head, model_type) = (format!("{base}.{kind}"), *model_type);
    found.config.model.model_type = model_type;
    let nested = fields.peek(&format!("{head}.confmaps")).is_some();
    confmaps(fields, &if nested { format!("{head}.confmaps") } else { head.clone() }, found);
    match model_type {
        TrainModelType::BottomUp => {
            let (sigma, stride, weight) = target(fields, &format!("{head}.pafs"), 15.0);
            let pafs = &mut found.config.model.pafs;
            (pafs.sigma, pafs.stride, pafs.weight) = (sigma, stride, weight);
            fields.get(&format!("{head}.pafs.edges"));
        }
        TrainModelType::BottomUpId => {
            let (sigma, stride, weight) = target(fields, &format!("{head}.class_maps"), 5.0);
            let maps = &mut found.config.identity.class_maps;
            (maps.sigma, maps.stride, maps.weight) = (sigma, stride, weight);
            if weight > MAPS_OF_PARTS_SUFFER {
                found.notes.push(format!(
                    "identity.class_maps.weight = {weight} is taken over; 0.1, the default here, learns parts and names far sooner"
                ));
            }
            classes(fields, &format!("{head}.class_maps"), found);
        }
        TrainModelType::TopDownId => {
            let count = |key: &str, default| fields.count(&format!("{head}.class_vectors.{key}")).unwrap_or(default);
            let vectors = &mut found.config.identity.class_vectors;
            (vectors.layers, vectors.units) = (count("num_fc_layers", 1), count("num_fc_units", 64));
            vectors.weight = fields.number(&format!("{head}.class_vectors.loss_weight")).unwrap_or(1.0) as f32;
            // The vectors are always pooled from the deepest map.
            fields.get(&format!("{head}.class_vectors.global_pool"));
            fields.get(&format!("{head}.class_vectors.output_stride"));
            classes(fields, &format!("{head}.class_vectors"), found);
        }
        TrainModelType::SingleInstance | TrainModelType::TopDown | TrainModelType::Centroid => {}
    }
    Ok(())
}

fn classes(fields: &Fields, head: &str, found: &mut Imported) {
    let names = fields.get(&format!("{head}.classes")).and_then(serde_json::Value::as_array);
    let names = names.into_iter().flatten().filter_map(|name| name.as_str().map(String::from));
    found.config.identity.classes = names.collect();
}

/// Anchor and size of crops, which both count pixels of the scaled input (reference sleap-training.md, section 3.3).
pub(super) fn crops(fields: &Fields, found: &mut Imported) {
    let kind = found.config.model.model_type;
    if !has_centers(kind) {
        return;
    }
    let anchor = fields.text("data.instance_cropping.center_on_part").map(String::from);
    let top_down = &mut found.config.top_down;
    if let Some(anchor) = anchor {
        top_down.anchor_part = anchor;
    }
    let size = fields.count("data.instance_cropping.crop_size");
    if kind != TrainModelType::Centroid {
        top_down.crop_size_px = size.and_then(|s| u32::try_from(s).ok()).unwrap_or(0);
        let padding = fields
            .count("data.instance_cropping.crop_size_detection_padding")
            .map_or(CLASSIC_PADDING_PX, |px| u32::try_from(px).unwrap_or(u32::MAX));
        top_down.crop_padding_px = CropPadding::Px(padding);
    }
    notes_on_centers(found);
}

/// Whether animals have a centre in models of this type.
pub(super) fn has_centers(kind: TrainModelType) -> bool {
    matches!(kind, TrainModelType::TopDown | TrainModelType::TopDownId | TrainModelType::Centroid)
}

/// What is otherwise with centres here.
pub(super) fn notes_on_centers(found: &mut Imported) {
    if found.config.model.model_type != TrainModelType::Centroid {
        found.notes.push(NO_CENTROID.into());
    }
    if found.config.top_down.anchor_part.is_empty() {
        found
            .notes
            .push("there is no anchor part: the centre is the mean of the visible parts, not the middle of their box".into());
    }
}

/// Sigma, stride and weight of a head; what is missing has SLEAP's default.
fn target(fields: &Fields, head: &str, sigma: f64) -> (f32, usize, f32) {
    let number = |key: &str, default: f64| fields.number(&format!("{head}.{key}")).unwrap_or(default) as f32;
    (number("sigma", sigma), fields.count(&format!("{head}.output_stride")).unwrap_or(1), number("loss_weight", 1.0))
}

fn confmaps(fields: &Fields, head: &str, found: &mut Imported) {
    let (sigma, stride, weight) = target(fields, head, 5.0);
    let confmaps = &mut found.config.model.confmaps;
    (confmaps.sigma, confmaps.stride, confmaps.weight) = (sigma, stride, weight);
    if let Some(anchor) = fields.text(&format!("{head}.anchor_part")) {
        found.config.top_down.anchor_part = anchor.to_owned();
    }
    // The labels say which parts there are.
    fields.get(&format!("{head}.part_names"));
    if fields.flag(&format!("{head}.offset_refinement")) {
        found.notes.push("offset_refinement: there is no such head; peaks are refined by their neighbourhood instead".into());
    }
}

/// The UNet's shape, or that of a UNet in place of another backbone.
pub(super) fn backbone(fields: &Fields, found: &mut Imported) {
    let at = |key: &str| format!("model.backbone.unet.{key}");
    let model = &mut found.config.model;
    for (other, default_stride) in OTHER_BACKBONES {
        let path = format!("model.backbone.{other}");
        if fields.peek(&path).is_none() {
            continue;
        }
        let stride = fields.count(&format!("{path}.max_stride")).unwrap_or(default_stride);
        fields.get(&path);
        model.max_stride = stride;
        found.notes.push(format!(
            "model.backbone.{other}: there is no such backbone; a UNet of the same max stride ({stride}), untrained and with default widths, stands for it"
        ));
        return;
    }
    model.filters = fields.count(&at("filters")).unwrap_or(64);
    model.filters_rate = fields.number(&at("filters_rate")).unwrap_or(2.0);
    model.max_stride = fields.count(&at("max_stride")).unwrap_or(16);
    model.stem_stride = fields.count(&at("stem_stride")).unwrap_or(0);
    model.middle_block = fields.get(&at("middle_block")).and_then(serde_json::Value::as_bool).unwrap_or(true);
    model.upsampling = if fields.flag(&at("up_interpolate")) { Upsampling::Bilinear } else { Upsampling::Transposed };
    // The heads say at which strides maps are wanted.
    fields.get(&at("output_stride"));
    if let Some(stacks) = fields.count(&at("stacks")).filter(|stacks| *stacks != 1) {
        found.notes.push(format!("model.backbone.unet.stacks = {stacks}: networks are not stacked here; there is one"));
    }
    let own = fields.count("data.preprocessing.pad_to_stride").filter(|pad| *pad > 1 && *pad != model.max_stride);
    if let Some(pad) = own {
        found.notes.push(format!("data.preprocessing.pad_to_stride = {pad}: inputs are padded to multiples of the max stride"));
    }
}
