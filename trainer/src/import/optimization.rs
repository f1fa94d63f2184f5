//! Optimisation of a profile.

use super::fields::Fields;
use super::profile::Imported;
use crate::model::HardKeypoints;
use crate::train::Schedule;

/// Batches, rates and ends.
pub(super) fn optimization(fields: &Fields, found: &mut Imported) {
    let at = |key: &str| format!("optimization.{key}");
    let (count, number) = (|key: &str| fields.count(&at(key)), |key: &str| fields.number(&at(key)));
    let train = &mut found.config.train;
    train.batch_size = count("batch_size").unwrap_or(8);
    train.epochs = count("epochs").unwrap_or(100);
    train.steps_per_epoch = count("batches_per_epoch").unwrap_or(0);
    train.min_steps_per_epoch = count("min_batches_per_epoch").unwrap_or(200);
    train.learning_rate = number("initial_learning_rate").unwrap_or(1e-4);
    let plateau = |key: &str, default: f64| number(&format!("learning_rate_schedule.{key}")).unwrap_or(default);
    train.plateau.factor = plateau("reduction_factor", 0.5);
    train.plateau.patience = plateau("plateau_patience", 5.0) as usize;
    train.plateau.cooldown = plateau("plateau_cooldown", 3.0) as usize;
    train.plateau.min_delta = plateau("plateau_min_delta", 1e-6);
    train.plateau.min_learning_rate = plateau("min_learning_rate", 1e-8);
    let on = |key: &str| fields.get(&at(key)).and_then(serde_json::Value::as_bool).unwrap_or(true);
    train.schedule = if on("learning_rate_schedule.reduce_on_plateau") { Schedule::Plateau } else { Schedule::Constant };
    let patience = number("early_stopping.plateau_patience").unwrap_or(10.0) as usize;
    train.early_stopping.min_delta = number("early_stopping.plateau_min_delta").unwrap_or(1e-6);
    train.early_stopping.patience = if on("early_stopping.stop_training_on_plateau") { patience } else { 0 };
    let mining = |key: &str| fields.number(&at(&format!("hard_keypoint_mining.{key}")));
    train.hard_keypoints = HardKeypoints {
        enabled: fields.flag(&at("hard_keypoint_mining.online_mining")),
        hard_to_easy_ratio: mining("hard_to_easy_ratio").unwrap_or(2.0),
        min_hard_keypoints: mining("min_hard_keypoints").unwrap_or(2.0) as usize,
        max_hard_keypoints: mining("max_hard_keypoints").unwrap_or(0.0) as usize,
        loss_scale: mining("loss_scale").unwrap_or(5.0),
    };
    if let Some(other) = fields.text(&at("optimizer")).filter(|name| !name.eq_ignore_ascii_case("adam")) {
        found.notes.push(format!("optimization.optimizer = {other:?}: Adam is used"));
    }
    // Keras' Adam as SLEAP makes it (reference sleap-training.md, section 8).
    found.config.train.optimizer.amsgrad = true;
}
