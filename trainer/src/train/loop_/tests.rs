use super::*;
use crate::model::{HardKeypoints, HeadSpec, PoseNetConfig, UnetConfig};
use crate::train::Precision;
use crate::train::accuracy::Accuracy;
use crate::train::checkpoint::OptimizerState;
use crate::train::optimizer::{OptimizerConfig, OptimizerKind};
use crate::train::spec::{EarlyStopping, HeadTraining, Plateau, StepDecay};
use burn::tensor::Device;
use dormouse::config::HeadKind;
use std::sync::atomic::Ordering;

/// A bright dot per image; the target is a blob around it.
struct Dots;

impl BatchSource for Dots {
    fn batches(&self) -> usize {
        2
    }

    fn batch(&self, epoch: usize, index: usize) -> Result<Batch> {
        let (mut image, mut target) = (vec![0.0f32; 2 * 16 * 16], vec![0.0f32; 2 * 8 * 8]);
        for b in 0..2 {
            let at = (epoch * 31 + index * 17 + b * 5) % 12 + 2;
            let (x, y) = (at, (at * 7) % 12 + 2);
            image[b * 256 + y * 16 + x] = 1.0;
            for (i, t) in target[b * 64..(b + 1) * 64].iter_mut().enumerate() {
                let (dx, dy) = ((i % 8 * 2) as f32 - x as f32, (i / 8 * 2) as f32 - y as f32);
                *t = (-(dx * dx + dy * dy) / 18.0).exp();
            }
        }
        Ok(Batch { images: (image, [2, 1, 16, 16]), targets: vec![(target, [2, 1, 8, 8])] })
    }
}

struct Poisoned;

impl BatchSource for Poisoned {
    fn batches(&self) -> usize {
        1
    }

    fn batch(&self, epoch: usize, index: usize) -> Result<Batch> {
        let mut batch = Dots.batch(epoch, index)?;
        if index == 2 {
            batch.images.0[5] = f32::NAN;
        }
        Ok(batch)
    }
}

fn net() -> PoseNet {
    let heads = vec![HeadSpec::new(HeadKind::ConfidenceMaps, "confmaps", 1, 2)];
    let unet = UnetConfig { filters: 8, max_stride: 8, ..UnetConfig::default() };
    PoseNetConfig { in_channels: 1, backbone: unet.into(), heads }.init(11, &Device::default()).unwrap()
}

fn spec(epochs: usize, steps: usize, rate: f64) -> TrainSpec {
    TrainSpec {
        heads: vec![HeadTraining { name: "confmaps".into(), weight: 1.0 }],
        epochs,
        steps_per_epoch: steps,
        accumulate: 1,
        optimizer: OptimizerConfig::default(),
        frozen: Vec::new(),
        hard_keypoints: HardKeypoints::default(),
        precision: Precision::F32,
        learning_rate: rate,
        warmup_steps: 0,
        schedule: Schedule::Plateau,
        plateau: Plateau { patience: 1, cooldown: 0, ..Plateau::default() },
        step_decay: StepDecay::default(),
        early_stopping: EarlyStopping { patience: 0, ..EarlyStopping::default() },
        max_minutes: None,
        checkpoint_every_s: f64::INFINITY,
        evaluate_every_s: 0.0,
        workers: 2,
        config_hash: "test".into(),
    }
}

fn run(net: &mut PoseNet, spec: &TrainSpec, resume: Option<&Checkpoint>, events: &mut Vec<Event>, dir: &Path) -> TrainSummary {
    let flag = AtomicBool::new(false);
    train(net, spec, Arc::new(Dots), Validation::losses(&Dots), resume, events, &flag, dir).unwrap()
}

#[test]
fn overfits_a_few_dots() {
    let folder = tempfile::tempdir().unwrap();
    let (mut net, mut events) = (net(), Vec::new());
    let summary =
        run(&mut net, &TrainSpec { schedule: Schedule::Cosine, ..spec(4, 100, 3e-3) }, None, &mut events, folder.path());
    let first = events.iter().find_map(|e| if let Event::Step { loss, .. } = e { Some(*loss) } else { None }).unwrap();
    assert!(summary.train_loss < first / 10.0, "{first} -> {}", summary.train_loss);
    assert_eq!(summary.steps, 400);
    let log = std::fs::read_to_string(folder.path().join(LOG)).unwrap();
    assert_eq!(log.lines().count(), 5);
    assert!(log.starts_with("epoch,loss,val_loss,learning_rate,elapsed_s,confmaps_loss,val_confmaps_loss"), "{log}");
}

/// Weights and optimiser of a folder's last checkpoint.
fn last(dir: &Path) -> (Vec<f32>, OptimizerState) {
    let saved = Checkpoint::read(&dir.join(LAST)).unwrap();
    (saved.weights, saved.optimizer)
}

#[test]
fn twenty_steps_equal_ten_and_ten() {
    let cosine = TrainSpec { schedule: Schedule::Cosine, warmup_steps: 7, accumulate: 3, ..spec(4, 5, 1e-3) };
    let optimizer = OptimizerConfig { kind: OptimizerKind::AdamW, amsgrad: true, weight_decay: 0.01, ..Default::default() };
    let step = StepDecay { every_epochs: 1, factor: 0.5 };
    let stepped = TrainSpec { schedule: Schedule::Step, step_decay: step, optimizer, ..spec(4, 5, 1e-3) };
    let mined = TrainSpec { hard_keypoints: HardKeypoints { enabled: true, ..Default::default() }, ..spec(4, 5, 1e-3) };
    for full in [spec(4, 5, 1e-3), cosine, stepped, mined] {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let straight = run(&mut net(), &full, None, &mut Vec::new(), folders[0].path());
        assert_eq!(straight.steps, 20);

        // Stopped by hand, so that the plan is the same; the tenth step ends the second epoch.
        let flag = AtomicBool::new(false);
        let dir = folders[1].path();
        train(&mut net(), &full, Arc::new(Dots), Validation::losses(&Dots), None, &mut Interrupter(&flag, 5), &flag, dir)
            .unwrap();
        let saved = Checkpoint::read(&dir.join(LAST)).unwrap();
        assert_eq!(saved.optimizer.steps, 10);
        run(&mut net(), &full, Some(&saved), &mut Vec::new(), dir);
        assert_eq!(last(folders[0].path()), last(dir));
        let rows = |i: usize| {
            let text = std::fs::read_to_string(folders[i].path().join(LOG)).unwrap();
            let column = |line: &str| line.split(',').take(4).map(str::to_string).collect::<Vec<_>>();
            text.lines().map(column).collect::<Vec<_>>()
        };
        assert_eq!(rows(0), rows(1));
    }
}

/// Keeps a copy of the last checkpoint as it is at a moment, as if the program had been killed then.
struct Killer<'a> {
    dir: &'a Path,
    at: usize,
    written: usize,
}

impl EventSink for Killer<'_> {
    fn event(&mut self, event: &Event) {
        if matches!(event, Event::CheckpointWritten { .. }) {
            self.written += 1;
            if self.written == self.at {
                for name in [LAST, BEST] {
                    if let Ok(bytes) = std::fs::read(self.dir.join(name)) {
                        std::fs::write(self.dir.join(format!("killed.{name}")), bytes).unwrap();
                    }
                }
            }
        }
    }
}

#[test]
fn a_killed_run_goes_on_from_any_checkpoint() {
    let full = TrainSpec { checkpoint_every_s: 0.0, accumulate: 2, ..spec(3, 4, 1e-3) };
    let straight = tempfile::tempdir().unwrap();
    run(&mut net(), &full, None, &mut Vec::new(), straight.path());
    // Inside the first epoch, between the two files at its end, behind them, and inside a later one.
    for at in [1, 4, 5, 7] {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        let (flag, mut killer) = (AtomicBool::new(false), Killer { dir, at, written: 0 });
        train(&mut net(), &full, Arc::new(Dots), Validation::losses(&Dots), None, &mut killer, &flag, dir).unwrap();
        for name in [LAST, BEST] {
            let _ = std::fs::remove_file(dir.join(name));
            let _ = std::fs::rename(dir.join(format!("killed.{name}")), dir.join(name));
        }
        let saved = Checkpoint::read(&dir.join(LAST)).unwrap();
        assert!(saved.optimizer.steps >= 1 && saved.optimizer.steps < 12, "{}", saved.optimizer.steps);
        run(&mut net(), &full, Some(&saved), &mut Vec::new(), dir);
        assert_eq!(last(dir), last(straight.path()), "killed at checkpoint {at}");
        let best = |dir: &Path| Checkpoint::read(&dir.join(BEST)).unwrap().weights;
        assert_eq!(best(dir), best(straight.path()), "killed at checkpoint {at}");
    }
}

/// Sets the flag at a step in the middle of an epoch.
struct Interrupter<'a>(&'a AtomicBool, usize);

impl EventSink for Interrupter<'_> {
    fn event(&mut self, event: &Event) {
        if let Event::Step { epoch: 2, step, .. } = event
            && *step == self.1
        {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

#[test]
fn interrupted_in_an_epoch_goes_on_alike() {
    let folder = tempfile::tempdir().unwrap();
    let full = spec(3, 6, 1e-3);
    run(&mut net(), &full, None, &mut Vec::new(), &folder.path().join("a"));
    let dir = folder.path().join("b");
    let flag = AtomicBool::new(false);
    let summary =
        train(&mut net(), &full, Arc::new(Dots), Validation::losses(&Dots), None, &mut Interrupter(&flag, 4), &flag, &dir)
            .unwrap();
    assert_eq!((summary.reason, summary.steps), (StopReason::Interrupted, 10));
    let saved = Checkpoint::read(&dir.join(LAST)).unwrap();
    run(&mut net(), &full, Some(&saved), &mut Vec::new(), &dir);
    assert_eq!(last(&dir), last(&folder.path().join("a")));
}

#[test]
fn a_loss_that_is_not_finite_names_the_step() {
    let folder = tempfile::tempdir().unwrap();
    let flag = AtomicBool::new(false);
    let result = train(
        &mut net(),
        &spec(1, 5, 1e-3),
        Arc::new(Poisoned),
        Validation::losses(&Dots),
        None,
        &mut Vec::new(),
        &flag,
        folder.path(),
    );
    let message = result.unwrap_err().to_string();
    assert!(message.contains("epoch 1, step 3"), "{message}");
}

#[test]
fn the_time_limit_validates_and_saves() {
    let folder = tempfile::tempdir().unwrap();
    let limited = TrainSpec { max_minutes: Some(1e-6), ..spec(5, 50, 1e-3) };
    let mut events = Vec::new();
    let summary = run(&mut net(), &limited, None, &mut events, folder.path());
    assert_eq!((summary.reason, summary.steps), (StopReason::TimeLimit, 1));
    assert!(summary.best_loss.is_finite() && summary.best_checkpoint.exists());
    assert!(matches!(events.last(), Some(Event::Stopped { .. })));
}

#[test]
fn patience_ends_the_training() {
    let folder = tempfile::tempdir().unwrap();
    let patient = TrainSpec { early_stopping: EarlyStopping { patience: 2, min_delta: 10.0 }, ..spec(50, 1, 1e-3) };
    let summary = run(&mut net(), &patient, None, &mut Vec::new(), folder.path());
    assert_eq!((summary.reason, summary.epochs), (StopReason::EarlyStopping, 3));
}

#[test]
fn the_best_weights_come_back() {
    let folder = tempfile::tempdir().unwrap();
    // A learning rate that soon ruins the network: the first epochs are the best.
    let patient = TrainSpec { early_stopping: EarlyStopping { patience: 3, min_delta: 0.0 }, ..spec(50, 3, 0.5) };
    let mut net = net();
    let summary = run(&mut net, &patient, None, &mut Vec::new(), folder.path());
    assert_eq!(summary.reason, StopReason::EarlyStopping);
    assert_eq!(summary.best_epoch + 3, summary.epochs);
    let weights = net.to_flat().unwrap();
    assert_eq!(weights, Checkpoint::read(&summary.best_checkpoint).unwrap().weights);
    assert_ne!(weights, last(folder.path()).0);
    let losses = validate(&net, &Dots, &HardKeypoints::default()).unwrap().unwrap().losses;
    assert!((losses[0] - summary.best_loss).abs() < 1e-12, "{losses:?} {}", summary.best_loss);
}

#[test]
fn a_network_that_died_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let warnings = |net: &mut PoseNet, rate: f64, steps: usize| {
        let mut events = Vec::new();
        run(net, &spec(7, steps, rate), None, &mut events, folder.path());
        let said = |e: &Event| if let Event::NothingLearned { epochs, .. } = e { Some(*epochs) } else { None };
        events.iter().filter_map(said).collect::<Vec<_>>()
    };
    let mut dead = net();
    let zeros = vec![0.0; dead.to_flat().unwrap().len()];
    dead.set_flat(&zeros).unwrap();
    assert_eq!(warnings(&mut dead, 1e-9, 1), [3, 6]);
    assert!(warnings(&mut net(), 3e-3, 30).is_empty(), "a network that learns");
}

#[test]
fn frozen_layers_stay() {
    let folder = tempfile::tempdir().unwrap();
    let fresh = net();
    let flags: Vec<bool> = (0..fresh.layers().len()).map(|i| i % 3 == 0).collect();
    let mut trained = fresh.clone();
    // With weight decay, which pulls even without a gradient.
    let optimizer = OptimizerConfig { kind: OptimizerKind::AdamW, weight_decay: 0.1, ..Default::default() };
    let plan = TrainSpec { frozen: flags.clone(), optimizer, ..spec(1, 3, 1e-3) };
    run(&mut trained, &plan, None, &mut Vec::new(), folder.path());
    for ((before, after), frozen) in fresh.layers().iter().zip(trained.layers()).zip(flags) {
        let weights = [before, after].map(|l| crate::model::pose_net::read(l.weight.clone()).unwrap());
        assert_eq!(weights[0] == weights[1], frozen);
    }
}

#[test]
fn accumulation_is_a_larger_batch() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let rate = 1e-3;
    let (mut parts, mut whole) = (net(), net());
    let accumulated = TrainSpec { accumulate: 2, ..spec(1, 4, rate) };
    run(&mut parts, &accumulated, None, &mut Vec::new(), folders[0].path());
    let flag = AtomicBool::new(false);
    train(
        &mut whole,
        &spec(1, 4, rate),
        Arc::new(Pairs),
        Validation::losses(&Dots),
        None,
        &mut Vec::new(),
        &flag,
        folders[1].path(),
    )
    .unwrap();
    let (a, b) = (parts.to_flat().unwrap(), whole.to_flat().unwrap());
    let worst = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    // Adam's first steps are about the rate, whatever the gradient's size; a rounding error of a tiny gradient may show.
    assert!(worst < 0.05 * rate as f32, "{worst}");
}

/// Two batches of [`Dots`] as one.
struct Pairs;

impl BatchSource for Pairs {
    fn batches(&self) -> usize {
        1
    }

    fn batch(&self, epoch: usize, index: usize) -> Result<Batch> {
        let (mut a, b) = (Dots.batch(epoch, 2 * index)?, Dots.batch(epoch, 2 * index + 1)?);
        a.images.0.extend(b.images.0);
        a.images.1[0] = 4;
        a.targets[0].0.extend(&b.targets[0].0);
        a.targets[0].1[0] = 4;
        Ok(a)
    }
}

/// Keeps the moments and takes its time.
#[derive(Default)]
struct Meter(Vec<Moment>);

impl MeasureAccuracy for Meter {
    fn measure(&mut self, _: &PoseNet, at: Moment) -> Result<Accuracy> {
        std::thread::sleep(std::time::Duration::from_millis(40));
        self.0.push(at);
        Ok(Accuracy {
            frames: 1,
            precision: None,
            recall: None,
            moks: None,
            moks_all: None,
            map: None,
            median_px: None,
            pck_5px: None,
            cost_s: 0.0,
        })
    }

    fn has_begun(&self) -> bool {
        !self.0.is_empty()
    }
}

#[test]
fn measuring_changes_nothing_but_its_own_clock() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let plan = spec(3, 4, 1e-3);
    let mut plain = net();
    run(&mut plain, &plan, None, &mut Vec::new(), folders[0].path());
    let (mut measured, mut meter, flag) = (net(), Meter::default(), AtomicBool::new(false));
    let often = TrainSpec { evaluate_every_s: 1e-9, ..plan.clone() };
    let validation = Validation { batches: &Dots, accuracy: Some(&mut meter) };
    let (dir, begin) = (folders[1].path(), Instant::now());
    let summary = train(&mut measured, &often, Arc::new(Dots), validation, None, &mut Vec::<Event>::new(), &flag, dir).unwrap();
    assert_eq!(last(folders[0].path()), last(dir));
    assert_eq!(plain.to_flat().unwrap(), measured.to_flat().unwrap());
    // Not every step, because gaps grow with the time trained; the last one with the best weights.
    let steps: Vec<(u64, bool)> = meter.0.iter().map(|at| (at.step, at.is_best)).collect();
    let (end, way) = steps.split_last().unwrap();
    assert!(*end == (12, true) && way.len() >= 2 && way[0] == (1, false), "{steps:?}");
    assert!(way.iter().all(|at| !at.1) && way.is_sorted_by(|a, b| a.0 < b.0) && way.last().unwrap().0 < 12, "{steps:?}");
    assert!(summary.measuring_s >= steps.len() as f64 * 0.04);
    let clock: Vec<f64> = meter.0.iter().map(|at| at.elapsed_s).collect();
    assert!(clock.is_sorted() && clock[0] >= 0.0);
    // The clock of the training and the pauses make up the whole.
    assert!(summary.elapsed_s + summary.measuring_s <= begin.elapsed().as_secs_f64());
    // Without any measurement on the way there is none at the end.
    let mut idle = Meter::default();
    let validation = Validation { batches: &Dots, accuracy: Some(&mut idle) };
    train(&mut net(), &plan, Arc::new(Dots), validation, None, &mut Vec::<Event>::new(), &flag, folders[0].path()).unwrap();
    assert!(idle.0.is_empty());
}
