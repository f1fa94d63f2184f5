//! A parsed network, and an engine prepared to run it at one input size.

use super::Backend;
use super::PipelineCacheReport;
use super::Precision;
use super::cpu::CpuNetwork;
use super::frames::{CropRoute, DecodePlan, FrameEngine};
use crate::bundle::NetworkBytes;
use crate::error::Error;
use crate::preprocess::{InputShape, Preprocessor};
use crate::tensor::Maps;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::any::Any;

/// What one output must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputSpec {
    /// Name in the ONNX graph.
    pub name: String,
    /// Channels by the configuration.
    pub channels: usize,
    /// Input pixels per map cell; `None` for an output that is one cell whatever the input size (class vectors).
    pub stride_px: Option<usize>,
}

impl OutputSpec {
    /// `[channels, height, width]` of one image for an input shape.
    pub fn shape(&self, input: InputShape) -> [usize; 3] {
        let side = |px: usize| self.stride_px.map_or(1, |stride| px / stride);
        [self.channels, side(input.height), side(input.width)]
    }
}

/// A parsed network that can be prepared for any input size.
pub trait Network: Send + Any {
    /// The engine that will run it; never [`Backend::Auto`].
    fn backend(&self) -> Backend;

    /// How maps and weights are kept.
    fn precision(&self) -> Precision {
        Precision::Single
    }

    /// What became of the file of compiled pipelines; `None` if the engine keeps none.
    fn pipeline_cache(&self) -> Option<PipelineCacheReport> {
        None
    }

    /// Specialises the network to one concrete input size and to at most `images` images per run, at least 1.
    ///
    /// # Errors
    /// [`Error::Engine`] if the engine cannot run it at that size, [`Error::OutputShape`] if an output would not have the
    /// shape of its specification.
    fn prepare(&self, input: InputShape, images: usize) -> Result<Box<dyn Engine>, Error>;

    /// Parses a second network of the same model for the same device; `None` for engines without a device of their own.
    ///
    /// # Errors
    /// As [`load_network`].
    fn load_beside(&self, _onnx: &NetworkBytes, _outputs: &[OutputSpec]) -> Result<Option<Box<dyn Network>>, Error> {
        Ok(None)
    }

    /// Prepares for whole frames; `None` if the engine leaves preprocessing and decoding to the caller.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    fn prepare_frames(&self, _preprocessor: &Preprocessor, _plan: &DecodePlan) -> Result<Option<Box<dyn FrameEngine>>, Error> {
        Ok(None)
    }

    /// Prepares this network, which finds centroids, for whole frames together with the network that looks at the crops around them;
    /// `None` if the engine leaves the crops to the caller.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    fn prepare_crops(
        &self,
        _preprocessor: &Preprocessor,
        _plan: &DecodePlan,
        _crops: &CropRoute<'_>,
    ) -> Result<Option<Box<dyn FrameEngine>>, Error> {
        Ok(None)
    }
}

/// A network prepared for one input size.
pub trait Engine: Send {
    /// Runs `images` images (1 to the number prepared for): `input` is `[images, channels, height, width]`, values 0 to 1.
    ///
    /// # Errors
    /// [`Error::Engine`] if the engine fails or `input` has another length than prepared.
    fn run(&mut self, input: &[f32], images: usize) -> Result<(), Error>;

    /// Output `index`, in the order of the specifications, for image `image` of the latest run; `None` before the first run
    /// and beyond its images.
    fn output(&self, index: usize, image: usize) -> Option<Maps<'_>>;
}

/// Which engine, and what it may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EngineOptions<'a> {
    /// Engine.
    pub backend: Backend,
    /// Threads of engines on the CPU, 1 to [`MAX_THREADS`]; 0 counts as 1.
    pub threads: usize,
    /// Whether engine wgpu may take a software adapter where there is no GPU: for tests.
    pub allow_software: bool,
    /// The file in which engine wgpu keeps compiled pipelines: [`Options::pipeline_cache`](crate::Options::pipeline_cache).
    pub pipeline_cache: Option<&'a str>,
    /// How engine wgpu keeps maps and weights; no other engine has more than [`Precision::Single`].
    pub precision: Precision,
}

/// Most threads of an engine; each needs memory of its own.
pub const MAX_THREADS: usize = 256;

/// Parses ONNX bytes for the chosen backend. [`Backend::Auto`] stays on the CPU here: whether a GPU serves is known only when a frame
/// size is prepared and the self-test has passed, which is an [`Estimator`](crate::Estimator)'s to try.
///
/// # Errors
/// [`Error::InvalidConfig`] for more than [`MAX_THREADS`]; [`Error::EngineMissing`] if the backend is not in this build,
/// [`Error::Engine`] if it refuses the network, [`Error::Gpu`] if there is no GPU for it.
pub fn load_network(
    options: &EngineOptions<'_>,
    onnx: NetworkBytes,
    outputs: Vec<OutputSpec>,
) -> Result<Box<dyn Network>, Error> {
    let threads = options.threads.max(1);
    if threads > MAX_THREADS {
        return Err(Error::InvalidConfig { field: "threads", what: "must be at most 256" });
    }
    match options.backend {
        Backend::Cpu => Ok(Box::new(CpuNetwork::load(onnx, outputs, threads)?)),
        Backend::Auto => match CpuNetwork::load(onnx.clone(), outputs.clone(), threads) {
            Ok(network) => Ok(Box::new(network)),
            Err(own) => load_tract(&onnx, outputs, threads).map_err(|other| if other == TRACT_MISSING { own } else { other }),
        },
        Backend::Tract => load_tract(&onnx, outputs, threads),
        Backend::Wgpu => load_wgpu(&onnx, outputs, options),
    }
}

const TRACT_MISSING: Error = Error::EngineMissing("tract");

#[cfg(feature = "tract")]
fn load_tract(onnx: &[u8], outputs: Vec<OutputSpec>, threads: usize) -> Result<Box<dyn Network>, Error> {
    // tract would run such weights and find nothing in any frame.
    if let Err(error @ Error::NotFinite { .. }) = crate::graph::Graph::from_onnx(onnx) {
        return Err(error);
    }
    Ok(Box::new(super::tract::TractNetwork::load(onnx, outputs, threads)?))
}

#[cfg(not(feature = "tract"))]
fn load_tract(_onnx: &[u8], _outputs: Vec<OutputSpec>, _threads: usize) -> Result<Box<dyn Network>, Error> {
    Err(TRACT_MISSING)
}

#[cfg(feature = "wgpu")]
fn load_wgpu(onnx: &[u8], outputs: Vec<OutputSpec>, options: &EngineOptions<'_>) -> Result<Box<dyn Network>, Error> {
    let from = match std::env::var("DORMOUSE_GPU_FROM") {
        Ok(stage) => stage.parse()?,
        Err(_) => super::FrameStage::default(),
    };
    let gpu = super::wgpu::Gpu::open_with(options.allow_software, options.pipeline_cache)?;
    let network = super::wgpu::WgpuNetwork::load_from(&gpu, onnx, outputs, from)?;
    Ok(Box::new(network.with_precision(options.precision)?))
}

#[cfg(not(feature = "wgpu"))]
fn load_wgpu(_onnx: &[u8], _outputs: Vec<OutputSpec>, _options: &EngineOptions<'_>) -> Result<Box<dyn Network>, Error> {
    Err(Error::EngineMissing("wgpu"))
}
