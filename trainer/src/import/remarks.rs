//! What to say about fields that have no counterpart.

use serde_json::Value;
use std::collections::BTreeMap;

/// Beginnings of paths with the reason; `None`: nothing is lost, so nothing is said. The first that fits counts.
pub(super) type Reasons = [(&'static str, Option<&'static str>)];

/// Of classic SLEAP.
pub(super) const CLASSIC_REASONS: [(&str, Option<&str>); 18] = [
    ("data.labels.skeletons", None),
    ("data.labels.search_path_hints", Some("give the folders of moved videos with --video-dir")),
    ("data.labels", Some("frames are divided anew, by data.validation_fraction and data.seed")),
    ("data.preprocessing.imagenet_mode", Some("gray values go into the network as 0 to 1")),
    ("data.preprocessing.resize_and_pad_to_target", None),
    ("data.preprocessing", Some("frames of different sizes are padded, not resized")),
    ("data.instance_cropping", Some("this model has no crops")),
    ("optimization.preload_data", None),
    ("optimization.online_shuffling", None),
    ("optimization.shuffle_buffer_size", None),
    ("optimization.prefetch", None),
    ("optimization.val_batches_per_epoch", Some("every validation frame is looked at once per epoch")),
    ("optimization.min_val_batches_per_epoch", None),
    ("model.base_checkpoint", Some("training begins with new weights")),
    ("outputs.tensorboard.write_logs", Some("the log is training_log.csv")),
    ("outputs.zmq.", None),
    ("outputs.", None),
    ("sleap_version", None),
];
/// Fields at the top that only describe.
const DESCRIPTIVE: [&str; 4] = ["description", "filename", "name", "sleap_nn_version"];

/// One sentence per reason, with the fields it is about.
pub(super) fn remarks(left: &[(String, &Value)], reasons: &Reasons) -> Vec<String> {
    let mut by_reason: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (path, value) in left.iter().filter(|(path, _)| !DESCRIPTIVE.contains(&path.as_str())) {
        let known = reasons.iter().find(|(beginning, _)| path.starts_with(beginning)).map(|(_, reason)| *reason);
        if let Some(reason) = known.unwrap_or(Some("this field is not known")) {
            by_reason.entry(reason).or_default().push(format!("{path} = {}", short(value)));
        }
    }
    by_reason.into_iter().map(|(reason, fields)| format!("{}: {reason}", fields.join(", "))).collect()
}

/// The value, or its beginning.
fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 40 { text } else { format!("{}...", text.chars().take(37).collect::<String>()) }
}
