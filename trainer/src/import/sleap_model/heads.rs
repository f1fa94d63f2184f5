//! Which outputs a kind of model has, by the names of SLEAP's Keras layers.

use crate::config::TrainModelType;
use dormouse::config::HeadKind;

/// One output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WantedHead {
    pub kind: HeadKind,
    /// Part of the layer's name; of several outputs SLEAP takes the first that has it.
    pub layer: &'static str,
    /// Where below the head its settings stand; empty for the head itself.
    pub settings: &'static str,
}

const SINGLE: WantedHead = WantedHead { kind: HeadKind::ConfidenceMaps, layer: "SingleInstanceConfmapsHead", settings: "" };
const CENTROID: WantedHead = WantedHead { kind: HeadKind::Centroids, layer: "CentroidConfmapsHead", settings: "" };
const CENTERED: WantedHead = WantedHead { kind: HeadKind::ConfidenceMaps, layer: "CenteredInstanceConfmapsHead", settings: "" };
const CENTERED_ID: WantedHead = WantedHead { settings: ".confmaps", ..CENTERED };
const MULTI: WantedHead =
    WantedHead { kind: HeadKind::ConfidenceMaps, layer: "MultiInstanceConfmapsHead", settings: ".confmaps" };
const FIELDS: WantedHead = WantedHead { kind: HeadKind::PartAffinityFields, layer: "PartAffinityFieldsHead", settings: ".pafs" };
const CLASS_MAPS: WantedHead = WantedHead { kind: HeadKind::ClassMaps, layer: "ClassMapsHead", settings: ".class_maps" };
const CLASS_VECTORS: WantedHead =
    WantedHead { kind: HeadKind::ClassVectors, layer: "ClassVectorsHead", settings: ".class_vectors" };

/// The outputs that the runtime decodes.
pub(super) const fn wanted_heads(kind: TrainModelType) -> &'static [WantedHead] {
    match kind {
        TrainModelType::SingleInstance => &[SINGLE],
        TrainModelType::BottomUp => &[MULTI, FIELDS],
        TrainModelType::Centroid => &[CENTROID],
        TrainModelType::TopDown => &[CENTERED],
        TrainModelType::BottomUpId => &[MULTI, CLASS_MAPS],
        TrainModelType::TopDownId => &[CENTERED_ID, CLASS_VECTORS],
    }
}

/// What a model of that kind does, for messages.
pub(super) const fn words(kind: TrainModelType) -> &'static str {
    match kind {
        TrainModelType::SingleInstance => "a single-instance model",
        TrainModelType::BottomUp => "a bottom-up model",
        TrainModelType::Centroid => "a centroid model",
        TrainModelType::TopDown => "a centered-instance model",
        TrainModelType::BottomUpId => "a multi-class bottom-up model",
        TrainModelType::TopDownId => "a multi-class centered-instance model",
    }
}
