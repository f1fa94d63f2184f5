//! What `training_config.json` says about a trained model (reference sleap-training.md, section 2.1).

use super::heads::wanted_heads;
use crate::config::TrainModelType;
use crate::dataset::read_skeleton_json;
use crate::error::{Error, Result};
use crate::import::fields::Fields;
use crate::import::heads::CLASSIC_HEADS;
use crate::import::remarks::{Reasons, listed, remarks, short, short_value};
use dormouse::Skeleton;
use dormouse::config::HeadKind;
use serde_json::Value;
use std::path::Path;

/// Fields that say nothing about how a trained model is used.
const REASONS: &Reasons = &[
    ("data.labels", None),
    ("data.instance_cropping", None),
    ("data.preprocessing.resize_and_pad_to_target", None),
    ("data.preprocessing.target_", Some("SLEAP scales frames of other sizes to it; here frames keep their size")),
    ("model.backbone", None),
    ("model.base_checkpoint", None),
    ("model.heads", None),
    ("optimization", None),
    ("outputs", None),
    ("sleap_version", None),
];

/// The part of the configuration that a runtime needs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TrainingConfig {
    pub kind: TrainModelType,
    /// Nodes and edges in the order of the network's channels.
    pub skeleton: Skeleton,
    /// Individuals, in the order of the channels.
    pub classes: Vec<String>,
    /// Part that a centroid is.
    pub anchor: Option<String>,
    /// Input pixels per frame pixel.
    pub input_scale: f32,
    /// Sides of inputs are multiples of it.
    pub pad_to_stride_px: usize,
    /// Side of crops in input pixels.
    pub crop_size_px: Option<usize>,
    /// Channels by the switches `ensure_rgb` and `ensure_grayscale`, where one is on.
    pub channels: Option<usize>,
    /// Strides that the heads were asked to have.
    pub strides_px: Vec<(HeadKind, Option<usize>)>,
    /// File of the training labels, without its folder.
    pub labels: String,
    /// SLEAP that trained it.
    pub sleap_version: String,
    /// What is different here, one sentence each.
    pub notes: Vec<String>,
}

/// Reads the text of the file at `path`.
///
/// # Errors
/// [`Error::BadFile`] when it is no such file or lacks what is needed.
pub(super) fn read_training_config(text: &str, path: &Path) -> Result<TrainingConfig> {
    let fields = Fields::parse(text, path)?;
    let fault = |what: &str| Error::bad_file(path, "training configuration", what);
    let (head, kind) = head(&fields).map_err(|what| fault(&what))?;
    if let Some(mode) = fields.get("data.preprocessing.imagenet_mode") {
        let mode = short_value(mode);
        return Err(fault(&format!("data.preprocessing.imagenet_mode = {mode} is not supported: networks get values of 0 to 1")));
    }
    let stored = read_skeleton_json(text);
    let skeleton = skeleton(&fields, &head, kind, stored.as_ref().ok());
    let skeleton = skeleton.map_err(|what| match &stored {
        Err(why) => fault(&format!("{what} ({why})")),
        Ok(_) => fault(&what),
    })?;
    let strides_px = wanted_heads(kind).iter().map(|wanted| {
        let settings = format!("{head}{}", wanted.settings);
        (wanted.kind, fields.count(&format!("{settings}.output_stride")))
    });
    let strides_px = strides_px.collect();
    let anchors =
        [format!("{head}.anchor_part"), format!("{head}.confmaps.anchor_part"), "data.instance_cropping.center_on_part".into()];
    let anchor = anchors.iter().find_map(|key| fields.text(key)).map(String::from);
    let mut notes = missing(&fields, &stored);
    let anchor = known_anchor(anchor, &skeleton, &mut notes);
    let classes = ["class_maps", "class_vectors"].iter().flat_map(|key| fields.texts(&format!("{head}.{key}.classes")));
    let (rgb, gray) = (fields.flag("data.preprocessing.ensure_rgb"), fields.flag("data.preprocessing.ensure_grayscale"));
    let labels = fields.text("data.labels.training_labels").unwrap_or_default();
    let mut config = TrainingConfig {
        kind,
        skeleton,
        classes: classes.collect(),
        anchor,
        input_scale: fields.number("data.preprocessing.input_scaling").unwrap_or(1.0) as f32,
        pad_to_stride_px: fields.count("data.preprocessing.pad_to_stride").unwrap_or(1).max(1),
        crop_size_px: fields.count("data.instance_cropping.crop_size").filter(|px| *px > 0),
        channels: if rgb { Some(3) } else { gray.then_some(1) },
        strides_px,
        labels: labels.rsplit(['/', '\\']).next().unwrap_or_default().to_owned(),
        sleap_version: fields.text("sleap_version").unwrap_or("of unknown version").to_owned(),
        notes,
    };
    config.notes.extend(fields.odd());
    config.notes.extend(remarks(&fields.left(), REASONS));
    Ok(config)
}

/// What stands in for fields that are not there.
fn missing(fields: &Fields, stored: &Result<Skeleton>) -> Vec<String> {
    let mut notes = Vec::new();
    if fields.peek("data.preprocessing.input_scaling").is_none() {
        notes.push("there is no data.preprocessing.input_scaling: 1 is taken".into());
    }
    let skeletons = fields.peek("data.labels.skeletons").and_then(Value::as_array);
    if let (Err(why), Some([_, ..])) = (stored, skeletons.map(Vec::as_slice)) {
        notes.push(short(&format!("data.labels.skeletons is left out, and symmetries with it: {why}"), 300));
    }
    notes
}

/// The part that centroids are, if the skeleton has it. A centroid model's skeleton may have no parts, so that nothing can be said there.
pub(super) fn known_anchor(anchor: Option<String>, skeleton: &Skeleton, notes: &mut Vec<String>) -> Option<String> {
    let (known, unknown) = match anchor {
        Some(part) if !skeleton.nodes.is_empty() && skeleton.node_index(&part).is_none() => (None, Some(part)),
        known => (known, None),
    };
    notes.extend(unknown.map(|part| {
        let part = short(&part, 120);
        format!("the anchor part {part:?} is none of the skeleton's ({}): none is taken", listed(&skeleton.nodes))
    }));
    known
}

/// Path and kind of the one head that is set.
fn head(fields: &Fields) -> Result<(String, TrainModelType), String> {
    if fields.peek("model.heads").is_none() {
        return Err("there is no `model.heads`: this is no training_config.json of classic SLEAP".into());
    }
    let set: Vec<_> = CLASSIC_HEADS.iter().filter(|(name, _)| fields.peek(&format!("model.heads.{name}")).is_some()).collect();
    match set.as_slice() {
        [(name, kind)] => Ok((format!("model.heads.{name}"), *kind)),
        _ => {
            let names: Vec<&str> = set.iter().map(|(name, _)| *name).collect();
            let known: Vec<&str> = CLASSIC_HEADS.iter().map(|(name, _)| *name).collect();
            Err(format!("a model has exactly one head out of {}; this one has {}: {names:?}", known.join(", "), names.len()))
        }
    }
}

/// Parts by the head's `part_names`, edges by its `edges`: those are the network's channels. The labels' skeleton stands in for what is
/// missing, and gives the symmetries.
fn skeleton(fields: &Fields, head: &str, kind: TrainModelType, stored: Option<&Skeleton>) -> Result<Skeleton, String> {
    let named = [format!("{head}.part_names"), format!("{head}.confmaps.part_names")];
    let nodes = named.iter().map(|key| fields.texts(key)).find(|names| !names.is_empty());
    let nodes = nodes.or_else(|| stored.map(|s| s.nodes.clone())).unwrap_or_default();
    if nodes.is_empty() && kind == TrainModelType::Centroid {
        return Ok(Skeleton { name: String::new(), nodes, edges: Vec::new(), symmetries: Vec::new() });
    }
    if nodes.is_empty() {
        return Err("neither part_names nor a skeleton tell the parts".into());
    }
    if nodes.len() > Skeleton::MAX_NODES {
        return Err(format!("{} parts are more than {}: {}", nodes.len(), Skeleton::MAX_NODES, listed(&nodes)));
    }
    let index = |name: &str| nodes.iter().position(|node| node == name).and_then(|at| u16::try_from(at).ok());
    let by_name = |pairs: &[(u16, u16)]| -> Vec<(u16, u16)> {
        let name = |at: u16| stored.and_then(|s| s.nodes.get(usize::from(at)));
        pairs.iter().filter_map(|&(a, b)| index(name(a)?).zip(index(name(b)?))).collect()
    };
    let edges = match fields.get(&format!("{head}.pafs.edges")).and_then(Value::as_array) {
        None => stored.map(|s| by_name(&s.edges)).unwrap_or_default(),
        Some(pairs) => {
            let end = |pair: &Value, at: usize| pair.get(at).and_then(Value::as_str).and_then(index);
            let edges = pairs.iter().map(|pair| end(pair, 0).zip(end(pair, 1))).collect::<Option<Vec<_>>>();
            edges.ok_or_else(|| format!("{head}.pafs.edges must be pairs of names out of {}", listed(&nodes)))?
        }
    };
    let symmetries = stored.map(|s| by_name(&s.symmetries)).unwrap_or_default();
    let name = stored.map_or_else(|| "skeleton".into(), |s| s.name.clone());
    let skeleton = Skeleton { name, nodes, edges, symmetries };
    skeleton.validate().map_err(|e| e.to_string())?;
    Ok(skeleton)
}

#[cfg(test)]
#[path = "training_config_tests.rs"]
mod tests;
