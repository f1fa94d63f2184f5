//! The text for people inside an imported bundle.

use super::heads::words;
use super::read::SleapModel;
use dormouse::Config;
use std::fmt::Write as _;

/// Where the model comes from and what it takes and gives.
pub(super) fn card(config: &Config, models: &[&SleapModel]) -> String {
    let mut card = format!("# {}\n\nPose model for the dormouse runtime, imported from SLEAP.\n\n", config.name);
    let mut line = |key: &str, value: &str| {
        // Writing to a string does not fail.
        let _ = writeln!(card, "- {key}: {value}");
    };
    line("nodes", &config.skeleton.nodes.join(", "));
    if let Some(identity) = &config.identity {
        line("individuals", &identity.classes.join(", "));
    }
    if let Some(top_down) = config.top_down.as_ref().filter(|top_down| top_down.crop_size_px > 0) {
        line("crops", &format!("{0} x {0} px of the input of the instance network", top_down.crop_size_px));
    }
    for (model, described) in models.iter().zip(&config.networks) {
        let key = |what: &str| if models.len() > 1 { format!("{} network, {what}", described.name) } else { what.to_owned() };
        let strides = described.heads.iter().map(|h| format!("{} {}", h.output, h.stride_px)).collect::<Vec<_>>().join(", ");
        line(
            &key("was"),
            &format!("{} of SLEAP {}, Keras {}", words(model.kind()), model.config.sleap_version, model.keras_version),
        );
        line(&key("file"), &model.weights.to_string_lossy());
        line(&key("file (SHA-256)"), &model.weights_sha256);
        line(&key("configuration (SHA-256)"), &model.config_sha256);
        line(&key("parameters"), &model.network().parameters.to_string());
        line(&key("input scale"), &described.preprocess.input_scale.to_string());
        line(&key("output strides"), &strides);
        if !model.config.labels.is_empty() {
            line(&key("trained on"), &model.config.labels);
        }
    }
    line("made by", &config.provenance.producer);
    card
}
