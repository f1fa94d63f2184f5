use super::*;
use crate::config::{ColorChoice, Stage, TrainModelType};
use crate::import::{read_profile, with_centroid};
use crate::model::Upsampling;
use crate::train::{OptimizerKind, Schedule};

/// In the shape of the program's own files, with settings that all differ from the defaults.
const BOTTOM_UP: &str = "
name: ''
description: a test
data_config:
  train_labels_path: [a.slp, b.slp]
  val_labels_path: null
  validation_fraction: 0.2
  test_file_path: [t.slp, v.mp4]
  provider: LabelsReader
  user_instances_only: false
  preprocessing: {ensure_rgb: true, ensure_grayscale: false, max_height: 400, scale: 0.5, crop_size: null, min_crop_size: 100}
  use_augmentations_train: true
  augmentation_config:
    intensity: {uniform_noise_max: 7.0, uniform_noise_p: 0.0, gaussian_noise_mean: 0.1, gaussian_noise_std: 0.05,
      gaussian_noise_p: 0.5, contrast_min: 0.7, contrast_max: 1.3, contrast_p: 0.25}
    geometric: {rotation_min: -180.0, rotation_max: 180.0, rotation_p: 0.5, scale_p: 0, translate_width: 0.1,
      translate_height: 0.2, translate_p: 1.0, flip_p: 0.5, mixup_p: 0.0, mixup_lambda_min: 0.01}
  use_negative_frames: true
model_config:
  init_weights: xavier
  backbone_config:
    unet: {in_channels: 1, kernel_size: 5, filters: 24, max_stride: 32, stem_stride: null, up_interpolate: false,
      stacks: 1, convs_per_block: 3, output_stride: 4}
    convnext: null
  head_configs:
    single_instance: null
    bottomup:
      confmaps: {part_names: null, sigma: 2.5, output_stride: 4, loss_weight: null}
      pafs: {edges: null, sigma: 75.0, output_stride: 8, loss_weight: 0.5}
trainer_config:
  train_data_loader: {batch_size: 6, shuffle: true, num_workers: 0}
  trainer_accelerator: gpu
  max_epochs: 77
  seed: 5
  run_name: mine
  optimizer_name: AdamW
  optimizer: {lr: 1.0e-03, amsgrad: true, betas: 3}
  lr_scheduler:
    step_lr: {step_size: 20, gamma: 0.5}
    reduce_lr_on_plateau: {patience: 8}
  early_stopping: {stop_training_on_plateau: false, patience: 9}
  online_hard_keypoint_mining: {online_mining: true, max_hard_keypoints: null, loss_scale: 3.0}
  use_wandb: true
  surprise: 1
";

#[test]
fn values_land_where_they_belong_and_the_rest_is_told() {
    let Imported { config, notes } = import_nn(BOTTOM_UP, Path::new("c.yaml")).unwrap();
    assert_eq!((config.name.as_str(), config.data.train.len(), config.data.validation_fraction), ("mine", 2, 0.2));
    assert_eq!((config.data.test.as_slice(), config.data.negatives), (["t.slp".to_owned()].as_slice(), true));
    assert_eq!((config.preprocess.color, config.preprocess.input_scale), (ColorChoice::Rgb, 0.5));
    let m = &config.model;
    assert_eq!((m.model_type, m.filters, m.filters_rate, m.max_stride), (TrainModelType::BottomUp, 24, 1.5, 32));
    assert_eq!((m.upsampling, m.convs_per_block, m.middle_block), (Upsampling::Transposed, 3, true));
    assert_eq!((m.confmaps.sigma, m.confmaps.stride, m.confmaps.weight), (2.5, 4, 1.0));
    assert_eq!((m.pafs.sigma, m.pafs.stride, m.pafs.weight), (75.0, 8, 0.5));
    let a = &config.augment;
    assert_eq!((a.rotation_deg, a.scale, a.translate_fraction), ([-180.0, 180.0], [1.0, 1.0], [-0.2, 0.2]));
    assert_eq!((a.uniform_noise, a.uniform_noise_probability), ([0.0, 0.04], 0.0), "switched off");
    assert_eq!((a.noise_deviation, a.noise_probability, a.contrast), (0.05, 0.5, [0.7, 1.3]));
    assert_eq!((a.flip_horizontal_probability, a.contrast_probability), (0.5, 0.25));
    let t = &config.train;
    assert_eq!((t.batch_size, t.epochs, t.learning_rate, t.seed, config.data.seed), (6, 77, 1e-3, 5, 5));
    assert_eq!((t.optimizer.kind, t.optimizer.amsgrad, t.optimizer.weight_decay), (OptimizerKind::AdamW, true, 0.01));
    assert_eq!((t.schedule, t.step_decay.every_epochs, t.step_decay.factor), (Schedule::Step, 20, 0.5));
    assert_eq!((t.early_stopping.patience, t.hard_keypoints.enabled, t.hard_keypoints.loss_scale), (0, true, 3.0));
    for part in [
        "v.mp4",
        "user_instances_only",
        "max_height = 400",
        "min_crop_size = 100",
        "gaussian_noise_mean = 0.1",
        "rotation_p = 0.5",
        "translate_height = 0.2",
        "kernel_size = 5",
        "init_weights",
        "trainer_accelerator",
        "reduce_lr_on_plateau.patience = 8",
        "optimizer.betas = 3",
        "use_wandb",
        "surprise = 1",
    ] {
        assert!(notes.iter().any(|n| n.contains(part)), "{part} is missing in {notes:#?}");
    }
    assert_eq!(notes.len(), 14, "{notes:#?}");
    let text = Imported { config: config.clone(), notes }.to_toml("c.yaml").unwrap();
    assert_eq!(TrainConfig::parse(&text, &[]).unwrap(), config, "{text}");
}

/// A model with crops, and one word for the backbone.
const CENTERED: &str = "
data_config: {train_labels_path: [a.slp], preprocessing: {ensure_grayscale: true, scale: 0.5, crop_size: 100, crop_padding: 9}}
model_config:
  backbone_config: unet_large_rf
  head_configs:
    centered_instance: {confmaps: {anchor_part: thorax, sigma: 2.0, output_stride: 2}}
trainer_config:
  lr_scheduler: {cosine_annealing_warmup: {warmup_epochs: 2, eta_min: 1.0e-06}}
";
const CENTROID: &str = "
data_config: {preprocessing: {ensure_grayscale: true, scale: 0.25}, use_augmentations_train: false}
model_config:
  backbone_config: {swint: {model_type: tiny, max_stride: 64}}
  head_configs: {centroid: {confmaps: {anchor_part: thorax, sigma: 3.0, output_stride: 4}}}
";

#[test]
fn two_files_make_a_top_down_model() {
    let instance = import_nn(CENTERED, Path::new("i.yml")).unwrap();
    let centroid = import_nn(CENTROID, Path::new("c.yml")).unwrap();
    // 100 px of the frame are 50 of the input; the next multiple of 32 is 64.
    assert_eq!((instance.config.top_down.crop_size_px, instance.config.top_down.anchor_part.as_str()), (64, "thorax"));
    assert_eq!(instance.config.top_down.crop_padding_px, crate::config::CropPadding::Px(5));
    assert!(!instance.notes.iter().any(|n| n.contains("another kind")), "{:#?}", instance.notes);
    assert_eq!((instance.config.model.filters, instance.config.model.max_stride), (24, 32));
    assert_eq!((instance.config.train.schedule, instance.config.train.warmup_steps), (Schedule::Cosine, 400));
    assert!(centroid.notes.iter().any(|n| n.contains("swint") && n.contains("64")), "{:#?}", centroid.notes);
    assert_eq!((centroid.config.augment.rotation_deg, centroid.config.augment.scale), ([0.0, 0.0], [1.0, 1.0]));
    let both = with_centroid(instance, centroid).unwrap();
    let config = TrainConfig::parse(&both.to_toml("i.yml").unwrap(), &[]).unwrap();
    let (first, second) = (config.stage(Stage::Centroid).unwrap(), config.stage(Stage::Instance).unwrap());
    assert_eq!((first.model.max_stride, first.preprocess.input_scale, first.model.confmaps.sigma), (64, 0.25, 3.0));
    assert_eq!((second.model.max_stride, second.preprocess.input_scale, second.model.confmaps.sigma), (32, 0.5, 2.0));
}

#[test]
fn what_is_no_such_file_is_refused_with_the_reason() {
    let fault = |text: &str| import_nn(text, Path::new("c.yaml")).unwrap_err().to_string();
    assert!(fault("a: [1, 2").contains("c.yaml"));
    assert!(fault("- 1\n- 2\n").contains("fields and their values"));
    assert!(fault("model: {heads: {}}").contains("model_config.head_configs"));
    let segmentation = fault("model_config: {head_configs: {bottomup_segmentation: {center: {sigma: 1}}}}");
    assert!(segmentation.contains("exactly one head") && segmentation.contains("centered_instance"), "{segmentation}");
    let bad = fault(
        "model_config: {backbone_config: {unet: {max_stride: 12}}, head_configs: {single_instance: {confmaps: {sigma: -1}}}}",
    );
    assert!(bad.contains("model.max_stride") && bad.contains("model.confmaps.sigma"), "{bad}");
    // A thousand million laughs, by references to references.
    let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for i in 1..10 {
        let list = vec![format!("*a{}", i - 1); 10].join(", ");
        laughs.push_str(&format!("a{i}: &a{i} [{list}]\n"));
    }
    assert!(import_nn(&laughs, Path::new("c.yaml")).is_err());
}

#[test]
fn the_ending_decides_the_format() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("training_config.YAML");
    std::fs::write(&path, BOTTOM_UP).unwrap();
    assert_eq!(read_profile(&path).unwrap().config.train.epochs, 77);
}
