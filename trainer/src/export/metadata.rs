//! Key-value facts inside the ONNX file.

use crate::model::PoseNet;

/// What every exported file says about itself: producer, hash of the training configuration, parameters and heads.
pub fn metadata(net: &PoseNet, config_hash: &str) -> Vec<(String, String)> {
    let config = net.config();
    let mut facts = vec![
        ("producer".to_string(), concat!("dormouse ", env!("CARGO_PKG_VERSION")).to_string()),
        ("config_hash".into(), config_hash.into()),
        ("pad_to_stride_px".into(), config.backbone.max_stride().to_string()),
        ("input_range".into(), "0..1".into()),
    ];
    facts.extend(config.heads.iter().map(|h| (format!("stride_px.{}", h.output), h.stride_px.to_string())));
    facts
}
