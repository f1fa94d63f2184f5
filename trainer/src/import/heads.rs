//! Model type, heads and backbone of a profile.

use super::fields::Fields;
use super::profile::Imported;
use crate::config::TrainModelType;
use crate::error::{Error, Result};
use crate::model::Upsampling;

/// Backbones that are not there, with the default of their max stride.
const OTHER_BACKBONES: [(&str, usize); 4] = [("leap", 8), ("hourglass", 64), ("resnet", 32), ("pretrained_encoder", 32)];

/// Finds the one head that is set and takes over its targets.
pub(super) fn model_type_and_heads(fields: &Fields, found: &mut Imported) -> Result<()> {
    let kinds =
        ["single_instance", "multi_instance", "centroid", "centered_instance", "multi_class_bottomup", "multi_class_topdown"];
    let set: Vec<&str> = kinds.into_iter().filter(|kind| fields.peek(&format!("model.heads.{kind}")).is_some()).collect();
    let [kind] = set.as_slice() else {
        return Err(Error::Data(format!("a profile has exactly one head; this one has {}: {set:?}", set.len())));
    };
    let head = format!("model.heads.{kind}");
    match *kind {
        "single_instance" => {
            found.config.model.model_type = TrainModelType::SingleInstance;
            confmaps(fields, &head, found);
        }
        "multi_instance" => {
            found.config.model.model_type = TrainModelType::BottomUp;
            confmaps(fields, &format!("{head}.confmaps"), found);
            let (sigma, stride, weight) = target(fields, &format!("{head}.pafs"), 15.0);
            let pafs = &mut found.config.model.pafs;
            (pafs.sigma, pafs.stride, pafs.weight) = (sigma, stride, weight);
            fields.get(&format!("{head}.pafs.edges"));
        }
        other => {
            return Err(Error::Data(format!(
                "profiles of kind `{other}` cannot be taken over; single_instance and multi_instance (bottom-up) can"
            )));
        }
    }
    Ok(())
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
