//! Description of a bundle.

use super::Description;
use crate::cli::text::{bytes, written};
use crate::predict::cpu_backend;
use crate::report::number_of;
use anyhow::Context as _;
use dormouse::config::{Config, HeadKind, MinInstancePeaks};
use dormouse::{Bundle, Estimator, ModelType, Options};
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;

pub(super) fn describe(path: &Path) -> anyhow::Result<Description> {
    let bundle = Bundle::open(path).with_context(|| path.display().to_string())?;
    let config = bundle.config();
    let options = Options { backend: cpu_backend(&bundle), ..Options::default() };
    let self_test = match (bundle.self_test()?, Estimator::new(&bundle, &options)) {
        (None, Ok(_)) => "none in the bundle; the network loads".to_owned(),
        (Some(test), Ok(_)) => {
            format!(
                "passed ({}x{} px, {}, tolerance {} px)",
                test.width_px,
                test.height_px,
                number_of(test.instances.len(), "animal"),
                test.tolerance_px
            )
        }
        (_, Err(error)) => format!("FAILED: {error}"),
    };
    let sections: Vec<_> = bundle
        .sections()
        .iter()
        .map(|s| json!({ "name": s.name, "offset": s.offset, "bytes": s.len, "crc32c": format!("{:08x}", s.crc32c) }))
        .collect();
    let value = json!({
        "kind": "bundle",
        "config": config,
        "top_down": config.top_down,
        "identity": config.identity,
        "sections": sections,
        "card": bundle.card()?,
        "self_test": self_test,
    });
    let mut text = describe_config(config)?;
    writeln!(text, "self-test        {self_test}\nsections")?;
    for section in bundle.sections() {
        writeln!(
            text,
            "  {:<20} {:>10}  at {:<10} crc {:08x}",
            section.name,
            bytes(section.len),
            section.offset,
            section.crc32c
        )?;
    }
    if let Some(card) = bundle.card()? {
        writeln!(text, "card\n  {}", card.trim_end().replace('\n', "\n  "))?;
    }
    Ok((value, text))
}

fn describe_config(config: &Config) -> anyhow::Result<String> {
    let mut text = String::new();
    let skeleton = &config.skeleton;
    let edge = |&(a, b): &(u16, u16)| format!("{} - {}", skeleton.nodes[usize::from(a)], skeleton.nodes[usize::from(b)]);
    let list = |pairs: &[(u16, u16)]| pairs.iter().map(edge).collect::<Vec<_>>().join(", ");
    writeln!(text, "model            {} ({})", config.name, written(&config.model_type))?;
    writeln!(text, "nodes            {}: {}", skeleton.nodes.len(), skeleton.nodes.join(", "))?;
    writeln!(text, "edges            {}: {}", skeleton.edges.len(), list(&skeleton.edges))?;
    if !skeleton.symmetries.is_empty() {
        writeln!(text, "symmetries       {}", list(&skeleton.symmetries))?;
    }
    for network in &config.networks {
        let p = &network.preprocess;
        writeln!(
            text,
            "network          {}: {} input, scale {} ({}), padded to multiples of {} px",
            network.name,
            written(&p.color),
            p.input_scale,
            written(&p.resize),
            p.pad_to_stride_px
        )?;
        for head in &network.heads {
            let kind = match head.kind {
                HeadKind::ConfidenceMaps => "confidence maps",
                HeadKind::PartAffinityFields => "part affinity fields",
                HeadKind::Centroids => "centroids",
                HeadKind::ClassMaps => "class maps",
                HeadKind::ClassVectors => "class vectors",
            };
            let channels = config.head_channels(head.kind);
            writeln!(text, "  output         {} = {kind}, {channels} channels, stride {} px", head.output, head.stride_px)?;
        }
    }
    describe_parts(config, &mut text)?;
    describe_decoding(config, &mut text)?;
    let animals = number_of(config.limits.max_instances as usize, "animal");
    let peaks = number_of(config.limits.max_peaks as usize, "peak");
    writeln!(text, "capacities       {animals}, {peaks} per node")?;
    let from = &config.provenance;
    writeln!(
        text,
        "provenance       {}, labels {}, seed {}, config {}",
        from.producer, from.labels, from.seed, from.config_hash
    )?;
    Ok(text)
}

/// How poses are found in the maps.
fn describe_decoding(config: &Config, text: &mut String) -> std::fmt::Result {
    let (peaks, grouping) = (&config.peaks, &config.grouping);
    writeln!(text, "peaks            threshold {}, refinement {}", peaks.threshold, written(&peaks.refinement))?;
    if config.model_type == ModelType::BottomUp {
        writeln!(
            text,
            "grouping         {} samples an edge, score at least {}; longer than {} of the map's side is penalised by {}",
            grouping.line_samples, grouping.min_line_score, grouping.max_edge_length_ratio, grouping.dist_penalty_weight
        )?;
    }
    match grouping.min_instance_peaks {
        MinInstancePeaks::Count(0) => Ok(()),
        MinInstancePeaks::Count(parts) => writeln!(text, "animals          of at least {}", number_of(parts as usize, "part")),
        MinInstancePeaks::Fraction(share) => writeln!(text, "animals          of at least {share} of the nodes"),
    }
}

/// What only some model types have.
fn describe_parts(config: &Config, text: &mut String) -> std::fmt::Result {
    if let Some(top_down) = &config.top_down {
        let part = top_down.anchor_part.and_then(|part| config.skeleton.nodes.get(usize::from(part)));
        let anchor = match part {
            // The animal is its centre; the card tells which part that is.
            _ if config.model_type == ModelType::Centroid => String::new(),
            Some(name) => format!("{name}, else the mean; "),
            None => "the mean of the visible nodes; ".to_owned(),
        };
        writeln!(
            text,
            "centroids        {anchor}threshold {}, at least {} px apart",
            top_down.centroid_threshold, top_down.min_centroid_distance_px
        )?;
        if config.model_type.has_crops() {
            writeln!(text, "crops            {0}x{0} px of the instance network's input", top_down.crop_size_px)?;
        }
    }
    if let Some(identity) = &config.identity {
        writeln!(text, "individuals      {}: {}", identity.classes.len(), identity.classes.join(", "))?;
    }
    Ok(())
}
