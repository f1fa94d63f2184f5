//! The heads of each network, with what their training needs.

use super::{Stage, TrainConfig, TrainModelType};
use crate::model::{HeadSpec, PoseNetConfig};
use dormouse::Skeleton;
use dormouse::config::HeadKind;

/// One head of a network.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadPlan {
    /// The layers.
    pub spec: HeadSpec,
    /// Width of its target: cells for bumps, input pixels for affinity fields (SLEAP's units); class vectors have none (1).
    pub sigma: f32,
    /// Weight of its loss.
    pub weight: f32,
}

impl TrainConfig {
    /// The heads of a network, in output order, for animals of this skeleton and so many known individuals. To be asked of the
    /// configuration that [`Self::stage`] gives.
    pub fn heads(&self, stage: Stage, skeleton: &Skeleton, classes: usize) -> Vec<HeadPlan> {
        let (confmaps, pafs, identity) = (&self.model.confmaps, &self.model.pafs, &self.identity);
        let bumps = |kind, output, channels| HeadPlan {
            spec: HeadSpec::new(kind, output, channels, confmaps.stride),
            sigma: confmaps.sigma,
            weight: confmaps.weight,
        };
        if stage == Stage::Centroid {
            return vec![bumps(HeadKind::Centroids, "centroids", 1)];
        }
        let mut heads = vec![bumps(HeadKind::ConfidenceMaps, "confmaps", skeleton.nodes.len())];
        match self.model.model_type {
            TrainModelType::BottomUp => heads.push(HeadPlan {
                spec: HeadSpec::new(HeadKind::PartAffinityFields, "pafs", 2 * skeleton.edges.len(), pafs.stride),
                sigma: pafs.sigma,
                weight: pafs.weight,
            }),
            TrainModelType::BottomUpId => heads.push(HeadPlan {
                spec: HeadSpec::new(HeadKind::ClassMaps, "class_maps", classes, identity.class_maps.stride),
                sigma: identity.class_maps.sigma,
                weight: identity.class_maps.weight,
            }),
            TrainModelType::TopDownId => {
                let vectors = &identity.class_vectors;
                let spec = HeadSpec::new(HeadKind::ClassVectors, "class_vectors", classes, self.model.max_stride);
                let spec = HeadSpec { hidden: vec![vectors.units; vectors.layers], ..spec };
                heads.push(HeadPlan { spec, sigma: 1.0, weight: vectors.weight });
            }
            TrainModelType::SingleInstance | TrainModelType::TopDown | TrainModelType::Centroid => {}
        }
        heads
    }

    /// The network with these heads.
    pub fn network(&self, heads: &[HeadPlan]) -> PoseNetConfig {
        let in_channels = self.preprocess.to_runtime(self.model.max_stride).color.channels();
        let heads = heads.iter().map(|h| h.spec.clone()).collect();
        PoseNetConfig { in_channels, backbone: self.model.backbone(), heads }
    }
}
