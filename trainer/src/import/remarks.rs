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
/// Most names that one message lists.
const MAX_LISTED: usize = 32;
/// Most characters of a name in a list.
const MAX_NAME: usize = 120;
/// Fields at the top that only describe.
const DESCRIPTIVE: [&str; 4] = ["description", "filename", "name", "sleap_nn_version"];

/// One sentence per reason, with the fields it is about.
pub(super) fn remarks(left: &[(String, &Value)], reasons: &Reasons) -> Vec<String> {
    let mut by_reason: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (path, value) in left.iter().filter(|(path, _)| !DESCRIPTIVE.contains(&path.as_str())) {
        let known = reasons.iter().find(|(beginning, _)| path.starts_with(beginning)).map(|(_, reason)| *reason);
        if let Some(reason) = known.unwrap_or(Some("this field is not known")) {
            by_reason.entry(reason).or_default().push(format!("{path} = {}", short_value(value)));
        }
    }
    by_reason.into_iter().map(|(reason, fields)| format!("{}: {reason}", listed(&fields))).collect()
}

/// The first names, each cut to [`MAX_NAME`], and how many more there are.
pub(super) fn listed(names: &[impl AsRef<str>]) -> String {
    let first = names.iter().take(MAX_LISTED).map(|name| short(name.as_ref(), MAX_NAME)).collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(MAX_LISTED);
    if more > 0 { format!("{first} and {more} more") } else { first }
}

/// The value, or its beginning.
pub(super) fn short_value(value: &Value) -> String {
    short(&value.to_string(), 40)
}

/// The text, or its beginning with dots: at most `most` characters.
pub(super) fn short(text: &str, most: usize) -> String {
    if text.chars().nth(most).is_none() {
        return text.to_owned();
    }
    format!("{}...", text.chars().take(most.saturating_sub(3)).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_stay_short_whatever_they_list() {
        assert_eq!((listed(&["a", "b"]).as_str(), listed(&[""; 0]).as_str()), ("a, b", ""));
        let many = ["x"; MAX_LISTED + 7];
        assert!(listed(&many).ends_with("x, x and 7 more") && listed(&many[..MAX_LISTED]).ends_with("x, x"));
        assert_eq!(
            listed(&vec!["\u{e4}".repeat(1000); 1000]).chars().count(),
            (MAX_NAME + 2) * MAX_LISTED - 2 + " and 968 more".len()
        );
        assert_eq!((short("abcde", 5).as_str(), short("abcdef", 5).as_str()), ("abcde", "ab..."));
        let value = Value::from(1);
        let left: Vec<(String, &Value)> = (0..5000).map(|i| (format!("odd{i}"), &value)).collect();
        let remarks = remarks(&left, &[]);
        assert!(remarks.len() == 1 && remarks[0].len() < 1000 && remarks[0].contains("odd1 = 1, "), "{remarks:?}");
    }
}
