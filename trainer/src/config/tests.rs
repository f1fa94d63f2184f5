use super::*;

const SMALL: &str = "[data]\ntrain = [\"synth:fly\"]\n";

#[test]
fn defaults_are_sleaps() {
    let config = TrainConfig::parse(SMALL, &[]).unwrap();
    assert_eq!((config.train.batch_size, config.train.epochs, config.train.learning_rate), (4, 200, 1e-4));
    assert_eq!((config.model.confmaps.sigma, config.model.pafs.sigma), (2.5, 75.0));
    assert_eq!((config.train.plateau.patience, config.train.plateau.cooldown), (5, 3));
    assert_eq!(config.train.steps(1000), 250);
    assert_eq!(config.train.steps(10), 200);
    let accumulated = TrainConfig::parse(SMALL, &["train.accumulate=2".into(), "train.min_steps_per_epoch=1".into()]).unwrap();
    assert_eq!(accumulated.train.steps(1000), 125);
}

#[test]
fn all_faults_come_in_one_report() {
    let text = "colour = 1\n[data]\nvalidation_fraction = 3\n[model]\nfilters = 0\nmax_stride = 12\nfilter_rate = 2\n\
                [model.pafs]\nsigma = -1.0\n[train]\nbatch_size = \"four\"\nepochs = 0\nschedule = \"never\"\naccumulate = 0\n\
                optimizer = { beta_2 = 1.0, weight_decay = -0.1 }\nstep_decay = { factor = 2.0 }\n[inference]\nmax_peaks = 0\n";
    let Err(Error::Config(faults)) = TrainConfig::parse(text, &[]) else { panic!("accepted") };
    for needle in [
        "colour",
        "data.train",
        "data.validation_fraction",
        "model.filters ",
        "model.max_stride",
        "model.filter_rate",
        "model.pafs.sigma",
        "train.batch_size",
        "train.epochs",
        "train.schedule",
        "train.accumulate",
        "train.optimizer.beta_2",
        "train.optimizer.weight_decay",
        "train.step_decay.factor",
        "inference.max_peaks",
    ] {
        assert!(faults.iter().any(|f| f.contains(needle.trim())), "{needle} is missing in {faults:#?}");
    }
}

#[test]
fn overrides_are_toml_or_plain_text() {
    let set = ["train.epochs=7", "train.device = cuda:1", "model.pafs.sigma=12.5", "data.val=[\"a.slp\"]"].map(String::from);
    let config = TrainConfig::parse(SMALL, &set).unwrap();
    assert_eq!((config.train.epochs, config.train.device.as_str(), config.model.pafs.sigma), (7, "cuda:1", 12.5));
    assert_eq!(config.data.val, ["a.slp"]);
    let wrong = ["epochs", "=3", "a..b=1", "data.train.x=1"].map(String::from);
    let Err(Error::Config(faults)) = TrainConfig::parse(SMALL, &wrong) else { panic!("accepted") };
    assert_eq!(faults.len(), 4, "{faults:?}");
}

#[test]
fn the_hash_sees_values_only() {
    let a = TrainConfig::parse(SMALL, &[]).unwrap();
    let b = TrainConfig::parse("[train]\nepochs = 200\nbatch_size = 4\n[data]\ntrain = [\"synth:fly\"]\n", &[]).unwrap();
    let c = TrainConfig::parse(SMALL, &["train.epochs=201".into()]).unwrap();
    assert_eq!(a.hash().unwrap(), b.hash().unwrap());
    assert_ne!(a.hash().unwrap(), c.hash().unwrap());
    assert_eq!(a.hash().unwrap().len(), 64);
}

#[test]
fn written_configuration_reads_back() {
    let config = TrainConfig::parse(SMALL, &["augment.rotation_deg=[-90.0, 15.0]".into()]).unwrap();
    assert_eq!(TrainConfig::parse(&config.to_toml().unwrap(), &[]).unwrap(), config);
}
