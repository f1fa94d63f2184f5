//! `trainer_config`: batches, rates, ends.

use super::super::fields::Fields;
use super::super::profile::Imported;
use crate::model::HardKeypoints;
use crate::train::{OptimizerKind, Schedule};

/// PyTorch's decay of AdamW, which SLEAP-NN does not set.
const ADAMW_DECAY: f64 = 0.01;

/// Takes over the optimisation.
pub(super) fn trainer(fields: &Fields, found: &mut Imported) {
    let at = |key: &str| format!("trainer_config.{key}");
    let (count, number) = (|key: &str| fields.count(&at(key)), |key: &str| fields.number(&at(key)));
    let train = &mut found.config.train;
    train.batch_size = count("train_data_loader.batch_size").unwrap_or(4);
    train.epochs = count("max_epochs").unwrap_or(100);
    train.steps_per_epoch = count("train_steps_per_epoch").unwrap_or(0);
    train.min_steps_per_epoch = count("min_train_steps_per_epoch").unwrap_or(200);
    train.learning_rate = number("optimizer.lr").unwrap_or(1e-4);
    train.optimizer.amsgrad = fields.flag(&at("optimizer.amsgrad"));
    if let Some(seed) = count("seed") {
        train.seed = seed as u64;
        found.config.data.seed = seed as u64;
    }
    match fields.text(&at("optimizer_name")).map(str::to_ascii_lowercase).as_deref() {
        None | Some("adam") => {}
        Some("adamw") => (train.optimizer.kind, train.optimizer.weight_decay) = (OptimizerKind::AdamW, ADAMW_DECAY),
        Some(other) => found.notes.push(format!("trainer_config.optimizer_name = {other:?}: Adam is used")),
    }
    if let Some(device) = fields.text(&at("trainer_accelerator")).filter(|name| !["auto", "cpu"].contains(name)) {
        found.notes.push(format!("trainer_config.trainer_accelerator = {device:?}: the device is chosen with train.device"));
    }
    train.early_stopping.min_delta = number("early_stopping.min_delta").unwrap_or(1e-8);
    let stops = fields.get(&at("early_stopping.stop_training_on_plateau")).and_then(serde_json::Value::as_bool).unwrap_or(true);
    let patience = count("early_stopping.patience").unwrap_or(10);
    train.early_stopping.patience = if stops { patience } else { 0 };
    train.hard_keypoints = HardKeypoints {
        enabled: fields.flag(&at("online_hard_keypoint_mining.online_mining")),
        hard_to_easy_ratio: number("online_hard_keypoint_mining.hard_to_easy_ratio").unwrap_or(2.0),
        min_hard_keypoints: count("online_hard_keypoint_mining.min_hard_keypoints").unwrap_or(2),
        max_hard_keypoints: count("online_hard_keypoint_mining.max_hard_keypoints").unwrap_or(0),
        loss_scale: number("online_hard_keypoint_mining.loss_scale").unwrap_or(5.0),
    };
    schedule(fields, found);
}

/// The first schedule that is set counts: cosine, linear, steps, then reduction on a plateau.
fn schedule(fields: &Fields, found: &mut Imported) {
    let base = "trainer_config.lr_scheduler";
    let set = |name: &str| fields.peek(&format!("{base}.{name}")).is_some();
    let number = |key: &str| fields.number(&format!("{base}.{key}"));
    let train = &mut found.config.train;
    let steps = if train.steps_per_epoch > 0 { train.steps_per_epoch } else { train.min_steps_per_epoch };
    for (name, least) in [("cosine_annealing_warmup", "eta_min"), ("linear_warmup_linear_decay", "end_lr")] {
        if set(name) {
            let warmup = number(&format!("{name}.warmup_epochs")).unwrap_or(5.0);
            number(&format!("{name}.warmup_start_lr"));
            train.schedule = Schedule::Cosine;
            train.warmup_steps = (warmup * steps as f64) as usize;
            train.plateau.min_learning_rate = number(&format!("{name}.{least}")).unwrap_or(0.0);
            found.notes.push(format!(
                "{base}.{name}: the rate rises from 0 over {} steps ({warmup} epochs of {steps}), then falls as a cosine",
                train.warmup_steps
            ));
            return;
        }
    }
    if set("step_lr") {
        train.schedule = Schedule::Step;
        train.step_decay.every_epochs = number("step_lr.step_size").unwrap_or(10.0) as usize;
        train.step_decay.factor = number("step_lr.gamma").unwrap_or(0.1);
        return;
    }
    let plateau = |key: &str, default: f64| number(&format!("reduce_lr_on_plateau.{key}")).unwrap_or(default);
    train.schedule = Schedule::Plateau;
    train.plateau.min_delta = plateau("threshold", 1e-6);
    train.plateau.cooldown = plateau("cooldown", 3.0) as usize;
    train.plateau.patience = plateau("patience", 5.0) as usize;
    train.plateau.factor = plateau("factor", 0.5);
    train.plateau.min_learning_rate = plateau("min_lr", 1e-8);
    let mode = fields.text(&format!("{base}.reduce_lr_on_plateau.threshold_mode"));
    if let Some(mode) = mode.filter(|mode| *mode != "abs") {
        found.notes.push(format!("{base}.reduce_lr_on_plateau.threshold_mode = {mode:?}: the threshold is absolute here"));
    }
}
