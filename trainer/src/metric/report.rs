//! All metrics of a set of frames.

use super::average_precision::{RankedPrediction, mean_average_precision};
use super::distance::DistanceSummary;
use super::likeness::{Likeness, UNKNOWN_SIZE_REACH_PX};
use super::matching::match_frame;
use super::oks::OksOptions;
use super::pair::{FramePair, part, part_distance_px};
use super::pck::{Pck, PckSummary};
use super::visibility::Visibility;
use serde::{Serialize, Serializer};

/// Distance below which [`EvalReport::within_3px`] counts a part as found.
const WITHIN_PX: f64 = 3.0;

/// How poses are judged.
#[derive(Debug, Clone, PartialEq)]
pub struct EvalOptions {
    /// Scaling of the similarity.
    pub oks: OksOptions,
    /// Distance in pixels within which animals of one part can be a pair; [`super::center_reach_px`] knows a good one.
    pub point_reach_px: f64,
    /// Pairs need a likeness above it, 0 to 1 (SLEAP: 0).
    pub match_threshold: f64,
    /// Thresholds of the fraction of correct keypoints (SLEAP: 1, 2, ... 10 px).
    pub pck_thresholds_px: Vec<f64>,
}

impl Default for EvalOptions {
    fn default() -> Self {
        let pck_thresholds_px = (1..=10).map(f64::from).collect();
        let point_reach_px = UNKNOWN_SIZE_REACH_PX;
        Self { oks: OksOptions::default(), point_reach_px, match_threshold: 0.0, pck_thresholds_px }
    }
}

impl EvalOptions {
    /// How animals with so many nodes are compared.
    pub fn likeness(&self, nodes: usize) -> Likeness {
        if nodes == 1 { Likeness::Point { reach_px: self.point_reach_px } } else { Likeness::Parts(self.oks) }
    }
}

/// Every figure; `None` (`null` in JSON) where there was nothing to judge, never NaN.
///
/// Animals of one part have no similarity and no average precision: these compare errors with the size of an animal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EvalReport {
    /// Frames compared.
    pub frames: usize,
    /// True animals with at least one visible part.
    pub instances_true: usize,
    /// Predicted animals with at least one part.
    pub instances_predicted: usize,
    /// Pairs.
    pub matched: usize,
    /// Predictions without a true animal.
    pub false_positives: usize,
    /// True animals without a prediction.
    pub false_negatives: usize,
    /// Share of the predicted animals that have a true one, 0 to 1.
    pub precision: Option<f64>,
    /// Share of the true animals that were found, 0 to 1.
    pub recall: Option<f64>,
    /// Distance in pixels within which pairs were sought, for animals of one part only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub point_reach_px: Option<f64>,
    /// Mean similarity of the pairs, 0 to 1 (SLEAP's mOKS: missed animals do not lower it).
    pub moks: Option<f64>,
    /// The same over all true animals, missed ones as 0.
    pub moks_all: Option<f64>,
    /// Mean average precision over similarities 0.50 to 0.95, unmatched predictions as false positives.
    pub map: Option<f64>,
    /// Mean recall over the same similarities.
    pub mar: Option<f64>,
    /// Distances of parts that both sides of a pair have.
    pub distance: Option<DistanceSummary>,
    /// Fraction of correct keypoints over the visible parts of matched animals.
    pub pck: Option<PckSummary>,
    /// Fraction of the visible parts of *all* true animals that a matched prediction puts closer than 3 px.
    pub within_3px: Option<f64>,
    /// Found and left-out parts of matched animals.
    pub visibility: Visibility,
    /// Per node, in skeleton order.
    pub per_node: PerNode,
}

/// One node over all pairs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct NodeReport {
    /// Mean distance in pixels.
    pub mean: Option<f64>,
    /// Median distance.
    pub p50: Option<f64>,
    /// 95th percentile of the distance.
    pub p95: Option<f64>,
    /// Mean fraction of correct keypoints over the thresholds.
    pub pck: Option<f64>,
}

/// Node reports by name, kept in skeleton order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PerNode(pub Vec<(String, NodeReport)>);

impl PerNode {
    /// The report of the node called `name`.
    pub fn get(&self, name: &str) -> Option<&NodeReport> {
        self.0.iter().find(|(node, _)| node == name).map(|(_, report)| report)
    }
}

impl Serialize for PerNode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, report)| (name, report)))
    }
}

/// Judges predicted poses; points beyond `nodes` are ignored, missing ones count as not there.
pub fn evaluate(nodes: &[String], frames: &[FramePair], options: &EvalOptions) -> EvalReport {
    let likeness = options.likeness(nodes.len());
    let mut tally = Tally::new(nodes.len(), &options.pck_thresholds_px);
    for frame in frames {
        tally.add_frame(frame, &likeness, options.match_threshold);
    }
    let report = tally.report(nodes, frames.len());
    match likeness {
        Likeness::Parts(_) => report,
        Likeness::Point { reach_px } => {
            EvalReport { point_reach_px: Some(reach_px), moks: None, moks_all: None, map: None, mar: None, ..report }
        }
    }
}

/// Everything counted so far.
struct Tally {
    nodes: Vec<NodeTally>,
    all: Pck,
    within: Pck,
    visibility: Visibility,
    predictions: Vec<RankedPrediction>,
    oks_sum: f64,
    matched: usize,
    missed: usize,
}

struct NodeTally {
    distances_px: Vec<f64>,
    pck: Pck,
}

impl Tally {
    fn new(nodes: usize, thresholds_px: &[f64]) -> Self {
        let node = || NodeTally { distances_px: Vec::new(), pck: Pck::new(thresholds_px) };
        Self {
            nodes: (0..nodes).map(|_| node()).collect(),
            all: Pck::new(thresholds_px),
            within: Pck::new(&[WITHIN_PX]),
            visibility: Visibility::default(),
            predictions: Vec::new(),
            oks_sum: 0.0,
            matched: 0,
            missed: 0,
        }
    }

    fn add_frame(&mut self, frame: &FramePair, likeness: &Likeness, threshold: f64) {
        let matches = match_frame(frame, likeness, threshold);
        for pair in &matches.pairs {
            let predicted = &frame.predicted[pair.predicted];
            self.predictions.push(RankedPrediction { score: predicted.score, oks: Some(pair.likeness) });
            self.oks_sum += pair.likeness;
            self.add_pair(&frame.truth[pair.truth], &predicted.points);
        }
        for &spurious in &matches.spurious {
            self.predictions.push(RankedPrediction { score: frame.predicted[spurious].score, oks: None });
        }
        for &missed in &matches.missed {
            let visible = (0..self.nodes.len()).filter(|&node| part(&frame.truth[missed], node).is_some());
            visible.for_each(|_| self.within.add(None));
        }
        self.matched += matches.pairs.len();
        self.missed += matches.missed.len();
    }

    fn add_pair(&mut self, truth: &[[f32; 2]], predicted: &[[f32; 2]]) {
        for (index, node) in self.nodes.iter_mut().enumerate() {
            let visible = part(truth, index).is_some();
            self.visibility.add(visible, part(predicted, index).is_some());
            if visible {
                let distance_px = part_distance_px(truth, predicted, index);
                node.distances_px.extend(distance_px);
                node.pck.add(distance_px);
                self.all.add(distance_px);
                self.within.add(distance_px);
            }
        }
    }

    fn report(self, nodes: &[String], frames: usize) -> EvalReport {
        let truths = self.matched + self.missed;
        let mean = |sum: f64, count: usize| (count > 0).then(|| sum / count as f64);
        let precision = mean_average_precision(&self.predictions, truths);
        let distances_px: Vec<f64> = self.nodes.iter().flat_map(|n| &n.distances_px).copied().collect();
        EvalReport {
            frames,
            instances_true: truths,
            instances_predicted: self.predictions.len(),
            matched: self.matched,
            false_positives: self.predictions.len() - self.matched,
            false_negatives: self.missed,
            precision: mean(self.matched as f64, self.predictions.len()),
            recall: mean(self.matched as f64, truths),
            point_reach_px: None,
            moks: mean(self.oks_sum, self.matched),
            moks_all: mean(self.oks_sum, truths),
            map: precision.map(|p| p.precision),
            mar: precision.map(|p| p.recall),
            distance: DistanceSummary::new(&distances_px),
            pck: self.all.summary(),
            within_3px: self.within.summary().map(|s| s.mean),
            visibility: self.visibility,
            per_node: PerNode(nodes.iter().cloned().zip(self.nodes.iter().map(NodeTally::report)).collect()),
        }
    }
}

impl NodeTally {
    fn report(&self) -> NodeReport {
        let summary = DistanceSummary::new(&self.distances_px);
        NodeReport {
            mean: summary.map(|s| s.mean),
            p50: summary.map(|s| s.p50),
            p95: summary.map(|s| s.p95),
            pck: self.pck.summary().map(|s| s.mean),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::pair::PredictedPose;
    use super::*;

    const NAN: [f32; 2] = [f32::NAN; 2];

    fn nodes() -> Vec<String> {
        ["head", "tail", "paw"].map(String::from).to_vec()
    }

    fn run(frames: &[FramePair]) -> EvalReport {
        evaluate(&nodes(), frames, &EvalOptions::default())
    }

    fn pose(points: [[f32; 2]; 3], score: f32) -> PredictedPose {
        PredictedPose { points: points.to_vec(), score }
    }

    #[test]
    fn hand_computed_frames() {
        // Box 40 x 20 = 800 px², spread 4. Frame 0: tail off by 2 px, paw not visible but predicted; and a spurious animal.
        // Frame 1: nothing predicted; two visible parts missed.
        let truth = vec![[0.0, 0.0], [40.0, 20.0], NAN];
        let good = pose([[0.0, 0.0], [40.0, 22.0], [9.0, 9.0]], 0.5);
        let spurious = pose([[900.0, 900.0], NAN, NAN], 0.9);
        let first = FramePair { truth: vec![truth.clone()], predicted: vec![spurious, good] };
        let second = FramePair { truth: vec![truth, vec![NAN; 3]], predicted: vec![] };
        let report = run(&[first, second]);
        let counts = (report.frames, report.instances_true, report.instances_predicted, report.matched);
        assert_eq!((counts, report.false_positives, report.false_negatives), ((2, 2, 2, 1), 1, 1));
        let oks = (1.0 + (-1.0_f64).exp()) / 2.0; // 0.6839
        assert_eq!((report.precision, report.recall, report.point_reach_px), (Some(0.5), Some(0.5), None));
        assert!((report.moks.unwrap() - oks).abs() < 1e-9 && (report.moks_all.unwrap() - oks / 2.0).abs() < 1e-9);
        // Right at 0.50, 0.55, 0.60 and 0.65, ranked behind the spurious one: precision 1/2 up to recall 1/2.
        assert!((report.map.unwrap() - 0.4 * 0.5 * 51.0 / 101.0).abs() < 1e-12, "{:?}", report.map);
        assert!((report.mar.unwrap() - 0.4 * 0.5).abs() < 1e-12, "{:?}", report.mar);
        let distance = report.distance.unwrap();
        assert_eq!((distance.count, distance.mean, distance.p50, distance.p75), (2, 1.0, 1.0, 1.5));
        assert_eq!(report.within_3px, Some(0.5));
        // Head is right at all ten thresholds, tail at 3 to 10.
        assert!((report.pck.unwrap().mean - 0.9).abs() < 1e-12);
        assert_eq!(report.per_node.get("tail").unwrap().pck, Some(0.8));
        assert_eq!(report.per_node.get("paw").unwrap(), &NodeReport { mean: None, p50: None, p95: None, pck: None });
        let v = report.visibility;
        assert_eq!((v.tp, v.fp, v.tn, v.fn_), (2, 1, 0, 0));
    }

    #[test]
    fn nothing_at_all_gives_nothing_and_no_nan() {
        let empty = FramePair { truth: vec![vec![NAN; 3]], predicted: vec![pose([NAN; 3], f32::NAN)] };
        for frames in [&[][..], &[FramePair::default()], &[empty]] {
            let report = run(frames);
            assert_eq!((report.instances_true, report.instances_predicted), (0, 0));
            assert_eq!((report.moks, report.map, report.distance, report.within_3px), (None, None, None, None));
        }
    }

    #[test]
    fn truth_without_any_match_scores_zero() {
        let far = pose([[5000.0, 0.0], [5000.0, 9.0], NAN], 1.0);
        let frame = FramePair { truth: vec![vec![[0.0, 0.0], [9.0, 9.0], NAN]], predicted: vec![far] };
        let report = run(&[frame]);
        assert_eq!((report.moks, report.moks_all, report.map, report.mar), (None, Some(0.0), Some(0.0), Some(0.0)));
        assert_eq!((report.within_3px, report.pck), (Some(0.0), None));
        assert_eq!((report.matched, report.false_positives, report.false_negatives), (0, 1, 1));
    }

    #[test]
    fn a_missing_prediction_of_a_visible_part_is_a_miss() {
        let frame = FramePair {
            truth: vec![vec![[0.0, 0.0], [40.0, 20.0], [20.0, 10.0]]],
            predicted: vec![PredictedPose { points: vec![[0.0, 0.0], [40.0, 20.0]], score: 1.0 }],
        };
        let report = run(&[frame]);
        assert!((report.pck.unwrap().mean - 2.0 / 3.0).abs() < 1e-12);
        assert!((report.within_3px.unwrap() - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(report.visibility.fn_, 1);
    }

    #[test]
    fn centres_are_judged_by_distance_and_have_no_similarity() {
        let found = |x: f32, y: f32, score| PredictedPose { points: vec![[x, y]], score };
        // 5 px and 14 px off; one too many; one of three true centres missed.
        let frame = FramePair {
            truth: vec![vec![[10.0, 10.0]], vec![[60.0, 10.0]], vec![[10.0, 60.0]]],
            predicted: vec![found(13.0, 14.0, 0.9), found(60.0, 24.0, 0.8), found(90.0, 90.0, 0.7), found(35.0, 60.0, 0.6)],
        };
        let options = EvalOptions { point_reach_px: 20.0, ..EvalOptions::default() };
        let report = evaluate(&["centroid".to_owned()], &[frame], &options);
        assert_eq!((report.matched, report.false_positives, report.false_negatives), (2, 2, 1));
        assert_eq!((report.precision, report.recall, report.point_reach_px), (Some(0.5), Some(2.0 / 3.0), Some(20.0)));
        assert_eq!((report.moks, report.moks_all, report.map, report.mar), (None, None, None, None));
        let distance = report.distance.unwrap();
        assert!((distance.mean - 9.5).abs() < 1e-6 && distance.count == 2, "{distance:?}");
        let text = report.to_string();
        assert!(text.contains("precision 0.5000, recall 0.6667 within 20.0 px"), "{text}");
        assert!(text.contains("one point has no size") && !text.contains("PCK\n") && !text.contains("visibility"), "{text}");
    }

    #[test]
    fn json_keeps_node_order_and_has_no_nan() {
        let text = serde_json::to_string(&run(&[])).unwrap();
        let positions = nodes().iter().map(|n| text.find(&format!("\"{n}\"")).unwrap()).collect::<Vec<_>>();
        assert!(positions.is_sorted() && text.contains("\"moks\":null") && text.contains("\"fn\":0"), "{text}");
    }
}
