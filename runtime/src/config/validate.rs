//! The rules that a configuration must keep, so that later code may rely on them.

use super::{
    CENTROID_NETWORK, Config, GroupingConfig, HeadKind, INSTANCE_NETWORK, IdentityConfig, Limits, MinInstancePeaks, ModelType,
    NetworkConfig, PeakConfig, PreprocessConfig, TopDownConfig,
};
use crate::error::Error;

/// Most values that the crops of one frame may have together (256 MiB of floats), so that a bundle cannot ask for any amount.
const MAX_CROP_VALUES: u64 = 1 << 26;

impl Config {
    /// Checks every field and their agreement, so that later code may rely on it.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] naming the first field at fault.
    pub fn validate(&self) -> Result<(), Error> {
        self.skeleton.validate()?;
        self.peaks.validate()?;
        self.grouping.validate()?;
        self.limits.validate()?;
        self.networks.iter().try_for_each(NetworkConfig::validate)?;
        self.validate_networks()?;
        match (&self.top_down, self.model_type.has_centroids()) {
            (Some(top_down), true) => top_down.validate(self)?,
            (None, true) => return invalid("top_down", "model types with a centroid network need it"),
            (Some(_), false) => return invalid("top_down", "belongs to model types with a centroid network only"),
            (None, false) => {}
        }
        match (&self.identity, self.model_type.has_identity()) {
            (Some(identity), true) => identity.validate()?,
            (None, true) => return invalid("identity", "model types with known individuals need it"),
            (Some(_), false) => return invalid("identity", "belongs to model types with known individuals only"),
            (None, false) => {}
        }
        Ok(())
    }

    /// Which networks and heads each model type needs.
    fn validate_networks(&self) -> Result<(), Error> {
        use HeadKind::{Centroids, ClassMaps, ClassVectors, ConfidenceMaps, PartAffinityFields};
        match self.model_type {
            ModelType::SingleInstance => self.only_network()?.needs(&[ConfidenceMaps]),
            ModelType::BottomUp if self.skeleton.edges.is_empty() => {
                invalid("skeleton.edges", "bottom-up needs at least one edge")
            }
            ModelType::BottomUp => self.only_network()?.needs(&[ConfidenceMaps, PartAffinityFields]),
            ModelType::BottomUpId => self.only_network()?.needs(&[ConfidenceMaps, ClassMaps]),
            ModelType::Centroid if self.skeleton.nodes.len() != 1 => {
                invalid("skeleton.nodes", "the skeleton of a centroid model is one node")
            }
            ModelType::Centroid => {
                let network = self.only_network()?;
                if network.name != CENTROID_NETWORK {
                    return invalid("networks.name", "the network of a centroid model is called \"centroid\"");
                }
                network.needs(&[Centroids])
            }
            ModelType::TopDown => self.second_network()?.needs(&[ConfidenceMaps]),
            ModelType::TopDownId => self.second_network()?.needs(&[ConfidenceMaps, ClassVectors]),
        }
    }

    fn only_network(&self) -> Result<&NetworkConfig, Error> {
        match self.networks.as_slice() {
            [network] => Ok(network),
            _ => invalid("networks", "this model type needs exactly one network"),
        }
    }

    /// The instance network of a top-down model whose centroid network is in order.
    fn second_network(&self) -> Result<&NetworkConfig, Error> {
        match self.networks.as_slice() {
            [first, second] if first.name == CENTROID_NETWORK && second.name == INSTANCE_NETWORK => {
                first.needs(&[HeadKind::Centroids])?;
                Ok(second)
            }
            _ => invalid("networks", "top-down models need two networks, \"centroid\" and then \"instance\""),
        }
    }
}

impl TopDownConfig {
    fn validate(&self, config: &Config) -> Result<(), Error> {
        if self.anchor_part.is_some_and(|part| usize::from(part) >= config.skeleton.nodes.len()) {
            return invalid("top_down.anchor_part", "names a node that does not exist");
        }
        if !(0.0..=1.0).contains(&self.centroid_threshold) {
            return invalid("top_down.centroid_threshold", "must be 0 to 1");
        }
        if !(self.min_centroid_distance_px >= 0.0 && self.min_centroid_distance_px.is_finite()) {
            return invalid("top_down.min_centroid_distance_px", "must be finite and not negative");
        }
        let Some(instance) = config.networks.get(1).filter(|_| config.model_type.has_crops()) else {
            return match self.crop_size_px {
                0 => Ok(()),
                _ => invalid("top_down.crop_size_px", "must be 0 for a model without an instance network"),
            };
        };
        let preprocess = &instance.preprocess;
        if self.crop_size_px == 0 || !self.crop_size_px.is_multiple_of(preprocess.pad_to_stride_px) {
            return invalid("top_down.crop_size_px", "must be a positive multiple of the instance network's pad_to_stride_px");
        }
        let side = u64::from(self.crop_size_px);
        let crop = side.saturating_mul(side).saturating_mul(preprocess.color.channels() as u64);
        if crop.saturating_mul(config.limits.max_instances.into()) > MAX_CROP_VALUES {
            return invalid("top_down.crop_size_px", "max_instances crops of this size have more than 2^26 values");
        }
        Ok(())
    }
}

impl IdentityConfig {
    fn validate(&self) -> Result<(), Error> {
        if !(1..=255).contains(&self.classes.len()) {
            return invalid("identity.classes", "must have 1 to 255 names");
        }
        let unique = self.classes.iter().enumerate().all(|(i, name)| !self.classes[..i].contains(name));
        if !unique || self.classes.iter().any(|name| name.is_empty()) {
            return invalid("identity.classes", "names must be unique and not empty");
        }
        Ok(())
    }
}

impl NetworkConfig {
    /// Whether all these heads are there.
    fn needs(&self, kinds: &[HeadKind]) -> Result<(), Error> {
        kinds.iter().try_for_each(|&kind| match (self.head(kind), kind) {
            (Some(_), _) => Ok(()),
            (None, HeadKind::ConfidenceMaps) => invalid("networks.heads", "a confidence-map head is needed"),
            (None, HeadKind::PartAffinityFields) => invalid("networks.heads", "bottom-up needs a part-affinity-field head"),
            (None, HeadKind::Centroids) => invalid("networks.heads", "the centroid network needs a centroid head"),
            (None, HeadKind::ClassMaps) => invalid("networks.heads", "bottom-up with identity needs a class-map head"),
            (None, HeadKind::ClassVectors) => invalid("networks.heads", "top-down with identity needs a class-vector head"),
        })
    }

    fn validate(&self) -> Result<(), Error> {
        if self.name.is_empty() || self.name.len() > 32 {
            return invalid("networks.name", "must have 1 to 32 bytes");
        }
        self.preprocess.validate()?;
        if self.heads.is_empty() || self.heads.len() > 8 {
            return invalid("networks.heads", "a network has 1 to 8 heads");
        }
        for (i, head) in self.heads.iter().enumerate() {
            if self.heads[..i].iter().any(|h| h.kind == head.kind || h.output == head.output) {
                return invalid("networks.heads", "each kind and each output may appear once");
            }
            let stride = head.stride_px;
            if stride == 0 || !self.preprocess.pad_to_stride_px.is_multiple_of(stride) {
                return invalid("networks.heads.stride_px", "must divide pad_to_stride_px");
            }
        }
        Ok(())
    }
}

impl PreprocessConfig {
    /// Checks scale and stride.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] naming the field at fault.
    pub fn validate(&self) -> Result<(), Error> {
        if !(self.input_scale > 0.0 && self.input_scale <= 8.0) {
            return invalid("preprocess.input_scale", "must be above 0 and at most 8");
        }
        if !(1..=256).contains(&self.pad_to_stride_px) {
            return invalid("preprocess.pad_to_stride_px", "must be 1 to 256");
        }
        Ok(())
    }
}

impl PeakConfig {
    fn validate(&self) -> Result<(), Error> {
        if (0.0..=1.0).contains(&self.threshold) { Ok(()) } else { invalid("peaks.threshold", "must be 0 to 1") }
    }
}

impl GroupingConfig {
    fn validate(&self) -> Result<(), Error> {
        if !(2..=64).contains(&self.line_samples) {
            return invalid("grouping.line_samples", "must be 2 to 64");
        }
        if !(self.max_edge_length_ratio > 0.0 && self.max_edge_length_ratio.is_finite()) {
            return invalid("grouping.max_edge_length_ratio", "must be positive and finite");
        }
        if !(self.dist_penalty_weight >= 0.0 && self.dist_penalty_weight.is_finite()) {
            return invalid("grouping.dist_penalty_weight", "must be finite and not negative");
        }
        if !self.min_line_score.is_finite() {
            return invalid("grouping.min_line_score", "must be finite");
        }
        if let MinInstancePeaks::Fraction(f) = self.min_instance_peaks
            && !(0.0..=1.0).contains(&f)
        {
            return invalid("grouping.min_instance_peaks", "a fraction must be 0 to 1");
        }
        Ok(())
    }
}

impl Limits {
    fn validate(&self) -> Result<(), Error> {
        if !(1..=1024).contains(&self.max_instances) {
            return invalid("limits.max_instances", "must be 1 to 1024");
        }
        if !(1..=1024).contains(&self.max_peaks) {
            return invalid("limits.max_peaks", "must be 1 to 1024");
        }
        Ok(())
    }
}

fn invalid<T>(field: &'static str, what: &'static str) -> Result<T, Error> {
    Err(Error::InvalidConfig { field, what })
}
