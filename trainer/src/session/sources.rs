//! Opening the samples that a configuration names.

use crate::config::{DataConfig, SynthConfig};
use crate::dataset::synth::{Species, SynthConfig as SceneConfig, SynthScenes};
use crate::dataset::views::{Joined, Subset};
use crate::dataset::{LabeledSamples, SampleOptions, SampleSource, VideoSearch, read_labels, split};
use crate::error::{Error, Result};
use std::path::Path;
use std::sync::Arc;

/// Beginning of the names of drawn scenes.
pub(super) const SYNTH: &str = "synth:";

/// Samples to train on and to validate with.
pub struct Sources {
    /// Training samples.
    pub train: Arc<dyn SampleSource>,
    /// Validation samples.
    pub val: Arc<dyn SampleSource>,
    /// One line for people: what was opened, and how many samples it has.
    pub description: String,
    /// Names of the training labels, without their folders.
    pub labels: String,
}

/// Opens training and validation samples; `progress` gets a name, and how many of how many images are decoded.
///
/// Without validation sources, generated samples get unseen scenes of another seed, and labels are split by the seed.
///
/// # Errors
/// When a file cannot be read, skeletons differ, or nothing is left to train on.
pub fn open_sources(data: &DataConfig, search: &VideoSearch, progress: &mut dyn FnMut(&str, usize, usize)) -> Result<Sources> {
    let train = open_all(&data.train, data, false, search, progress)?;
    let all_generated = data.train.iter().all(|name| name.starts_with(SYNTH));
    let (train, val) = if !data.val.is_empty() {
        (train, open_all(&data.val, data, true, search, progress)?)
    } else if all_generated {
        (train, open_all(&data.train, data, true, search, progress)?)
    } else {
        let parts = split(train.len(), data.validation_fraction, data.seed);
        let part = |indices| -> Arc<dyn SampleSource> { Arc::new(Subset::new(Arc::clone(&train), indices)) };
        (part(parts.training), part(parts.validation))
    };
    if train.is_empty() || val.is_empty() {
        return Err(Error::Data(format!(
            "{} training and {} validation samples are left: frames need a user instance with a visible part",
            train.len(),
            val.len()
        )));
    }
    if train.skeleton().nodes != val.skeleton().nodes {
        return Err(Error::Data("training and validation labels have different skeletons".into()));
    }
    let short = |name: &String| Path::new(name).file_name().map_or(name.clone(), |n| n.to_string_lossy().into_owned());
    let labels = data.train.iter().map(short).collect::<Vec<_>>().join(", ");
    let skeleton = train.skeleton();
    let description = format!(
        "{labels}: {} training and {} validation samples, {} nodes, {} edges",
        train.len(),
        val.len(),
        skeleton.nodes.len(),
        skeleton.edges.len()
    );
    Ok(Sources { train, val, description, labels })
}

fn open_all(
    names: &[String],
    data: &DataConfig,
    validation: bool,
    search: &VideoSearch,
    progress: &mut dyn FnMut(&str, usize, usize),
) -> Result<Arc<dyn SampleSource>> {
    let mut sources: Vec<Arc<dyn SampleSource>> = Vec::with_capacity(names.len());
    for name in names {
        sources.push(match name.strip_prefix(SYNTH) {
            Some(species) => Arc::new(SynthScenes::new(scene_config(species, &data.synth, validation)?)?),
            None => {
                let labels = read_labels(Path::new(name), search)?;
                Arc::new(LabeledSamples::open(labels, &SampleOptions::default(), &mut |done, of| progress(name, done, of))?)
            }
        });
    }
    Ok(if sources.len() == 1 { sources.remove(0) } else { Arc::new(Joined::new(sources)?) })
}

pub(super) fn scene_config(species: &str, synth: &SynthConfig, validation: bool) -> Result<SceneConfig> {
    let species = match species {
        "fly" => Species::Fly,
        "mouse" => Species::Mouse,
        other => {
            return Err(Error::Data(format!(
                "there are no generated samples called `synth:{other}`; there are synth:fly and synth:mouse"
            )));
        }
    };
    Ok(SceneConfig {
        species,
        width_px: synth.width_px,
        height_px: synth.height_px,
        animals: (synth.min_animals, synth.max_animals),
        count: if validation { synth.val_samples } else { synth.samples },
        // Scenes depend on the seed and their number alone, so another seed means unseen scenes.
        seed: synth.seed.wrapping_add(u64::from(validation) << 32),
        length_fraction: synth.length_fraction,
        closeness: synth.closeness,
        bright_on_dark: synth.bright_on_dark,
        individuals: synth.individuals,
        ..SceneConfig::default()
    })
}
