//! Evaluation against a naive oracle, and what must not change it.

use dormouse_tests::tolerance::METRIC;
use dormouse_trainer::metric::{EvalOptions, EvalReport, FramePair, PredictedPose, evaluate};
use proptest::prelude::*;

const NODES: usize = 3;

type Animal = Vec<[f32; 2]>;

fn nodes() -> Vec<String> {
    (0..NODES).map(|i| format!("node{i}")).collect()
}

fn run(frames: &[FramePair]) -> EvalReport {
    evaluate(&nodes(), frames, &EvalOptions::default())
}

/// Places on a small lattice, so that equal distances, hits and missing parts are frequent.
fn animals(most: usize) -> impl Strategy<Value = Vec<Animal>> {
    let place = prop_oneof![
        1 => Just([f32::NAN; 2]),
        5 => (0_u8..12, 0_u8..12).prop_map(|(x, y)| [f32::from(x) * 1.5, f32::from(y) * 1.5]),
    ];
    proptest::collection::vec(proptest::collection::vec(place, NODES), 0..=most)
}

/// Frames whose predictions all have different scores.
fn frames() -> impl Strategy<Value = Vec<FramePair>> {
    let sides = proptest::collection::vec((animals(3), animals(4)), 0..5);
    (sides, any::<u32>()).prop_map(|(sides, seed)| {
        let mut rank = seed % 97;
        let mut frame = |(truth, predicted): (Vec<Animal>, Vec<Animal>)| {
            let mut pose = |points| {
                // A walk through 97 places that visits each once.
                rank = (rank + 31) % 97;
                PredictedPose { points, score: rank as f32 / 97.0 }
            };
            FramePair { truth, predicted: predicted.into_iter().map(&mut pose).collect() }
        };
        sides.into_iter().map(&mut frame).collect()
    })
}

fn there(p: [f32; 2]) -> bool {
    !p[0].is_nan() && !p[1].is_nan()
}

fn distance(a: [f32; 2], b: [f32; 2]) -> f64 {
    (f64::from(a[0] - b[0]).powi(2) + f64::from(a[1] - b[1]).powi(2)).sqrt()
}

/// Area of the visible parts, raised to 64 px².
fn naive_area(truth: &Animal) -> f64 {
    let spread = |axis: usize| {
        let values = || truth.iter().filter(|&&p| there(p)).map(|p| f64::from(p[axis]));
        values().fold(f64::MIN, f64::max) - values().fold(f64::MAX, f64::min)
    };
    (spread(0) * spread(1)).max(64.0)
}

/// COCO's similarity with SLEAP's sigma.
fn naive_oks(truth: &Animal, predicted: &Animal) -> f64 {
    let visible: Vec<usize> = (0..NODES).filter(|&i| there(truth[i])).collect();
    let area = naive_area(truth);
    let part = |&i: &usize| {
        if there(predicted[i]) { (-distance(truth[i], predicted[i]).powi(2) / (0.0025 * 2.0 * area)).exp() } else { 0.0 }
    };
    visible.iter().map(part).sum::<f64>() / visible.len() as f64
}

/// Whether two animals are equally similar to a prediction but for rounding, so that either may be its pair. On the lattice this is
/// rare but does happen: 22.5 px² on an area of 67.5 is as far as 36 px² on 108. Equal distances on equal areas are no such case.
fn is_tied(frame: &FramePair) -> bool {
    let tied = |a: &Animal, b: &Animal, predicted: &Animal| {
        let (x, y) = (naive_oks(a, predicted), naive_oks(b, predicted));
        (x - y).abs() <= 1e-9 * x.max(y) && x > 0.0 && (x != y || naive_area(a) != naive_area(b))
    };
    let truth = &frame.truth;
    frame.predicted.iter().any(|p| (0..truth.len()).any(|i| (0..i).any(|j| tied(&truth[i], &truth[j], &p.points))))
}

/// Pairs (truth, predicted) of one frame: as long as there are both, the best prediction left takes or gives up.
fn naive_pairs(frame: &FramePair) -> Vec<(usize, usize, f64)> {
    let mut truths: Vec<usize> = (0..frame.truth.len()).filter(|&i| frame.truth[i].iter().any(|&p| there(p))).collect();
    let mut left: Vec<usize> = (0..frame.predicted.len()).collect();
    let mut pairs = Vec::new();
    while !left.is_empty() {
        let best =
            (0..left.len()).reduce(|a, b| if frame.predicted[left[b]].score > frame.predicted[left[a]].score { b } else { a });
        let predicted = left.remove(best.unwrap_or(0));
        let similarity = |truth: usize| naive_oks(&frame.truth[truth], &frame.predicted[predicted].points);
        let Some(top) = truths.iter().map(|&t| similarity(t)).reduce(f64::max) else { break };
        if top > 0.0 {
            let at = truths.iter().position(|&t| similarity(t) == top).unwrap_or(0);
            pairs.push((truths.remove(at), predicted, top));
        }
    }
    pairs
}

fn close(got: Option<f64>, expected: f64) -> bool {
    // The oracle's 0 / 0 is NaN where the report has nothing.
    got.map_or(expected.is_nan(), |g| (g - expected).abs() < METRIC)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn the_report_agrees_with_the_oracle(frames in frames()) {
        prop_assume!(!frames.iter().any(is_tied));
        let report = run(&frames);
        let (mut similarity, mut pairs, mut visible, mut within, mut judged) = (0.0, 0, 0.0, 0.0, 0.0);
        let mut hits = [0.0; 10];
        let mut distances = Vec::new();
        for frame in &frames {
            visible += frame.truth.iter().flatten().filter(|&&p| there(p)).count() as f64;
            for (truth, predicted, oks) in naive_pairs(frame) {
                similarity += oks;
                pairs += 1;
                for (t, p) in frame.truth[truth].iter().zip(&frame.predicted[predicted].points).filter(|(t, _)| there(**t)) {
                    judged += 1.0;
                    if there(*p) {
                        let d = distance(*t, *p);
                        within += f64::from(u8::from(d < 3.0));
                        (0..10).for_each(|i| hits[i] += f64::from(u8::from(d < (i + 1) as f64)));
                        distances.push(d);
                    }
                }
            }
        }
        let exists = |points: &Animal| points.iter().any(|&p| there(p));
        let truths = frames.iter().flat_map(|f| &f.truth).filter(|a| exists(a)).count();
        let predictions = frames.iter().flat_map(|f| &f.predicted).filter(|p| exists(&p.points)).count();
        prop_assert_eq!((report.instances_true, report.instances_predicted, report.matched), (truths, predictions, pairs));
        prop_assert_eq!((report.false_negatives, report.false_positives), (truths - pairs, predictions - pairs));
        prop_assert!(close(report.moks, similarity / pairs as f64) && close(report.moks_all, similarity / truths as f64));
        prop_assert!(close(report.within_3px, within / visible));
        prop_assert!(close(report.pck.as_ref().map(|p| p.mean), hits.iter().sum::<f64>() / 10.0 / judged));
        let mean = distances.iter().sum::<f64>() / distances.len() as f64;
        prop_assert!(close(report.distance.map(|d| d.mean), mean));
        if let Some(d) = report.distance {
            // A percentile has at most that share below it and at most the rest above it, give or take the value it lies at.
            let count = distances.len() as f64;
            let below = |limit: f64| distances.iter().filter(|&&v| v < limit).count() as f64 - 1.0;
            let above = |limit: f64| distances.iter().filter(|&&v| v > limit).count() as f64 - 1.0;
            for (share, value) in [(0.5, d.p50), (0.75, d.p75), (0.9, d.p90), (0.95, d.p95), (0.99, d.p99)] {
                prop_assert!(below(value - METRIC) <= share * count + METRIC);
                prop_assert!(above(value + METRIC) <= (1.0 - share) * count + METRIC);
            }
        }
    }

    #[test]
    fn order_of_frames_and_predictions_changes_nothing(frames in frames()) {
        let mut reversed = frames.clone();
        reversed.reverse();
        reversed.iter_mut().for_each(|f| f.predicted.reverse());
        let (a, b) = (run(&frames), run(&reversed));
        prop_assert_eq!((a.matched, a.false_positives, a.false_negatives), (b.matched, b.false_positives, b.false_negatives));
        prop_assert_eq!((a.map, a.mar, a.within_3px, a.pck, a.visibility), (b.map, b.mar, b.within_3px, b.pck, b.visibility));
    }

    #[test]
    fn every_figure_is_finite_and_in_its_range(frames in frames()) {
        let report = run(&frames);
        for value in [report.moks, report.moks_all, report.map, report.mar, report.within_3px].into_iter().flatten() {
            prop_assert!((0.0..=1.0).contains(&value), "{}", value);
        }
        let text = report.to_string();
        prop_assert!(!text.contains("NaN") && !text.contains("inf"), "{}", text);
    }

    #[test]
    fn the_truth_itself_scores_one(truth in proptest::collection::vec(animals(3), 1..4)) {
        let frame = |truth: Vec<Animal>| {
            let pose = |(i, points): (usize, &Animal)| PredictedPose { points: points.clone(), score: 1.0 / (i + 1) as f32 };
            FramePair { predicted: truth.iter().enumerate().map(pose).collect(), truth }
        };
        let report = run(&truth.into_iter().map(frame).collect::<Vec<_>>());
        prop_assert_eq!(report.false_positives + report.false_negatives, 0);
        if report.matched > 0 {
            prop_assert_eq!((report.moks, report.within_3px.unwrap_or(0.0)), (Some(1.0), 1.0));
            prop_assert!(report.map.is_some_and(|m| (m - 1.0).abs() < METRIC));
        }
    }
}
