//! From labels to a configuration to a bundle: what `dormouse new` recommends must train, and its run must have charts.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use dormouse::{Bundle, ModelType};
use dormouse_trainer::config::{TrainConfig, TrainModelType};
use dormouse_trainer::dataset::synth::{SynthConfig, SynthScenes};
use dormouse_trainer::dataset::{
    InstanceKind, LabelInstance, LabelPoint, LabeledFrame, Labels, SampleSource, Video, VideoSearch, VideoSource, read_labels,
    write_labels,
};
use dormouse_trainer::metric::TruthKind;
use dormouse_trainer::recommend::{View, Wishes, guess_view, recommend};
use dormouse_trainer::report::{LabelStatistics, frame_sizes};
use dormouse_trainer::session::{Contestant, RunFolder, RunOptions, compare, open_sources, run_training};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// Drawn scenes as PNG files beside a labels file.
fn save_scenes(folder: &Path, scenes: &SynthScenes) -> PathBuf {
    let (mut files, mut frames) = (Vec::new(), Vec::new());
    for index in 0..scenes.len() {
        let sample = scenes.sample(index).unwrap();
        let path = folder.join(format!("{index}.png"));
        let (width, height) = (sample.image.width_px() as u32, sample.image.height_px() as u32);
        image::GrayImage::from_raw(width, height, sample.image.pixels().to_vec()).unwrap().save(&path).unwrap();
        files.push(path);
        let point = |p: &[f32; 2]| match p[0].is_finite() {
            true => {
                let (x_px, y_px) = (f64::from(p[0]), f64::from(p[1]));
                LabelPoint { x_px, y_px, visible: true, complete: true, score: f64::NAN }
            }
            false => LabelPoint::MISSING,
        };
        let instance = |points: Vec<LabelPoint>| LabelInstance {
            kind: InstanceKind::User,
            points,
            track: None,
            score: f32::NAN,
            tracking_score: 0.0,
            from_predicted: None,
        };
        let instances = sample.animals.iter().map(|a| instance(a.points.iter().map(point).collect())).collect();
        frames.push(LabeledFrame { video: 0, frame_index: index as u64, instances });
    }
    let stored_name = files[0].to_str().unwrap().to_owned();
    let video = Video { source: VideoSource::Images(files), stored_name, grayscale: None, shape: None };
    let labels = Labels { skeleton: scenes.skeleton().clone(), videos: vec![video], frames, ..Labels::default() };
    let path = folder.join("scenes.slp");
    write_labels(&path, &labels).unwrap();
    path
}

#[test]
fn the_recommended_configuration_trains() {
    let folder = tempfile::tempdir().unwrap();
    let scene = SynthConfig { width_px: 96, height_px: 96, count: 24, animals: (2, 2), seed: 5, ..SynthConfig::default() };
    let path = save_scenes(folder.path(), &SynthScenes::new(scene).unwrap());
    let labels = read_labels(&path, &VideoSearch::default()).unwrap();
    let statistics = LabelStatistics::of(&labels, TruthKind::User, frame_sizes(&labels));
    assert_eq!((statistics.labelled_frames, statistics.most_animals()), (24, 2));
    let view = guess_view(&labels, labels.frames.iter().flat_map(|f| &f.instances));
    assert_eq!(view, Some(View::Top), "flies are drawn in any direction");
    let found = recommend(path.to_str().unwrap(), &statistics, &Wishes { view, ..Wishes::default() }).unwrap();
    // The text is what a person trains with; only its length is cut here.
    let shorter = ["train.epochs=2", "train.steps_per_epoch=2", "train.batch_size=2", "model.filters=4"].map(String::from);
    let config = TrainConfig::parse(&found.to_toml().unwrap(), &shorter).unwrap();
    assert_eq!(config.model.model_type, TrainModelType::BottomUp);
    let run = RunFolder::new(folder.path().join("run"));
    let options = RunOptions {
        folder: run.clone(),
        asked: None,
        resume: false,
        search: VideoSearch::default(),
        threads: 1,
        interrupted: &AtomicBool::new(false),
    };
    let outcome = run_training(&config, &options, &mut Vec::new(), &mut |_| {}).unwrap();
    assert_eq!(Bundle::open(&outcome.bundle).unwrap().config().model_type, ModelType::BottomUp);
    for name in ["plot.loss.png", "plot.learning.png"] {
        assert!(image::open(run.file(name)).unwrap().width() > 100, "{name}");
    }
    let val = open_sources(&config.data, &VideoSearch::default(), &mut |_, _, _| {}).unwrap().val;
    let pair = [Contestant::open(run.path()).unwrap(), Contestant::open(&outcome.bundle).unwrap()];
    let rows = compare(&pair, val.as_ref(), 1).unwrap();
    let row = &rows[0];
    assert_eq!(row.evaluation.report, rows[1].evaluation.report, "the same bundle, once by its run folder");
    assert_eq!(row.network.unwrap().parameters, rows[1].network.unwrap().parameters);
    assert_eq!((row.evaluation.report.frames, row.bundle_bytes), (val.len(), outcome.bundle_bytes));
    assert!(row.network.unwrap().parameters > 100);
}
