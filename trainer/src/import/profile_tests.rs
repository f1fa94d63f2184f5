use super::*;
use crate::config::{CropPadding, Stage, TrainModelType};
use crate::import::{PRESETS, with_centroid};
use crate::model::Upsampling;

const SMALL: &str = r#"{
  "data": {"labels": {"training_labels": "a.slp", "test_labels": "t.slp", "validation_fraction": 0.2, "split_by_inds": true, "training_inds": [1, 2]},
           "preprocessing": {"input_scaling": 0.5, "ensure_rgb": true, "imagenet_mode": "torch"}},
  "model": {"backbone": {"unet": {"filters": 24, "filters_rate": 1.5, "max_stride": 32, "up_interpolate": true, "stacks": 2}},
            "heads": {"multi_instance": {"confmaps": {"sigma": 2.5, "output_stride": 4, "offset_refinement": true},
                                         "pafs": {"sigma": 75, "output_stride": 8, "loss_weight": 0.5}}}},
  "optimization": {"batch_size": 6, "epochs": "many", "augmentation_config": {"rotate": true, "rotation_min_angle": -90, "rotation_max_angle": 45,
      "scale": false, "scale_min": 0.5, "gaussian_noise": true, "gaussian_noise_mean": 0, "gaussian_noise_stddev": 5.1,
      "random_flip": true, "flip_horizontal": false, "brightness": true},
      "early_stopping": {"stop_training_on_plateau": false}},
  "outputs": {"run_name": "mine", "zmq": {"publish_updates": true}},
  "surprise": 3
}"#;

#[test]
fn values_land_where_they_belong_and_the_rest_is_told() {
    let Imported { config, notes } = import_profile(SMALL, Path::new("p")).unwrap();
    assert_eq!((config.name.as_str(), config.data.train.as_slice()), ("mine", ["a.slp".to_owned()].as_slice()));
    assert_eq!(config.data.test, ["t.slp"]);
    assert_eq!((config.data.validation_fraction, config.preprocess.input_scale), (0.2, 0.5));
    assert_eq!(config.preprocess.color, ColorChoice::Rgb);
    let m = &config.model;
    assert_eq!((m.model_type, m.filters, m.filters_rate, m.max_stride), (TrainModelType::BottomUp, 24, 1.5, 32));
    assert_eq!((m.upsampling, m.middle_block), (Upsampling::Bilinear, true));
    assert_eq!((m.confmaps.sigma, m.confmaps.stride, m.pafs.sigma, m.pafs.stride, m.pafs.weight), (2.5, 4, 75.0, 8, 0.5));
    let a = &config.augment;
    assert_eq!((a.rotation_deg, a.scale), ([-90.0, 45.0], [1.0, 1.0]));
    assert!((a.noise_deviation - 0.02).abs() < 1e-6 && a.noise_probability == 1.0);
    assert_eq!((a.flip_horizontal_probability, a.flip_vertical_probability), (0.0, 0.5));
    // Classic SLEAP's defaults where the profile is silent.
    assert_eq!((config.train.batch_size, config.train.epochs, config.train.learning_rate), (6, 100, 1e-4));
    assert_eq!((config.train.early_stopping.patience, config.train.plateau.patience), (0, 5));
    for part in [
        "split_by_inds",
        "imagenet_mode",
        "stacks = 2",
        "offset_refinement",
        "brightness by 0 to 10",
        "surprise = 3",
        "epochs = \"many\"",
    ] {
        assert!(notes.iter().any(|n| n.contains(part)), "{part} is missing in {notes:#?}");
    }
    assert_eq!(notes.len(), 7, "{notes:#?}");
    let text = Imported { config: config.clone(), notes }.to_toml("p").unwrap();
    assert_eq!(TrainConfig::parse(&text, &[]).unwrap(), config, "{text}");
}

#[test]
fn what_is_no_profile_is_refused_with_the_reason() {
    let with = |heads: &str, unet: &str| format!(r#"{{"model": {{"heads": {heads}, "backbone": {{"unet": {unet}}}}}}}"#);
    let fault = |text: &str| import_profile(text, Path::new("p.json")).unwrap_err().to_string();
    assert!(fault("{}").contains("model.heads"));
    assert!(fault(&with("{}", "{}")).contains("exactly one head"));
    let both = r#"{"single_instance": {"sigma": 1}, "centroid": {"sigma": 1}}"#;
    assert!(fault(&with(both, "{}")).contains("exactly one head"));
    let bad = fault(&with(r#"{"single_instance": {"sigma": -1}}"#, r#"{"max_stride": 12, "filters": 0}"#));
    for key in ["model.confmaps.sigma", "model.max_stride", "model.filters"] {
        assert!(bad.contains(key), "{key} is missing in {bad}");
    }
}

#[test]
#[ignore = "needs ../shared/data"]
fn presets_are_sleaps_files() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/profiles"));
    for preset in &PRESETS {
        let imported = read_profile(&folder.join(format!("{}.json", preset.name))).unwrap();
        assert_eq!(imported.config, preset.config(), "{}", preset.name);
    }
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = read_profile(&path).unwrap().to_toml("p").unwrap();
        assert!(TrainConfig::parse(&text, &["data.train=[\"a.slp\"]".into()]).is_ok(), "{}", path.display());
    }
}

#[test]
fn two_profiles_make_a_top_down_model() {
    let with = |head: &str, rest: &str| {
        let text = format!(
            r#"{{"model": {{"heads": {head}, "backbone": {{"unet": {{"filters": 24, "max_stride": 16, "up_interpolate": true}}}}}} {rest}}}"#
        );
        import_profile(&text, Path::new("p")).unwrap()
    };
    let crops = r#", "data": {"instance_cropping": {"center_on_part": "thorax", "crop_size": 96, "crop_size_detection_padding": 8}}, "optimization": {"batch_size": 6}"#;
    let instance = with(r#"{"centered_instance": {"anchor_part": "thorax", "sigma": 2.5, "output_stride": 4}}"#, crops);
    let scaled = r#", "data": {"preprocessing": {"input_scaling": 0.5}}, "optimization": {"batch_size": 6}"#;
    let centroid = with(r#"{"centroid": {"anchor_part": "thorax", "sigma": 3.5, "output_stride": 2}}"#, scaled);
    assert!(instance.notes.iter().any(|n| n.contains("--centroid")));
    let both = with_centroid(instance.clone(), centroid.clone()).unwrap();
    assert!(!both.notes.iter().any(|n| n.contains("--centroid")));
    let text = both.to_toml("p").unwrap();
    let config = TrainConfig::parse(&text, &["data.train=[\"a.slp\"]".into()]).unwrap();
    assert_eq!((config.top_down.anchor_part.as_str(), config.top_down.crop_size_px), ("thorax", 96));
    assert_eq!(config.top_down.crop_padding_px, CropPadding::Px(8));
    let (first, second) = (config.stage(Stage::Centroid).unwrap(), config.stage(Stage::Instance).unwrap());
    assert_eq!((first.preprocess.input_scale, first.model.confmaps.sigma, first.model.confmaps.stride), (0.5, 3.5, 2));
    assert_eq!((second.preprocess.input_scale, second.model.confmaps.sigma, second.model.confmaps.stride), (1.0, 2.5, 4));
    assert!(!text.contains("centroid.train") && config.centroid.get("train").is_none(), "{text}");
    assert!(with_centroid(centroid, instance).is_err());
    for preset in &PRESETS {
        let mut config = preset.imported().unwrap().config;
        config.data.train.push("a.slp".into());
        assert!(config.faults().is_empty(), "{}: {:?}", preset.name, config.faults());
    }
}

#[test]
fn heavy_class_maps_are_taken_over_and_told() {
    let with = |weight: &str| {
        let maps = format!(r#"{{"classes": ["anna", "bert"], "sigma": 4, "output_stride": 4, "loss_weight": {weight}}}"#);
        let heads =
            format!(r#"{{"multi_class_bottomup": {{"confmaps": {{"sigma": 2.5, "output_stride": 4}}, "class_maps": {maps}}}}}"#);
        let text = format!(r#"{{"model": {{"heads": {heads}, "backbone": {{"unet": {{"filters": 24, "max_stride": 16}}}}}}}}"#);
        let Imported { config, notes } = import_profile(&text, Path::new("p")).unwrap();
        assert_eq!((config.model.model_type, config.identity.classes.len()), (TrainModelType::BottomUpId, 2));
        (config.identity.class_maps.weight, notes.iter().any(|note| note.contains("identity.class_maps.weight = ")))
    };
    assert_eq!((with("1.0"), with("0.1")), ((1.0, true), (0.1, false)));
}
