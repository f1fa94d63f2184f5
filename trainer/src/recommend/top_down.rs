//! What models with a centroid network need beside the settings of the network that sees crops.

use super::settings::{Facts, Recommendation};
use crate::config::TrainModelType;
use crate::model::{UnetConfig, receptive_field_px};
use toml::{Table, Value};

/// Width of SLEAP's `baseline.centroid` (reference sleap-training.md, section 9): 16 channels, with 1.5 in place of 2 as growth.
const FILTERS: i64 = 16;
const FILTERS_RATE: f64 = 1.5;
const MAX_STRIDE: usize = 16;
const STRIDE: i64 = 2;
const SIGMA: f64 = 2.5;
/// Centres survive a coarse image, but an animal must not become smaller than this.
const LEAST_ANIMAL_PX: f64 = 24.0;

/// Anchor, and the centroid network: a coarse view of the whole frame, so that its field holds the animals.
pub(super) fn networks(facts: &Facts<'_>, found: &mut Recommendation) {
    let kind = found.config.model.model_type;
    if !matches!(kind, TrainModelType::TopDown | TrainModelType::TopDownId | TrainModelType::Centroid) {
        return;
    }
    found.config.top_down.anchor_part = facts.wishes.anchor.clone().unwrap_or_default();
    let reason = match &facts.wishes.anchor {
        Some(_) => "Centre of an animal: the most central part among those that nearly all animals show.",
        None => "No part is central and nearly always visible: the mean of the visible parts is the centre.",
    };
    found.because("top_down.anchor_part", reason);
    let animal_px = facts.sizes.diagonal_median_px;
    let field_px = receptive_field_px(&UnetConfig { max_stride: MAX_STRIDE, ..UnetConfig::default() }.into()) as f64;
    let mut scale = f64::from(found.config.preprocess.input_scale) / 2.0;
    while field_px / scale < facts.sizes.diagonal_p95_px && animal_px * scale / 2.0 >= LEAST_ANIMAL_PX {
        scale /= 2.0;
    }
    let section = |pairs: Vec<(&str, Value)>| Value::Table(pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect());
    let confmaps = section(vec![("sigma", Value::Float(SIGMA)), ("stride", Value::Integer(STRIDE))]);
    let model = section(vec![
        ("filters", Value::Integer(FILTERS)),
        ("filters_rate", Value::Float(FILTERS_RATE)),
        ("max_stride", Value::Integer(MAX_STRIDE as i64)),
        ("confmaps", confmaps),
    ]);
    let preprocess = section(vec![("input_scale", Value::Float(scale))]);
    found.config.centroid = Table::from_iter([("model".to_owned(), model), ("preprocess".to_owned(), preprocess)]);
    found.because("centroid", "The network that finds the centres: what differs from the settings above.");
    let sees = (field_px / scale).floor();
    found.because("centroid.preprocess.input_scale", format!("A coarse view: the receptive field is {sees} px of the frame."));
}
