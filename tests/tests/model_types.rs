//! Every model type all the way: drawn scenes, training, export, bundle, shipped runtime, measured accuracy. Each must beat the same
//! network without training by a wide margin.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use dormouse_trainer::config::{TrainConfig, TrainModelType};
use dormouse_trainer::dataset::VideoSearch;
use dormouse_trainer::session::{
    Contestant, Evaluation, RunFolder, RunOptions, RunOutcome, compare, judged_by, open_sources, run_training,
};
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// Scenes of one marked fly, and networks that are small enough to learn them in seconds.
const RECIPE: &str = r#"
[data]
train = ["synth:fly"]
[data.synth]
samples = 400
val_samples = 16
width_px = 64
height_px = 64
min_animals = 1
max_animals = 1
individuals = 2
length_fraction = 0.6
closeness = 0.0
bright_on_dark = 0.0
[model]
filters = 12
filters_rate = 1.5
max_stride = 8
init = "fitted"
confmaps = { sigma = 1.5, stride = 4 }
pafs = { sigma = 12.0, stride = 4, weight = 0.2 }
[identity]
class_maps = { sigma = 2.0, stride = 4, weight = 0.1 }
class_vectors = { weight = 0.001 }
[top_down]
anchor_part = "thorax"
crop_size_px = 64
center_jitter_px = 1.0
[inference]
# So short a training gives low peaks; an untrained network gives none.
peak_threshold = 0.1
[augment]
rotation_deg = [0.0, 0.0]
scale = [1.0, 1.0]
[train]
batch_size = 4
epochs = 2
steps_per_epoch = 450
learning_rate = 5e-3
warmup_steps = 20
schedule = "cosine"
"#;

/// A run of the recipe with these settings, in `folder`.
fn run(model_type: TrainModelType, settings: &[&str], folder: &Path) -> (TrainConfig, RunOutcome) {
    let mut set = vec![format!("model.type={}", model_type.name())];
    set.extend(settings.iter().map(|&s| s.to_owned()));
    let config = TrainConfig::parse(RECIPE, &set).unwrap();
    let interrupted = AtomicBool::new(false);
    let options = RunOptions {
        folder: RunFolder::new(folder),
        asked: None,
        resume: false,
        search: VideoSearch::default(),
        threads: 1,
        interrupted: &interrupted,
    };
    let outcome = run_training(&config, &options, &mut Vec::new(), &mut |_| {}).unwrap();
    assert!(outcome.export_difference < 1e-4);
    (config, outcome)
}

/// The validation figures of a run that nobody looks at again.
fn measured(model_type: TrainModelType, settings: &[&str]) -> Evaluation {
    run(model_type, settings, tempfile::tempdir().unwrap().path()).1.validation
}

/// For one animal's centre, and for the two networks of top-down models, which have an easier task each.
const FEWER_STEPS: [&str; 1] = ["train.steps_per_epoch=300"];

/// Figures of a few steps, which move nothing.
const UNTRAINED: [&str; 4] = ["train.epochs=1", "train.steps_per_epoch=1", "train.learning_rate=1e-9", "train.warmup_steps=0"];

/// Share of the visible parts of all true animals that were found within 3 px.
fn found(evaluation: &Evaluation) -> f64 {
    evaluation.report.within_3px.unwrap_or(0.0)
}

/// `settings` are those of the trained one. Of runs with other seeds the worst found 0.49 of the parts.
fn beats_untrained(model_type: TrainModelType, settings: &[&str]) -> Evaluation {
    let untrained = measured(model_type, &UNTRAINED);
    let trained = measured(model_type, settings);
    println!("{model_type:?}: {:.3} -> {:.3} {:?}", found(&untrained), found(&trained), trained.identity);
    assert!(found(&untrained) < 0.03 && found(&trained) > 0.35, "{} -> {}", found(&untrained), found(&trained));
    trained
}

#[test]
fn single_instance() {
    beats_untrained(TrainModelType::SingleInstance, &[]);
}

#[test]
fn bottom_up() {
    beats_untrained(TrainModelType::BottomUp, &[]);
}

#[test]
fn centroid() {
    let trained = beats_untrained(TrainModelType::Centroid, &FEWER_STEPS).report;
    assert!(trained.recall.unwrap() > 0.7 && trained.precision.unwrap() > 0.7, "{trained}");
}

#[test]
fn centroid_models_are_compared_by_distance() {
    let temp = tempfile::tempdir().unwrap();
    let (config, outcome) = run(TrainModelType::Centroid, &UNTRAINED, temp.path());
    let sources = open_sources(&config.data, &VideoSearch::default(), &mut |_, _, _| {}).unwrap();
    let contestants = [Contestant::open(temp.path()).unwrap(), Contestant::open(&outcome.bundle).unwrap()];
    let source = judged_by(&contestants, sources.val).unwrap();
    let rows = compare(&contestants, source.as_ref(), 1).unwrap();
    for row in &rows {
        let report = &row.evaluation.report;
        assert_eq!(report, &outcome.validation.report, "compare, and the run itself");
        assert_eq!((report.instances_true, report.moks, report.moks_all, report.map), (16, None, None, None));
        // A quarter of flies of 0.6 x 64 px.
        assert!((5.0..20.0).contains(&report.point_reach_px.unwrap()), "{report}");
        assert!(row.network.unwrap().parameters > 100);
    }
}

#[test]
fn top_down() {
    beats_untrained(TrainModelType::TopDown, &FEWER_STEPS);
}

#[test]
fn bottom_up_id() {
    recognises(&beats_untrained(TrainModelType::BottomUpId, &[]));
}

#[test]
fn top_down_id() {
    recognises(&beats_untrained(TrainModelType::TopDownId, &FEWER_STEPS));
}

/// Two individuals: half of the names would be right by chance.
fn recognises(evaluation: &Evaluation) {
    let identity = evaluation.identity.unwrap();
    assert!(identity.known > 8 && identity.accuracy().unwrap() > 0.7, "{identity:?}");
}
