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
fn faults_of_the_compact_backbone_name_its_keys() {
    let set = [
        "model.backbone=compact",
        "model.compact={ kernel = 4, expansion = 9 }",
        "model.upsampling=transposed",
        "model.filters=0",
    ];
    let Err(Error::Config(faults)) = TrainConfig::parse(SMALL, &set.map(String::from)) else { panic!("accepted") };
    for needle in
        ["model.compact.kernel is 4; it must be 3 or 5", "model.compact.expansion", "model.upsampling", "model.filters is 0"]
    {
        assert!(faults.iter().any(|f| f.starts_with(needle)), "{needle} is missing in {faults:#?}");
    }
    // Of no effect with the UNet, so that the backbone can be changed alone.
    assert!(TrainConfig::parse(SMALL, &["model.compact.kernel=4".into()]).is_ok());
    let names = ["model.backbone=resnet".into(), "model.compact.skip=maybe".into()];
    let Err(Error::Config(faults)) = TrainConfig::parse(SMALL, &names) else { panic!("accepted") };
    assert!(
        faults.iter().any(|f| f.starts_with("model.backbone") && f.contains("\"unet\"") && f.contains("\"compact\"")),
        "{faults:#?}"
    );
    assert!(faults.iter().any(|f| f.starts_with("model.compact.skip") && f.contains("\"add\" or \"concat\"")), "{faults:#?}");
}

#[test]
fn wrong_fields_of_inner_tables_come_in_one_report() {
    let text = "[data]\ntrain = [\"synth:fly\"]\n[data.synth]\nsamples = \"many\"\nheigth_px = 3\nwidth_px = 5\n\
                [model]\nconfmaps = { sigma = \"wide\", strid = 4, stride = 3 }\npafs = 7\n\
                [train]\nplateau = { factor = true, patience = -1 }\n[identity]\nclass_maps = { weigth = 1.0 }\n\
                [centroid.model]\nconfmaps = { sigma = [], weight = \"x\" }\n";
    let Err(Error::Config(faults)) = TrainConfig::parse(text, &["model.type=top_down".into()]) else { panic!("accepted") };
    for needle in [
        "data.synth.samples cannot be \"many\". Training scenes. From 1 to 1000000.",
        "data.synth.heigth_px is no key; did you mean data.synth.height_px?",
        "data.synth.width_px must",
        "model.confmaps.sigma cannot be",
        "model.confmaps.strid is no key; did you mean model.confmaps.stride?",
        "model.confmaps.stride is 3",
        "model.pafs cannot be 7: it is a table of sigma, stride, weight",
        "train.plateau.factor cannot be true",
        "train.plateau.patience cannot be -1",
        "identity.class_maps.weigth is no key; did you mean identity.class_maps.weight?",
        "centroid: model.confmaps.sigma cannot be",
        "centroid: model.confmaps.weight cannot be",
    ] {
        assert!(faults.iter().any(|f| f.starts_with(needle)), "{needle} is missing in {faults:#?}");
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
    // Those of `--set` come with those of the file.
    let Err(Error::Config(faults)) = TrainConfig::parse("[train]\nepochs = 0\n", &["epochs".into()]) else { panic!("accepted") };
    assert_eq!(faults.len(), 3, "{faults:?}");
    let Err(Error::Config(faults)) = TrainConfig::parse("[train\n", &["train.epochs=0".into()]) else { panic!("accepted") };
    assert!(faults.len() == 1 && faults[0].contains("line 1"), "{faults:?}");
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

const TOP_DOWN: &str = "[data]\ntrain = [\"synth:fly\"]\n[model]\ntype = \"top_down\"\nfilters = 24\n[train]\nmax_minutes = 10.0\n\
                        [centroid.preprocess]\ninput_scale = 0.5\n[centroid.model]\nfilters = 8\nconfmaps = { stride = 2 }\n\
                        [instance.train]\nepochs = 3\n";

#[test]
fn networks_have_common_and_own_settings() {
    let config = TrainConfig::parse(TOP_DOWN, &["top_down.centroid_time_share=0.25".into()]).unwrap();
    let (centroid, instance) = (config.stage(Stage::Centroid).unwrap(), config.stage(Stage::Instance).unwrap());
    assert_eq!((centroid.preprocess.input_scale, instance.preprocess.input_scale), (0.5, 1.0));
    assert_eq!((centroid.model.filters, instance.model.filters), (8, 24));
    assert_eq!((centroid.model.confmaps.stride, centroid.model.confmaps.sigma), (2, 2.5), "tables are merged, not replaced");
    assert_eq!((centroid.train.epochs, instance.train.epochs), (200, 3));
    assert_eq!((centroid.train.max_minutes, instance.train.max_minutes), (2.5, 7.5));
    let own = TrainConfig::parse(TOP_DOWN, &["instance.train.max_minutes=3.0".into()]).unwrap();
    assert_eq!(own.stage(Stage::Instance).unwrap().train.max_minutes, 3.0);
    assert_eq!(TrainConfig::parse(&config.to_toml().unwrap(), &[]).unwrap(), config);
}

#[test]
fn faults_of_a_network_bear_its_name() {
    let set =
        ["centroid.model.max_stride=12", "instance.data.train=[]", "instance.model.type=\"centroid\"", "model.filters_rate=9.0"];
    let Err(Error::Config(faults)) = TrainConfig::parse(TOP_DOWN, &set.map(String::from)) else { panic!("accepted") };
    for needle in ["centroid: model.max_stride", "instance: `data`", "instance: model.type", "model.filters_rate"] {
        assert!(faults.iter().any(|f| f.starts_with(needle)), "{needle} is missing in {faults:#?}");
    }
    assert_eq!(faults.iter().filter(|f| f.contains("filters_rate")).count(), 1, "{faults:#?}");
    // Tables of networks that the model type does not have are of no effect, but still checked for keys.
    assert!(TrainConfig::parse(SMALL, &["instance.model.filters=3".into()]).is_ok());
    assert!(TrainConfig::parse(SMALL, &["instance.data.seed=3".into()]).is_err());
}

#[test]
fn every_model_type_has_its_networks_and_heads() {
    let skeleton = dormouse::Skeleton { nodes: vec!["a".into(), "b".into()], edges: vec![(0, 1)], ..Default::default() };
    let kinds = TrainModelType::ALL.into_iter().flat_map(|kind| [(kind, "unet"), (kind, "compact")]);
    for (model_type, backbone) in kinds {
        let set = [format!("model.type={}", model_type.name()), format!("model.backbone={backbone}")];
        let config = TrainConfig::parse(SMALL, &set).unwrap();
        let heads: Vec<Vec<(String, usize)>> = model_type
            .stages()
            .iter()
            .map(|&stage| {
                let heads = config.stage(stage).unwrap().heads(stage, &skeleton, 3);
                config.network(&heads).plan().unwrap();
                heads.into_iter().map(|h| (h.spec.output, h.spec.channels)).collect()
            })
            .collect();
        let expected: &[&[(&str, usize)]] = match model_type {
            TrainModelType::SingleInstance => &[&[("confmaps", 2)]],
            TrainModelType::BottomUp => &[&[("confmaps", 2), ("pafs", 2)]],
            TrainModelType::BottomUpId => &[&[("confmaps", 2), ("class_maps", 3)]],
            TrainModelType::Centroid => &[&[("centroids", 1)]],
            TrainModelType::TopDown => &[&[("centroids", 1)], &[("confmaps", 2)]],
            TrainModelType::TopDownId => &[&[("centroids", 1)], &[("confmaps", 2), ("class_vectors", 3)]],
        };
        let named: Vec<Vec<(&str, usize)>> =
            heads.iter().map(|heads| heads.iter().map(|(name, channels)| (name.as_str(), *channels)).collect()).collect();
        assert_eq!(named, expected, "{model_type:?}, {backbone}");
    }
}
