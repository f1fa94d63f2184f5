//! Opening the samples that a configuration names.

use super::parts::Parts;
use crate::config::{DataConfig, SynthConfig};
use crate::dataset::synth::{Species, SynthConfig as SceneConfig, SynthScenes};
use crate::dataset::views::{Joined, Subset};
use crate::dataset::{LabeledSamples, SampleOptions, SampleSource, VideoSearch, read_labels};
use crate::error::{Error, Result};
use std::path::Path;
use std::sync::Arc;

/// Beginning of the names of drawn scenes.
pub(super) const SYNTH: &str = "synth:";

/// What generated samples are for; scenes for one purpose are never seen for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Train,
    Validate,
    Test,
}

/// Samples to train on, to validate with and to test with.
pub struct Sources {
    /// Training samples.
    pub train: Arc<dyn SampleSource>,
    /// Validation samples.
    pub val: Arc<dyn SampleSource>,
    /// Test samples, if any were asked for.
    pub test: Option<Arc<dyn SampleSource>>,
    /// One line for people: what was opened, and how many samples it has.
    pub description: String,
    /// Names of the training labels, without their folders.
    pub labels: String,
}

/// Opens training, validation and test samples; `progress` gets a name, and how many of how many images are decoded.
///
/// Samples for validation and test are those of other files, frames of given numbers, or a share that the seed decides. Generated
/// samples get unseen scenes.
///
/// # Errors
/// When a file cannot be read, skeletons differ, or nothing is left to train on.
pub fn open_sources(data: &DataConfig, search: &VideoSearch, progress: &mut dyn FnMut(&str, usize, usize)) -> Result<Sources> {
    let all = open_all(&data.train, data, Purpose::Train, search, progress)?;
    let generated = data.train.iter().all(|name| name.starts_with(SYNTH));
    let parts = Parts::of(data, all.len(), generated).map_err(|e| match e {
        Error::Data(what) => Error::Data(format!("{}: {what}", data.train.join(", "))),
        other => other,
    })?;
    let part = |indices: &[usize]| -> Arc<dyn SampleSource> { Arc::new(Subset::new(Arc::clone(&all), indices.to_vec())) };
    let val = match &parts.val {
        Some(indices) => part(indices),
        None => {
            let names = if data.val.is_empty() { &data.train } else { &data.val };
            open_all(names, data, Purpose::Validate, search, progress)?
        }
    };
    let test = match &parts.test {
        Some(indices) => Some(part(indices)),
        None if data.test.is_empty() => None,
        None => Some(open_all(&data.test, data, Purpose::Test, search, progress)?),
    };
    let train = if parts.train.len() == all.len() { Arc::clone(&all) } else { part(&parts.train) };
    if train.is_empty() || val.is_empty() {
        return Err(Error::Data(format!(
            "{} training and {} validation samples are left: frames need a user instance with a visible part",
            train.len(),
            val.len()
        )));
    }
    for (name, other) in [("validation", Some(&val)), ("test", test.as_ref())] {
        if other.is_some_and(|other| other.skeleton().nodes != train.skeleton().nodes) {
            return Err(Error::Data(format!("training and {name} labels have different skeletons")));
        }
    }
    let short = |name: &String| Path::new(name).file_name().map_or(name.clone(), |n| n.to_string_lossy().into_owned());
    let labels = data.train.iter().map(short).collect::<Vec<_>>().join(", ");
    let skeleton = train.skeleton();
    let tested = test.as_ref().map_or(String::new(), |test| format!(", {} test samples", test.len()));
    let description = format!(
        "{labels}: {} training and {} validation samples{tested}, {} nodes, {} edges",
        train.len(),
        val.len(),
        skeleton.nodes.len(),
        skeleton.edges.len()
    );
    Ok(Sources { train, val, test, description, labels })
}

fn open_all(
    names: &[String],
    data: &DataConfig,
    purpose: Purpose,
    search: &VideoSearch,
    progress: &mut dyn FnMut(&str, usize, usize),
) -> Result<Arc<dyn SampleSource>> {
    let mut sources: Vec<Arc<dyn SampleSource>> = Vec::with_capacity(names.len());
    for name in names {
        sources.push(match name.strip_prefix(SYNTH) {
            Some(species) => Arc::new(SynthScenes::new(scene_config(species, &data.synth, purpose)?)?),
            None => {
                let labels = read_labels(Path::new(name), search)?;
                let options = SampleOptions { negatives: data.negatives, ..SampleOptions::default() };
                Arc::new(LabeledSamples::open(labels, &options, &mut |done, of| progress(name, done, of))?)
            }
        });
    }
    Ok(if sources.len() == 1 { sources.remove(0) } else { Arc::new(Joined::new(sources)?) })
}

pub(super) fn scene_config(species: &str, synth: &SynthConfig, purpose: Purpose) -> Result<SceneConfig> {
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
        count: if purpose == Purpose::Train { synth.samples } else { synth.val_samples },
        // Scenes depend on the seed and their number alone, so another seed means unseen scenes.
        seed: match purpose {
            Purpose::Train => synth.seed,
            Purpose::Validate => synth.seed.wrapping_add(1 << 32),
            Purpose::Test => synth.seed.wrapping_add(3 << 32),
        },
        length_fraction: synth.length_fraction,
        closeness: synth.closeness,
        margin: synth.margin,
        contrast: synth.contrast.into(),
        bright_on_dark: synth.bright_on_dark,
        individuals: synth.individuals,
        ..SceneConfig::default()
    })
}
