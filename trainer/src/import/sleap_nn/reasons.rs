//! Why fields are not taken over.

const PADDED: Option<&str> = Some("frames of different sizes are padded, not resized");
const CROPS: Option<&str> = Some("the size of crops comes from the animals and the augmentation");
const START: Option<&str> =
    Some("training starts from a bundle, an .onnx file or a checkpoint of this program: train.start_from");

/// Beginnings of paths with the reason; `None`: nothing is lost, so nothing is said. The first that fits counts.
pub(super) const REASONS: [(&str, Option<&str>); 39] = [
    ("data_config.provider", None),
    ("data_config.data_pipeline_fw", None),
    ("data_config.cache_", None),
    ("data_config.use_existing_imgs", None),
    ("data_config.delete_cache_imgs_after_training", None),
    ("data_config.parallel_caching", None),
    ("data_config.skeletons", None),
    ("data_config.preprocessing.max_", PADDED),
    ("data_config.preprocessing.min_crop_size", CROPS),
    ("data_config.preprocessing.crop_", Some("this model has no crops")),
    ("data_config.preprocessing.tiling", Some("frames are not cut into tiles")),
    ("data_config.augmentation_config.geometric.mixup", None),
    ("data_config.augmentation_config", Some("this variation is switched off, or not known here")),
    ("data_config.negative_loss_weight", Some("frames without animals weigh as much as others")),
    ("data_config.user_instances_only", None),
    ("model_config.init_weights", Some("first weights are Glorot's; model.init has others")),
    ("model_config.pretrained_", START),
    ("model_config.total_params", None),
    ("model_config.backbone_config.unet.in_channels", None),
    ("model_config.backbone_config.unet.output_stride", None),
    ("trainer_config.train_data_loader", None),
    ("trainer_config.val_data_loader", None),
    ("trainer_config.model_ckpt", None),
    ("trainer_config.trainer_device", Some("the device is chosen with train.device")),
    ("trainer_config.trainer_strategy", None),
    ("trainer_config.enable_progress_bar", None),
    ("trainer_config.visualize_preds_during_training", None),
    ("trainer_config.keep_viz", None),
    ("trainer_config.viz_img_format", None),
    ("trainer_config.save_ckpt", None),
    ("trainer_config.ckpt_dir", None),
    ("trainer_config.resume_ckpt_path", START),
    ("trainer_config.use_wandb", Some("the log is training_log.csv")),
    ("trainer_config.wandb", None),
    ("trainer_config.zmq", None),
    ("trainer_config.eval", None),
    ("trainer_config.lr_scheduler", Some("another schedule is set, too, and goes before it")),
    ("trainer_config.optimizer", Some("this setting of the optimiser is not known here")),
    ("trainer_config.profiler", None),
];
