//! One row of figures per model, measured on the same samples.

use super::evaluate::{Evaluation, Gathered};
use super::run_folder::RunFolder;
use crate::config::Stage;
use crate::dataset::SampleSource;
use crate::error::{Error, Result};
use crate::model::{forward_flops, parameter_count, receptive_field_px};
use dormouse::{Bundle, ModelType};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// A model to compare: a bundle, and what its run folder knows about the network.
pub struct Contestant {
    /// How it is called in tables.
    pub name: String,
    /// The bundle.
    pub path: PathBuf,
    bytes: Vec<u8>,
    run: Option<RunFolder>,
}

/// Figures of the network, which only the run folder knows; of models with two networks the sum, for one frame and one crop.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct NetworkFigures {
    /// Trainable numbers.
    pub parameters: usize,
    /// 10^9 floating-point operations for a frame of the compared size with as many animals as the samples show on average.
    pub gflop: f64,
    /// Receptive field in frame pixels, as SLEAP counts it; of models with two networks that of the one that finds the parts.
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
    /// The network's figures; `None` for a bundle without its run folder.
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
    let bundles = contestants.iter().map(|c| Ok(Bundle::from_bytes(&c.bytes)?)).collect::<Result<Vec<_>>>()?;
    let nodes = &source.skeleton().nodes;
    let mut gathered = Vec::with_capacity(bundles.len());
    for (contestant, bundle) in contestants.iter().zip(&bundles) {
        let own = &bundle.config().skeleton.nodes;
        if own != nodes {
            return Err(Error::Data(format!("{} finds {own:?}, but the labels have {nodes:?}", contestant.name)));
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
            network: contestant.network(source)?,
            evaluation: model.finish(nodes),
        })
    });
    rows.collect()
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

    /// The run folder, when it was named.
    pub fn run(&self) -> Option<&RunFolder> {
        self.run.as_ref()
    }

    fn network(&self, source: &dyn SampleSource) -> Result<Option<NetworkFigures>> {
        let Some(run) = &self.run else { return Ok(None) };
        let (config, facts) = run.read()?;
        let image = source.sample(0)?.image;
        let animals = (0..source.len()).map(|i| Ok(source.animals(i)?.len())).sum::<Result<usize>>()?;
        let crops_per_frame = animals as f64 / source.len().max(1) as f64;
        let mut figures = NetworkFigures { parameters: 0, gflop: 0.0, receptive_field_px: 0 };
        for &stage in config.model.model_type.stages() {
            let config = config.stage(stage)?;
            let plan = config.network(&config.heads(stage, &facts.skeleton, facts.classes.len())).plan()?;
            let scale = config.preprocess.input_scale;
            let scaled = |px: usize| (px as f64 * f64::from(scale)) as usize;
            let side = |px: usize| scaled(px).max(1).next_multiple_of(config.model.max_stride);
            let crop = facts.crop_size_px as usize;
            let ([width, height], times) = match stage {
                Stage::Instance => ([crop; 2], crops_per_frame),
                _ => ([image.width_px(), image.height_px()].map(side), 1.0),
            };
            figures.parameters += parameter_count(&plan);
            figures.gflop += forward_flops(&plan, width, height) as f64 / 1e9 * times;
            figures.receptive_field_px = (receptive_field_px(&config.model.backbone()) as f64 / f64::from(scale)) as usize;
        }
        Ok(Some(figures))
    }
}
