use super::*;
use crate::dataset::VideoSearch;
use crate::export::{check_export, metadata, to_onnx};
use crate::session::open_sources;
use crate::train::{Event, StopReason};

/// Small scenes of one or two marked flies, and networks that learn something of them in a second or two.
const RECIPE: &str = r#"
[data]
train = ["synth:fly"]
[data.synth]
samples = 60
val_samples = 12
width_px = 96
height_px = 96
min_animals = 1
max_animals = 2
individuals = 2
length_fraction = 0.45
[model]
filters = 8
filters_rate = 1.5
max_stride = 8
init = "fitted"
confmaps = { sigma = 2.0, stride = 4 }
pafs = { sigma = 20.0, stride = 4 }
[identity]
class_maps = { sigma = 3.0, stride = 4 }
[augment]
rotation_deg = [-180.0, 180.0]
[train]
batch_size = 4
epochs = 2
steps_per_epoch = 120
learning_rate = 3e-3
schedule = "constant"
[top_down]
anchor_part = "thorax"
"#;

fn setup(model_type: TrainModelType) -> (TrainConfig, Setup) {
    let set = [format!("model.type={}", model_type.name())];
    let mut set = set.to_vec();
    if model_type == TrainModelType::SingleInstance {
        set.extend(["data.synth.max_animals=1".into()]);
    }
    let config = TrainConfig::parse(RECIPE, &set).unwrap();
    let sources = open_sources(&config.data, &VideoSearch::default(), &mut |_, _, _| {}).unwrap();
    let setup = Setup::of(&config, sources, &mut |_| {}).unwrap();
    (config, setup)
}

/// Validation losses by epoch.
fn val_losses(events: &[Event]) -> Vec<f64> {
    events.iter().filter_map(|e| if let Event::EpochEnded { val_loss, .. } = e { Some(*val_loss) } else { None }).collect()
}

#[test]
fn every_network_of_every_model_type_learns_and_exports() {
    for model_type in TrainModelType::ALL {
        let (config, setup) = setup(model_type);
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        for &stage in model_type.stages() {
            let mut trained = new_net(&config, stage, &setup.facts, &Device::default()).unwrap();
            let (mut events, flag) = (Vec::new(), AtomicBool::new(false));
            let heads = trained.config.heads(stage, &setup.facts.skeleton, setup.facts.classes.len());
            let val = batches(&trained.config, stage, &setup, &heads).unwrap().val;
            let weights: Vec<f32> = heads.iter().map(|h| h.weight).collect();
            let plain = crate::model::HardKeypoints::default();
            let losses = |net: &PoseNet| crate::train::validate::validate(net, val.as_ref(), &plain).unwrap().unwrap().losses;
            let untrained = losses(&trained.net);
            let summary = train_stage(&mut trained, &setup, (&run, false), None, &mut events, &flag).unwrap();
            assert_eq!((summary.reason, summary.steps), (StopReason::Finished, 240));
            let best = losses(&trained.net);
            println!("{model_type:?} {stage:?}: {untrained:?} -> {best:?} (sums {:?})", val_losses(&events));
            // So few steps teach where animals and parts are, but not yet who is who.
            assert!(best[0] < 0.85 * untrained[0], "{model_type:?} {stage:?}: {untrained:?} -> {best:?}");
            let sum = crate::loss::weighted_sum(&best, &weights);
            assert!((sum - summary.best_loss).abs() <= 1e-9 * sum.abs(), "the best weights are back");
            let onnx = to_onnx(&trained.net, &metadata(&trained.net, "hash")).unwrap();
            let side = if stage == Stage::Instance { setup.facts.crop_size_px as usize } else { 96 };
            assert!(check_export(&trained.net, &onnx, &[[side, side], [40, 56]]).unwrap() < 1e-4);
            assert!(stage_folder(&run, model_type, stage).join(LAST).exists());
        }
        assert!(check_folder(&run, model_type, false).is_err() && check_folder(&run, model_type, true).is_ok());
    }
}

#[test]
fn a_resumed_network_goes_on_where_it_stood() {
    let (config, setup) = setup(TrainModelType::TopDown);
    let train_until = |epochs: usize, run: &RunFolder, resume: bool| {
        let mut config = config.clone();
        (config.train.epochs, config.train.steps_per_epoch) = (epochs, 3);
        let mut trained = new_net(&config, Stage::Instance, &setup.facts, &Device::default()).unwrap();
        train_stage(&mut trained, &setup, (run, resume), None, &mut Vec::<Event>::new(), &AtomicBool::new(false)).unwrap();
        std::fs::read(run.path().join("instance").join(LAST)).unwrap()
    };
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()].map(|f| (RunFolder::new(f.path()), f));
    train_until(2, &folders[0].0, false);
    train_until(4, &folders[0].0, true);
    train_until(4, &folders[1].0, false);
    let weights = |run: &RunFolder| {
        let path = run.path().join("instance").join(LAST);
        crate::train::Checkpoint::read(&path).unwrap().weights
    };
    assert_eq!(weights(&folders[0].0), weights(&folders[1].0));
}

#[test]
fn what_cannot_be_trained_is_told_first() {
    let refused = |set: &[&str]| {
        let set: Vec<String> = set.iter().map(|s| (*s).to_owned()).collect();
        let config = TrainConfig::parse(RECIPE, &set).unwrap();
        let sources = open_sources(&config.data, &VideoSearch::default(), &mut |_, _, _| {}).unwrap();
        Setup::of(&config, sources, &mut |_| {}).err().unwrap().to_string()
    };
    let message = refused(&["model.type=top_down", "top_down.anchor_part=torax"]);
    assert!(message.contains("torax") && message.contains("thorax"), "{message}");
    let message = refused(&["model.type=bottom_up_id", "data.synth.individuals=0"]);
    assert!(message.contains("tracks"), "{message}");
    let message = refused(&["model.type=top_down_id", "identity.classes=[\"plain\", \"nobody\"]"]);
    assert!(message.contains("nobody") && message.contains("front"), "{message}");
    let message = refused(&["model.type=top_down", "top_down.crop_size_px=50"]);
    assert!(message.contains("50") && message.contains('8'), "{message}");
    let message = refused(&["model.type=single_instance"]);
    assert!(message.contains("top_down"), "{message}");
}

#[test]
fn animals_that_are_cut_are_told() {
    let told = |crop: u32| {
        let set = ["model.type=top_down".into(), format!("top_down.crop_size_px={crop}")];
        let config = TrainConfig::parse(RECIPE, &set).unwrap();
        let sources = open_sources(&config.data, &VideoSearch::default(), &mut |_, _, _| {}).unwrap();
        let mut lines = Vec::new();
        let setup = Setup::of(&config, sources, &mut |line| lines.push(line.to_owned())).unwrap();
        (setup.facts.crop_size_px, lines.join("\n"))
    };
    let (size, text) = told(32);
    assert!(size == 32 && text.contains("reach out of their crop"), "{text}");
    let (size, text) = told(96);
    assert!(size == 96 && !text.contains("reach out"), "{text}");
    let (size, _) = told(0);
    assert!(size > 48 && size.is_multiple_of(8), "{size}");
}
