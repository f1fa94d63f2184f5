//! What a run leaves in its folder, and how it goes on after it was stopped.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use dormouse_trainer::Error;
use dormouse_trainer::config::TrainConfig;
use dormouse_trainer::dataset::VideoSearch;
use dormouse_trainer::session::{RunFolder, RunOptions, RunOutcome, run_training};
use dormouse_trainer::train::curve::read_curve;
use dormouse_trainer::train::{Checkpoint, Event, EventSink, OptimizerState};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Five images a batch, so that parts of two, two and one go through the network side by side; two batches a step; everything random
/// is on.
const RECIPE: &str = r#"
[data]
train = ["synth:fly"]
[data.synth]
samples = 40
val_samples = 6
width_px = 64
height_px = 64
max_animals = 2
length_fraction = 0.5
[model]
filters = 8
max_stride = 8
init = "fitted"
pafs = { sigma = 12.0, stride = 4 }
[augment]
rotation_deg = "top"
translate_fraction = [-0.1, 0.1]
flip_horizontal_probability = 0.5
noise_probability = 0.5
uniform_noise_probability = 0.5
gamma_probability = 0.5
erase_probability = 0.5
[train]
batch_size = 5
accumulate = 2
epochs = 2
steps_per_epoch = 10
learning_rate = 3e-3
warmup_steps = 15
schedule = "cosine"
evaluate_every_minutes = 1e-9
evaluate_frames = 2
optimizer = { amsgrad = true }
hard_keypoints = { enabled = false }
"#;

/// Asks for the end at a step, as Ctrl-C does.
struct Stopper<'a> {
    flag: &'a AtomicBool,
    at: Option<(usize, usize)>,
}

impl EventSink for Stopper<'_> {
    fn event(&mut self, event: &Event) {
        if let Event::Step { epoch, step, .. } = event
            && self.at == Some((*epoch, *step))
        {
            self.flag.store(true, Ordering::Relaxed);
        }
    }
}

fn run(folder: &Path, set: &[&str], resume: bool, stop_at: Option<(usize, usize)>) -> (Result<RunOutcome, Error>, Vec<String>) {
    let set: Vec<String> = set.iter().map(|&s| s.to_owned()).collect();
    let config = TrainConfig::parse(RECIPE, &set).unwrap();
    let flag = AtomicBool::new(false);
    let options = RunOptions {
        folder: RunFolder::new(folder),
        asked: Some(RECIPE.into()),
        resume,
        search: VideoSearch::default(),
        threads: 1,
        interrupted: &flag,
    };
    let mut said = Vec::new();
    let outcome =
        run_training(&config, &options, &mut Stopper { flag: &flag, at: stop_at }, &mut |line| said.push(line.to_owned()));
    (outcome, said)
}

fn state(folder: &Path) -> (Vec<f32>, OptimizerState) {
    let saved = Checkpoint::read(&folder.join("last.ckpt")).unwrap();
    (saved.weights, saved.optimizer)
}

#[test]
fn twenty_steps_are_ten_and_ten_whatever_is_switched_on() {
    let straight = tempfile::tempdir().unwrap();
    run(straight.path(), &[], false, None).0.unwrap();
    let expected = state(straight.path());
    assert_eq!(expected.1.steps, 20);
    // At the end of an epoch, and inside both.
    for at in [(1, 10), (1, 4), (2, 7)] {
        let folder = tempfile::tempdir().unwrap();
        let (outcome, _) = run(folder.path(), &[], false, Some(at));
        match outcome {
            // Nothing is validated yet, so there is nothing to export.
            Err(Error::Interrupted(_)) => assert_eq!(at, (1, 4)),
            Err(other) => panic!("{other}"),
            Ok(outcome) => assert!(outcome.was_interrupted() && outcome.bundle.exists(), "{at:?}"),
        }
        assert_eq!(state(folder.path()).1.steps, 10 * (at.0 as u64 - 1) + at.1 as u64);
        run(folder.path(), &[], true, None).0.unwrap();
        assert!(state(folder.path()) == expected, "stopped at {at:?}");
        let steps: Vec<u64> = read_curve(&folder.path().join("learning_curve.csv")).unwrap().iter().map(|row| row.step).collect();
        assert!(steps.len() > 1 && steps.is_sorted(), "{steps:?}");
    }
}

#[test]
fn what_changed_since_the_run_began_is_told() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["train.steps_per_epoch=2"], false, None).0.unwrap();
    let changes = ["train.steps_per_epoch=2", "train.epochs=3", "data.synth.seed=9"];
    let (outcome, said) = run(folder.path(), &changes, true, None);
    assert_eq!(outcome.unwrap().steps(), 6);
    let said = said.join("\n");
    for needle in ["train.epochs changed from 2 to 3", "data.synth.seed changed from 1 to 9", "may now validate"] {
        assert!(said.contains(needle), "{needle} is missing in {said}");
    }
    assert!(!said.contains("train.steps_per_epoch"), "{said}");
    // A run is not begun again in its place.
    assert!(run(folder.path(), &[], false, None).0.unwrap_err().to_string().contains("--resume"));
}

#[test]
fn all_files_of_a_run_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let set = ["data.test=[\"synth:fly\"]", "train.steps_per_epoch=2", "name=tiny", "model.type=single_instance"];
    // Peaks of any height, so that there is something to measure after so few steps.
    let set = [&set[..], &["data.synth.max_animals=1", "inference.peak_threshold=0.0"]].concat();
    run(folder.path(), &set, false, None).0.unwrap();
    let found: BTreeSet<String> =
        std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    let text = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    for name in ["best.ckpt", "last.ckpt", "training_log.csv", "learning_curve.csv", "tiny.dorm"] {
        assert!(found.contains(name), "{name} is missing in {found:?}");
    }
    assert_eq!(text("config.asked.toml"), RECIPE);
    assert!(TrainConfig::parse(&text("config.toml"), &[]).unwrap().name == "tiny");
    let facts: serde_json::Value = serde_json::from_str(&text("run.json")).unwrap();
    let made = &facts["made_with"];
    assert_eq!((made["seed"].as_u64(), made["split_seed"].as_u64(), made["device"].as_str()), (Some(1), Some(42), Some("cpu")));
    assert!(made["crates"]["burn"].is_string() && made["git"].as_str().is_some_and(|git| git.len() > 6), "{made}");
    for split in ["train", "val", "test"] {
        for kind in ["metrics", "predictions"] {
            let value: serde_json::Value = serde_json::from_str(&text(&format!("{kind}.{split}.json"))).unwrap();
            assert!(value.is_object(), "{kind}.{split}");
        }
    }
    for name in
        ["plot.loss.png", "plot.learning.png", "plot.curve.png", "plot.nodes.val.png", "plot.pck.png", "predictions.val.png"]
    {
        assert!(found.contains(name), "{name} is missing in {found:?}");
        assert!(image::open(folder.path().join(name)).unwrap().width() > 300, "{name}");
    }
    assert!(text("training_log.csv").lines().next().unwrap().contains("val_confmaps_loss"));
}
