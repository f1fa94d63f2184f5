//! The labelled animals of a configuration without decoding their images, where that is possible.

use super::sources::{Purpose, SYNTH, scene_config};
use crate::config::DataConfig;
use crate::dataset::synth::SynthScenes;
use crate::dataset::{InstanceKind, MISSING, Point, SampleSource as _, VideoSearch, read_labels};
use crate::error::Result;
use std::path::Path;

/// Drawn scenes that are looked at; they all follow the same settings.
const SCENES: usize = 64;

/// Animals of all training sources, one point per node in frame pixels (NaN where a part is not usable), without those that
/// have no usable part.
///
/// # Errors
/// When a labels file cannot be read, or no drawn scenes have the asked name.
pub fn training_animals(data: &DataConfig, search: &VideoSearch) -> Result<Vec<Vec<Point>>> {
    let mut animals = Vec::new();
    for name in &data.train {
        match name.strip_prefix(SYNTH) {
            Some(species) => {
                let scenes = SynthScenes::new(scene_config(species, &data.synth, Purpose::Train)?)?;
                for index in 0..scenes.len().min(SCENES) {
                    animals.extend(scenes.animals(index)?.into_iter().map(|a| a.points));
                }
            }
            None => {
                let labels = read_labels(Path::new(name), search)?;
                let instances = labels.frames.iter().flat_map(|f| &f.instances).filter(|i| i.kind == InstanceKind::User);
                animals.extend(instances.map(|instance| -> Vec<Point> {
                    let points = instance.points.iter();
                    points.map(|p| if p.is_usable() { [p.x_px as f32, p.y_px as f32] } else { MISSING }).collect()
                }));
            }
        }
    }
    animals.retain(|points| points.iter().any(|p| p[0].is_finite()));
    Ok(animals)
}
