//! Any number of animals: local peaks, joined along part affinity fields.

use crate::config::{Config, GroupingConfig, HeadKind, PeakConfig};
use crate::decode::{Assigner, Connection, Grouper, PafScorer, Peak, PeakBuffer, PeakId, edge_order, local_peaks, refine_peak};
use crate::engine::{DecodePlan, Found, LinePlan, PeakPlan, ScorePlan};
use crate::error::Error;
use crate::geometry::{ImageMap, InputPoint};
use crate::instances::{Overflow, Poses};
use crate::tensor::Maps;
use alloc::vec;
use alloc::vec::Vec;

/// Decoder of bottom-up models, with its working memory. Memory is `max_peaks` squared floats and some bytes per peak.
#[derive(Debug, Clone)]
pub struct BottomUp {
    peak_config: PeakConfig,
    min_line_score: f32,
    peak_stride_px: f32,
    paf_stride_px: u32,
    edges: Vec<GroupedEdge>,
    peaks: PeakBuffer,
    scorer: PafScorer,
    /// `sources * destinations` of the edge at work.
    scores: Vec<f32>,
    assigner: Assigner,
    grouper: Grouper,
}

/// An edge that takes part in grouping.
#[derive(Debug, Clone, Copy)]
struct GroupedEdge {
    index: usize,
    source: usize,
    destination: usize,
}

impl BottomUp {
    /// Plans for a validated configuration.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] if the first network lacks a confidence-map or a part-affinity-field head.
    pub fn new(config: &Config) -> Result<Self, Error> {
        let stride = |kind, what| {
            let head = config.networks.first().and_then(|n| n.head(kind));
            head.map(|h| h.stride_px).ok_or(Error::InvalidConfig { field: "networks.heads", what })
        };
        let peak_stride_px = stride(HeadKind::ConfidenceMaps, "a confidence-map head is needed")?;
        let paf_stride_px = stride(HeadKind::PartAffinityFields, "bottom-up needs a part-affinity-field head")?;
        let nodes = config.skeleton.nodes.len();
        let max_peaks = config.limits.max_peaks as usize;
        let min_peaks = config.grouping.min_instance_peaks.count(nodes);
        let edge = |index: usize| {
            let &(source, destination) = config.skeleton.edges.get(index)?;
            Some(GroupedEdge { index, source: source.into(), destination: destination.into() })
        };
        Ok(Self {
            peak_config: config.peaks,
            min_line_score: config.grouping.min_line_score,
            peak_stride_px: peak_stride_px as f32,
            paf_stride_px,
            edges: edge_order(&config.skeleton).into_iter().filter_map(edge).collect(),
            peaks: PeakBuffer::new(nodes, max_peaks),
            scorer: PafScorer::new(&config.grouping, peak_stride_px, paf_stride_px),
            scores: vec![0.0; max_peaks * max_peaks],
            assigner: Assigner::new(max_peaks),
            grouper: Grouper::new(nodes, max_peaks, min_peaks, config.limits.max_instances as usize),
        })
    }

    /// Replaces the contents of `poses` by the animals in `confmaps` `[nodes, h, w]` and `pafs` `[2 * edges, h, w]`.
    pub fn decode(&mut self, confmaps: &Maps<'_>, pafs: &Maps<'_>, map: ImageMap, poses: &mut Poses) {
        self.find_peaks(confmaps);
        self.match_edges(|scorer, edge, sources, destinations, scores| {
            scorer.score(pafs, edge, sources, destinations, scores);
        });
        self.finish(map, poses);
    }

    /// As [`decode`](Self::decode), from what an engine found.
    pub fn decode_found(&mut self, found: &Found<'_>, map: ImageMap, poses: &mut Poses) {
        self.peaks.take(found);
        let mut rest = found.scores;
        self.match_edges(|_, _, _, _, scores| {
            let (own, behind) = rest.split_at(scores.len().min(rest.len()));
            scores.fill(f32::NEG_INFINITY);
            scores[..own.len()].copy_from_slice(own);
            rest = behind;
        });
        self.finish(map, poses);
    }

    /// How an engine finds what [`decode_found`](Self::decode_found) takes, in outputs with these indices.
    pub(super) fn plan(&self, peaks: PeakPlan, output: usize, grouping: GroupingConfig) -> DecodePlan {
        let edges = self.edges.iter().map(|e| [e.index, e.source, e.destination]).collect();
        let (peak_stride_px, stride_px) = (self.peak_stride_px as u32, self.paf_stride_px);
        DecodePlan { peaks, scores: Some(ScorePlan::Lines(LinePlan { output, edges, grouping, peak_stride_px, stride_px })) }
    }

    fn finish(&mut self, map: ImageMap, poses: &mut Poses) {
        let stride_px = self.peak_stride_px;
        let position = |p: &Peak| map.to_image(InputPoint { x_px: p.x * stride_px, y_px: p.y * stride_px });
        let dropped = self.grouper.finish(&self.peaks, position, poses);
        poses.set_overflow(Overflow { peaks: self.peaks.overflow(), instances: dropped });
    }

    /// First part of [`decode`](Self::decode): finds and refines the peaks of all nodes.
    pub fn find_peaks(&mut self, confmaps: &Maps<'_>) -> &PeakBuffer {
        local_peaks(confmaps, self.peak_config.threshold, &mut self.peaks);
        for node in 0..confmaps.channels() {
            for peak in self.peaks.channel_mut(node) {
                *peak = refine_peak(confmaps, node, self.peak_config.refinement, *peak);
            }
        }
        &self.peaks
    }

    /// Second part: scores all candidates of every edge with `score` (edge, sources, destinations, scores), matches them, and hands
    /// on what reaches the least line score.
    fn match_edges(&mut self, mut score: impl FnMut(&PafScorer, usize, &[Peak], &[Peak], &mut [f32])) {
        self.grouper.clear();
        for edge in &self.edges {
            let sources = self.peaks.channel(edge.source);
            let destinations = self.peaks.channel(edge.destination);
            let scores = &mut self.scores[..sources.len() * destinations.len()];
            score(&self.scorer, edge.index, sources, destinations, scores);
            for (s, d) in self.assigner.solve(scores, sources.len(), destinations.len()) {
                let score = scores[s * destinations.len() + d];
                // Only after matching, as in SLEAP: a weak pair can keep others apart.
                if score >= self.min_line_score {
                    let source = PeakId { node: edge.source, index: s };
                    let destination = PeakId { node: edge.destination, index: d };
                    self.grouper.connect(Connection { source, destination, score });
                }
            }
        }
    }
}
