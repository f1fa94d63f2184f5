use super::*;
use crate::model::{HeadSpec, PoseNetConfig, UnetConfig};
use crate::train::spec::{EarlyStopping, HeadTraining, Plateau};
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
    PoseNetConfig { in_channels: 1, unet, heads }.init(11, &Device::default()).unwrap()
}

fn spec(epochs: usize, steps: usize, rate: f64) -> TrainSpec {
    TrainSpec {
        heads: vec![HeadTraining { name: "confmaps".into(), weight: 1.0 }],
        epochs,
        steps_per_epoch: steps,
        learning_rate: rate,
        warmup_steps: 0,
        schedule: Schedule::Plateau,
        plateau: Plateau { patience: 1, cooldown: 0, ..Plateau::default() },
        early_stopping: EarlyStopping { patience: 0, ..EarlyStopping::default() },
        max_minutes: None,
        workers: 2,
        config_hash: "test".into(),
    }
}

fn run(net: &mut PoseNet, spec: &TrainSpec, resume: Option<&Checkpoint>, events: &mut Vec<Event>, dir: &Path) -> TrainSummary {
    let flag = AtomicBool::new(false);
    train(net, spec, Arc::new(Dots), &Dots, resume, events, &flag, dir).unwrap()
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

#[test]
fn resumed_equals_uninterrupted() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut whole = net();
    let full = spec(4, 5, 1e-3);
    run(&mut whole, &full, None, &mut Vec::new(), folders[0].path());

    let mut parts = net();
    run(&mut parts, &spec(2, 5, 1e-3), None, &mut Vec::new(), folders[1].path());
    let saved = Checkpoint::read(&folders[1].path().join(LAST)).unwrap();
    let mut fresh = net();
    run(&mut fresh, &full, Some(&saved), &mut Vec::new(), folders[1].path());
    assert_eq!(fresh.to_flat().unwrap(), whole.to_flat().unwrap());
    let rows = |i: usize| {
        let text = std::fs::read_to_string(folders[i].path().join(LOG)).unwrap();
        let column = |line: &str| line.split(',').take(4).map(str::to_string).collect::<Vec<_>>();
        text.lines().map(column).collect::<Vec<_>>()
    };
    assert_eq!(rows(0), rows(1));
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
    let mut whole = net();
    run(&mut whole, &full, None, &mut Vec::new(), &folder.path().join("a"));

    let dir = folder.path().join("b");
    let flag = AtomicBool::new(false);
    let mut first = net();
    let summary = train(&mut first, &full, Arc::new(Dots), &Dots, None, &mut Interrupter(&flag, 4), &flag, &dir).unwrap();
    assert_eq!((summary.reason, summary.steps), (StopReason::Interrupted, 10));
    let saved = Checkpoint::read(&dir.join(LAST)).unwrap();
    let mut fresh = net();
    run(&mut fresh, &full, Some(&saved), &mut Vec::new(), &dir);
    assert_eq!(fresh.to_flat().unwrap(), whole.to_flat().unwrap());
}

#[test]
fn a_loss_that_is_not_finite_names_the_step() {
    let folder = tempfile::tempdir().unwrap();
    let flag = AtomicBool::new(false);
    let result = train(&mut net(), &spec(1, 5, 1e-3), Arc::new(Poisoned), &Dots, None, &mut Vec::new(), &flag, folder.path());
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
