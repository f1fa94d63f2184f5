//! One model, or a centroid model and one of centered instances, as the configuration of a bundle.

use super::heads::words;
use super::read::SleapModel;
use super::training_config::known_anchor;
use crate::config::TrainModelType;
use crate::error::{Error, Result};
use dormouse::config::{
    CENTROID_NETWORK, GroupingConfig, INSTANCE_NETWORK, IdentityConfig, Limits, ModelType, NetworkConfig, PeakConfig, Provenance,
    TopDownConfig,
};
use dormouse::{Config, Skeleton};

/// Name of the network of models that see whole frames.
const POSE_NETWORK: &str = "pose";
/// SLEAP's threshold of centroids.
const CENTROID_THRESHOLD: f32 = 0.2;

/// The configuration of a bundle called `name`, its models in the order of its networks, and notes on what does not fit exactly.
///
/// # Errors
/// [`Error::Data`] for models that do not belong together, or a model of centered instances without its centroid model.
pub fn combine<'a>(
    first: &'a SleapModel,
    second: Option<&'a SleapModel>,
    name: &str,
) -> Result<(Config, Vec<&'a SleapModel>, Vec<String>)> {
    let models = order(first, second)?;
    let main = models[models.len() - 1];
    let mut notes = Vec::new();
    let model_type = match main.config.kind {
        TrainModelType::SingleInstance => ModelType::SingleInstance,
        TrainModelType::BottomUp => ModelType::BottomUp,
        TrainModelType::Centroid => ModelType::Centroid,
        TrainModelType::TopDown => ModelType::TopDown,
        TrainModelType::BottomUpId => ModelType::BottomUpId,
        TrainModelType::TopDownId => ModelType::TopDownId,
    };
    let anchor = anchor(&models, &mut notes);
    let skeleton = if model_type == ModelType::Centroid { centers(anchor.as_deref()) } else { main.config.skeleton.clone() };
    let anchor_part = match (&anchor, model_type) {
        (_, ModelType::Centroid) => Some(0),
        (Some(part), _) => skeleton.node_index(part).and_then(|at| u16::try_from(at).ok()),
        (None, _) => None,
    };
    let names: &[&str] = match model_type {
        ModelType::TopDown | ModelType::TopDownId => &[CENTROID_NETWORK, INSTANCE_NETWORK],
        ModelType::Centroid => &[CENTROID_NETWORK],
        _ => &[POSE_NETWORK],
    };
    let network = |(model, name): (&&SleapModel, &&str)| NetworkConfig { name: (*name).into(), ..model.described.clone() };
    let top_down = TopDownConfig {
        anchor_part,
        crop_size_px: if model_type.has_crops() { crop_size_px(main, &mut notes)? } else { 0 },
        centroid_threshold: CENTROID_THRESHOLD,
        min_centroid_distance_px: 0.0,
    };
    let config = Config {
        name: name.to_owned(),
        model_type,
        skeleton,
        networks: models.iter().zip(names).map(network).collect(),
        peaks: PeakConfig::default(),
        grouping: GroupingConfig::default(),
        limits: Limits::default(),
        provenance: Provenance {
            producer: format!("dormouse {}, imported from SLEAP {}", env!("CARGO_PKG_VERSION"), main.config.sleap_version),
            config_hash: main.config_sha256.clone(),
            labels: main.config.labels.clone(),
            seed: 0,
        },
        top_down: model_type.has_centroids().then_some(top_down),
        identity: model_type.has_identity().then(|| IdentityConfig { classes: main.config.classes.clone() }),
    };
    Ok((config, models, notes))
}

/// The centroid model first.
fn order<'a>(first: &'a SleapModel, second: Option<&'a SleapModel>) -> Result<Vec<&'a SleapModel>> {
    let is_centroid = |model: &SleapModel| model.config.kind == TrainModelType::Centroid;
    let has_crops = |model: &SleapModel| matches!(model.config.kind, TrainModelType::TopDown | TrainModelType::TopDownId);
    match second {
        None if has_crops(first) => Err(Error::Data(format!(
            "{} is {}, which looks at crops around centroids: give the folder of its centroid model as well",
            first.weights.display(),
            words(first.config.kind)
        ))),
        None => Ok(vec![first]),
        Some(second) if is_centroid(first) && has_crops(second) => Ok(vec![first, second]),
        Some(second) if has_crops(first) && is_centroid(second) => Ok(vec![second, first]),
        Some(second) => Err(Error::Data(format!(
            "two models make one bundle where one finds centroids and the other looks at centered instances; these are {} and {}",
            words(first.config.kind),
            words(second.config.kind)
        ))),
    }
}

/// The part that centroids are, by the model that finds them.
fn anchor(models: &[&SleapModel], notes: &mut Vec<String>) -> Option<String> {
    let anchors: Vec<Option<&str>> = models.iter().map(|model| model.config.anchor.as_deref()).collect();
    if let [centroid, instance] = anchors.as_slice()
        && centroid != instance
    {
        let written = |anchor: &Option<&str>| anchor.unwrap_or("none").to_owned();
        notes.push(format!(
            "the centroid model's anchor part is {}, that of the centered-instance model {}: crops are centred on the first",
            written(centroid),
            written(instance)
        ));
    }
    let anchor = anchors.first().copied().flatten().map(str::to_owned);
    match models {
        [_, instance] => known_anchor(anchor, &instance.config.skeleton, notes),
        _ => anchor,
    }
}

/// The skeleton of a model that finds centres alone.
fn centers(anchor: Option<&str>) -> Skeleton {
    Skeleton {
        name: "centroid".into(),
        nodes: vec![anchor.unwrap_or("centroid").into()],
        edges: Vec::new(),
        symmetries: Vec::new(),
    }
}

/// Side of crops: the configured one, or the side of the network's input; a multiple of what the network needs.
fn crop_size_px(instance: &SleapModel, notes: &mut Vec<String>) -> Result<u32> {
    let square = match instance.network.sides_px {
        [Some(height), Some(width)] if height == width => Some(height),
        _ => None,
    };
    let size = instance.config.crop_size_px.or(square).ok_or_else(|| {
        Error::Data(format!("{}: the configuration has no data.instance_cropping.crop_size", instance.weights.display()))
    })?;
    let pad = instance.described.preprocess.pad_to_stride_px;
    let size = u32::try_from(size).unwrap_or(u32::MAX / 2).min(u32::MAX / 2);
    let whole = size.next_multiple_of(pad);
    if let (Some(said), Some(saved)) = (instance.config.crop_size_px, square)
        && saved != said
        && saved != whole as usize
    {
        let what = format!("the configuration says crops of {said} px, the network was saved for {saved} px");
        notes.push(format!("{what}: the configuration counts"));
    }
    if whole != size {
        notes.push(format!("crops of {size} px become {whole} px, a multiple of the network's max stride {pad}"));
    }
    Ok(whole)
}
