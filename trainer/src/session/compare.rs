//! One row of figures per model, measured on the same samples.

use super::evaluate::{Evaluation, Gathered};
use super::run_folder::RunFolder;
use crate::config::Stage;
use crate::dataset::SampleSource;
use crate::error::{Error, Result};
use crate::prepare::Centers;
use crate::report::NetworkFacts;
use dormouse::preprocess::Preprocessor;
use dormouse::{Bundle, ModelType};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A model to compare: a bundle, and the run folder that it lies in, if that was named.
pub struct Contestant {
    /// How it is called in tables.
    pub name: String,
    /// The bundle.
    pub path: PathBuf,
    bytes: Vec<u8>,
    run: Option<RunFolder>,
}

/// Figures of the network; of models with two networks the sum.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct NetworkFigures {
    /// Trainable numbers.
    pub parameters: usize,
    /// 10^9 floating-point operations for a frame of the compared size with as many animals as the samples show on average.
    pub gflop: f64,
    /// Receptive field in frame pixels ([`NetworkFacts::receptive_field_px`]); of models with two networks that of the one that finds
    /// the parts.
    pub receptive_field_px: usize,
}

/// One row.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// How the model is called.
    pub name: String,
    /// What it finds.
    pub model_type: ModelType,
    /// Size of the bundle.
    pub bundle_bytes: usize,
    /// The network's figures; `None` for a network with operators that our own graph reader does not know.
    pub network: Option<NetworkFigures>,
    /// Accuracy and latency.
    #[serde(flatten)]
    pub evaluation: Evaluation,
}

/// Runs all models over all samples with the shipped runtime. They take turns frame by frame, so that whatever else the machine
/// does hits all of them alike.
///
/// # Errors
/// [`Error::Data`] when a model has other nodes than the labels; whatever the runtime refuses.
pub fn compare(contestants: &[Contestant], source: &dyn SampleSource, threads: usize) -> Result<Vec<Comparison>> {
    let bundles = contestants.iter().map(Contestant::bundle).collect::<Result<Vec<_>>>()?;
    let nodes = &source.skeleton().nodes;
    let mut gathered = Vec::with_capacity(bundles.len());
    for (contestant, bundle) in contestants.iter().zip(&bundles) {
        let own = &bundle.config().skeleton.nodes;
        if own != nodes {
            let hint = match bundle.config().model_type {
                ModelType::Centroid => ": centroid models are compared among themselves",
                _ => "",
            };
            return Err(Error::Data(format!("{} finds {own:?}, but the labels have {nodes:?}{hint}", contestant.name)));
        }
        gathered.push(Gathered::new(bundle, threads)?);
    }
    for index in 0..source.len() {
        let sample = source.sample(index)?;
        gathered.iter_mut().try_for_each(|model| model.add(&sample))?;
    }
    let rows = contestants.iter().zip(&bundles).zip(gathered).map(|((contestant, bundle), model)| {
        Ok(Comparison {
            name: contestant.name.clone(),
            model_type: bundle.config().model_type,
            bundle_bytes: contestant.bytes.len(),
            // A network for other engines only has no figures; it is compared all the same.
            network: network_figures(bundle, source).ok(),
            evaluation: model.finish(source)?.0,
        })
    });
    rows.collect()
}

/// The samples as these models are judged by: where all of them find centres alone, the centres of the animals. The part that is the
/// centre is told by the first run folder; without one it is the mean of the visible parts.
///
/// # Errors
/// When a bundle or a run folder cannot be read.
pub fn judged_by(contestants: &[Contestant], source: Arc<dyn SampleSource>) -> Result<Arc<dyn SampleSource>> {
    for contestant in contestants {
        if contestant.bundle()?.config().model_type != ModelType::Centroid {
            return Ok(source);
        }
    }
    let run = contestants.iter().find_map(Contestant::run).map(RunFolder::read).transpose()?;
    let part = run.map(|(config, _)| config.top_down.anchor_part).unwrap_or_default();
    let anchor = source.skeleton().node_index(&part);
    Ok(Arc::new(Centers::new(source, anchor)))
}

impl Contestant {
    /// Opens a bundle (`*.dorm`) or the bundle of a run folder.
    ///
    /// # Errors
    /// When neither is at `path`, or the run folder has not been exported yet.
    pub fn open(path: &Path) -> Result<Self> {
        let run = path.is_dir().then(|| RunFolder::new(path));
        let bundle = match &run {
            Some(folder) => folder.bundle(&folder.name(&folder.read()?.0)),
            None => path.to_path_buf(),
        };
        let bytes = std::fs::read(&bundle).map_err(|e| Error::io("read", &bundle, e))?;
        let name = path.file_stem().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
        Ok(Self { name, path: bundle, bytes, run })
    }

    fn bundle(&self) -> Result<Bundle<'_>> {
        Bundle::from_bytes(&self.bytes).map_err(|e| Error::bad_file(&self.path, "bundle", e.to_string()))
    }

    /// The run folder, when it was named.
    pub fn run(&self) -> Option<&RunFolder> {
        self.run.as_ref()
    }
}

/// Figures of all networks of a bundle for the frames of `source`.
fn network_figures(bundle: &Bundle<'_>, source: &dyn SampleSource) -> Result<NetworkFigures> {
    let config = bundle.config();
    let image = source.sample(0)?.image;
    let animals = (0..source.len()).map(|i| Ok(source.animals(i)?.len())).sum::<Result<usize>>()?;
    let crops_per_frame = animals as f64 / source.len().max(1) as f64;
    let crop_px = config.top_down.as_ref().map_or(0, |top_down| top_down.crop_size_px as usize);
    let mut figures = NetworkFigures { parameters: 0, gflop: 0.0, receptive_field_px: 0 };
    for network in &config.networks {
        let facts = NetworkFacts::of_onnx(bundle.network(&network.name)?)?;
        let (shape, times) = if network.name == Stage::Instance.name() {
            ([network.preprocess.color.channels(), crop_px, crop_px], crops_per_frame)
        } else {
            let shape = Preprocessor::new(&network.preprocess, image.width_px() as u32, image.height_px() as u32)?.shape();
            ([shape.channels, shape.height, shape.width], 1.0)
        };
        figures.parameters += facts.parameters();
        figures.gflop += facts.flop(shape)? as f64 / 1e9 * times;
        figures.receptive_field_px = (facts.receptive_field_px() as f64 / f64::from(network.preprocess.input_scale)) as usize;
    }
    Ok(figures)
}
