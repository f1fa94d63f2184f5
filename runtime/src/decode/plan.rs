//! What an engine that decodes by itself has to look for.

use crate::config::{Config, HeadKind, ModelType, NetworkConfig, Refinement};
use crate::decode::{BottomUp, BottomUpId, PeakBuffer, global_peak, local_peaks, refine_peak};
use crate::engine::{CropPlan, DecodePlan, Find, PeakLists, PeakPlan};
use crate::error::Error;
use crate::tensor::Maps;

/// The plan for the first network of a validated configuration: that of the model, or of its centroids.
///
/// # Errors
/// [`Error::InvalidConfig`] if a head that the model type needs is missing.
pub fn decode_plan(config: &Config) -> Result<DecodePlan, Error> {
    let output = |kind| {
        let found = config.networks.first().and_then(|n| n.heads.iter().position(|h| h.kind == kind));
        found.ok_or(Error::InvalidConfig { field: "networks.heads", what: "a head that the model type needs is missing" })
    };
    let local = Find::Local { max_peaks: config.limits.max_peaks as usize };
    let plan = |kind, find, threshold| {
        let refinement = config.peaks.refinement;
        Ok::<_, Error>(PeakPlan { output: output(kind)?, threshold, refinement, find, on_cpu })
    };
    let threshold = config.peaks.threshold;
    match config.model_type {
        ModelType::SingleInstance => {
            Ok(DecodePlan { peaks: plan(HeadKind::ConfidenceMaps, Find::Global, threshold)?, scores: None })
        }
        ModelType::BottomUp => {
            let peaks = plan(HeadKind::ConfidenceMaps, local, threshold)?;
            Ok(BottomUp::new(config)?.plan(peaks, output(HeadKind::PartAffinityFields)?, config.grouping))
        }
        ModelType::BottomUpId => {
            let peaks = plan(HeadKind::ConfidenceMaps, local, threshold)?;
            Ok(BottomUpId::new(config)?.plan(peaks, output(HeadKind::ClassMaps)?))
        }
        ModelType::Centroid | ModelType::TopDown | ModelType::TopDownId => {
            let missing = Error::InvalidConfig { field: "top_down", what: "model types with a centroid network need it" };
            let threshold = config.top_down.as_ref().ok_or(missing)?.centroid_threshold;
            Ok(DecodePlan { peaks: plan(HeadKind::Centroids, local, threshold)?, scores: None })
        }
    }
}

/// The plan for the crops of a validated top-down configuration.
///
/// # Errors
/// [`Error::InvalidConfig`] if the configuration is not that of a top-down model.
pub fn crop_plan(config: &Config) -> Result<CropPlan, Error> {
    let missing = Error::InvalidConfig { field: "top_down", what: "only models with two networks have crops" };
    let ([centroid, instance], Some(top_down)) = (config.networks.as_slice(), &config.top_down) else { return Err(missing) };
    let head = |network: &NetworkConfig, kind| network.heads.iter().position(|h| h.kind == kind);
    let centroids = head(centroid, HeadKind::Centroids).ok_or(missing)?;
    let peaks = PeakPlan {
        output: head(instance, HeadKind::ConfidenceMaps).ok_or(missing)?,
        threshold: config.peaks.threshold,
        refinement: config.peaks.refinement,
        find: Find::Global,
        on_cpu,
    };
    let vectors = head(instance, HeadKind::ClassVectors);
    Ok(CropPlan {
        peaks,
        classes: vectors.zip(config.identity.as_ref().map(|identity| identity.classes.len())),
        max_crops: config.limits.max_instances as usize,
        centroid_stride_px: centroid.heads[centroids].stride_px,
        min_distance_px: top_down.min_centroid_distance_px,
    })
}

/// The peaks of a plan, found by the CPU.
fn on_cpu(maps: &Maps<'_>, plan: &PeakPlan, refined: bool) -> PeakLists {
    let refinement = if refined { plan.refinement } else { Refinement::None };
    let mut buffer = PeakBuffer::new(maps.channels(), plan.find.room());
    let mut lists = PeakLists::default();
    if let Find::Local { .. } = plan.find {
        local_peaks(maps, plan.threshold, &mut buffer);
    }
    for channel in 0..maps.channels() {
        let global = match plan.find {
            Find::Global => global_peak(maps, channel, plan.threshold),
            Find::Local { .. } => None,
        };
        let before = lists.peaks.len();
        for &peak in buffer.channel(channel).iter().chain(&global) {
            let peak = refine_peak(maps, channel, refinement, peak);
            lists.peaks.push([peak.x, peak.y, peak.value]);
        }
        let count = (lists.peaks.len() - before) as u32;
        lists.counts.push(count);
        lists.totals.push(count);
    }
    // The buffer counts what had no room for all channels together.
    if let Some(first) = lists.totals.first_mut() {
        *first += buffer.overflow();
    }
    lists
}
