//! SLEAP's own models of the reference data (`../shared/data/models`), imported.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test may fail by panicking")]

use crate::golden::data_path;
use dormouse::Config;
use dormouse::bundle::BundleWriter;
use dormouse_trainer::import::sleap_model::{combine, read_sleap_model};

/// Bottom-up, two flies.
pub const BOTTOM_UP: &[&str] = &["minimal_instance.UNet.bottomup"];
/// Top-down, the same flies.
pub const TOP_DOWN: &[&str] = &["minimal_instance.UNet.centroid", "minimal_instance.UNet.centered_instance"];
/// One robot.
pub const ROBOT: &[&str] = &["minimal_robot.UNet.single_instance"];

/// The bundle of these models, with its configuration changed.
pub fn imported(models: &[&str], change: impl Fn(&mut Config)) -> Vec<u8> {
    let read = |model: &&str| read_sleap_model(&data_path("models").join(model)).unwrap();
    let models: Vec<_> = models.iter().map(read).collect();
    let (mut config, models, _) = combine(&models[0], models.get(1), "imported").unwrap();
    change(&mut config);
    let mut writer = BundleWriter::new(&config).unwrap();
    for (model, network) in models.iter().zip(&config.networks) {
        writer = writer.network(&network.name, model.network().onnx.clone());
    }
    writer.finish().unwrap()
}
