//! A network that sees the whole frame: the only one of most models, and the centroid network of top-down models.

use crate::bundle::Bundle;
use crate::config::{Config, HeadKind, NetworkConfig, PreprocessConfig};
use crate::decode::decode_plan;
use crate::engine::{
    Backend, CropRoute, DecodePlan, Engine, EngineOptions, Found, FoundCrops, FrameEngine, Network, OutputSpec,
    PipelineCacheReport, Precision, load_network,
};
use crate::error::Error;
use crate::frame::Frame;
use crate::geometry::ImageMap;
use crate::pipeline::{OnSizeChange, Options, Stage};
use crate::preprocess::{InputShape, Preprocessor};
use crate::tensor::Maps;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// A network with the preparation for the present frame size.
pub(super) struct WholeFrame {
    /// None once it was released.
    network: Option<Box<dyn Network>>,
    backend: Backend,
    precision: Precision,
    preprocess: PreprocessConfig,
    heads: Vec<HeadKind>,
    plan: DecodePlan,
    on_size_change: OnSizeChange,
    prepared: Option<Prepared>,
    /// What a network that was released said of its file of compiled pipelines.
    kept: Option<PipelineCacheReport>,
}

/// All that depends on the frame size.
struct Prepared {
    preprocessor: Preprocessor,
    route: Route,
    /// The engine looks at the crops of a top-down model too.
    does_crops: bool,
}

/// Who does what, decided by the engine when it is prepared.
enum Route {
    /// The engine runs the network; preprocessing and finding are ours.
    Maps { engine: Box<dyn Engine>, input: Vec<f32> },
    /// The engine does all up to peaks and scores.
    Frames(Box<dyn FrameEngine>),
}

/// What the network says of a frame.
pub(super) enum Outcome<'a> {
    /// Maps of the heads asked for.
    Maps(Maps<'a>, Option<Maps<'a>>),
    /// Peaks and scores.
    Found(Found<'a>),
}

impl WholeFrame {
    pub fn new(bundle: &Bundle<'_>, network: &NetworkConfig, options: &Options) -> Result<Self, Error> {
        let heads = network.heads.iter().map(|h| h.kind).collect();
        let (preprocess, on_size_change) = (network.preprocess, options.on_size_change);
        let (network, plan) = (load(bundle, network, options)?, decode_plan(bundle.config())?);
        let (backend, precision) = (network.backend(), network.precision());
        let (network, prepared, kept) = (Some(network), None, None);
        Ok(Self { network, backend, precision, preprocess, heads, plan, on_size_change, prepared, kept })
    }

    pub fn backend(&self) -> Backend {
        self.backend
    }

    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// What became of the file of compiled pipelines.
    pub fn pipeline_cache(&self) -> Option<PipelineCacheReport> {
        self.network.as_ref().map_or_else(|| self.kept.clone(), |network| network.pipeline_cache())
    }

    /// Loads another network of the bundle, for the same device if there is one.
    pub fn load_beside(&self, bundle: &Bundle<'_>, other: &NetworkConfig, options: &Options) -> Result<Box<dyn Network>, Error> {
        let network = self.network.as_ref().ok_or(RELEASED)?;
        let (onnx, outputs) = (bundle.network_bytes(&other.name)?, output_specs(bundle.config(), other));
        match network.load_beside(&onnx, &outputs)? {
            Some(network) => Ok(network),
            None => load(bundle, other, options),
        }
    }

    pub fn input_shape(&self) -> Option<InputShape> {
        self.prepared.as_ref().map(|p| p.preprocessor.shape())
    }

    /// Prepares for frames of this size; frames of the present size keep what is there.
    pub fn prepare(&mut self, width_px: u32, height_px: u32) -> Result<(), Error> {
        self.prepare_with(width_px, height_px, None)
    }

    /// As [`prepare`](Self::prepare), along with the crops of a top-down model if the engine does these too.
    pub fn prepare_with(&mut self, width_px: u32, height_px: u32, crops: Option<&CropRoute<'_>>) -> Result<(), Error> {
        if self.is_for(width_px, height_px) {
            return Ok(());
        }
        if self.in_flight() > 0 {
            return Err(Error::InFlight("finish them before another size is prepared"));
        }
        let preprocessor = Preprocessor::new(&self.preprocess, width_px, height_px)?;
        let network = self.network.as_ref().ok_or(RELEASED)?;
        let with_crops = crops.map(|crops| network.prepare_crops(&preprocessor, &self.plan, crops)).transpose()?.flatten();
        let does_crops = with_crops.is_some();
        let frames = match with_crops {
            Some(engine) => Some(engine),
            None => network.prepare_frames(&preprocessor, &self.plan)?,
        };
        let route = match frames {
            Some(engine) => Route::Frames(engine),
            None => {
                let engine = network.prepare(preprocessor.shape(), 1)?;
                Route::Maps { engine, input: alloc::vec![0.0; preprocessor.shape().len()] }
            }
        };
        self.prepared = Some(Prepared { preprocessor, route, does_crops });
        Ok(())
    }

    /// Whether it is prepared for frames of this size.
    pub fn is_for(&self, width_px: u32, height_px: u32) -> bool {
        self.prepared.as_ref().is_some_and(|p| p.preprocessor.frame_px() == (width_px, height_px))
    }

    /// Whether a frame must be prepared for before it can be run.
    pub fn must_prepare(&self, frame: &Frame<'_>) -> bool {
        let other = !self.is_for(frame.width_px(), frame.height_px());
        self.prepared.is_none() || (other && self.on_size_change == OnSizeChange::Reprepare)
    }

    /// Frames that the engine has on its way.
    pub fn in_flight(&self) -> usize {
        self.frames().map_or(0, FrameEngine::in_flight)
    }

    /// The engine, if it does all up to peaks and scores.
    fn frames(&self) -> Option<&dyn FrameEngine> {
        match &self.prepared.as_ref()?.route {
            Route::Frames(engine) => Some(engine.as_ref()),
            Route::Maps { .. } => None,
        }
    }

    /// The same for work.
    pub fn frames_mut(&mut self) -> Option<&mut dyn FrameEngine> {
        match &mut self.prepared.as_mut()?.route {
            Route::Frames(engine) => Some(engine.as_mut()),
            Route::Maps { .. } => None,
        }
    }

    /// Whether the engine looks at crops too.
    pub fn does_crops(&self) -> bool {
        self.prepared.as_ref().is_some_and(|prepared| prepared.does_crops)
    }

    /// What the engine found in crops.
    pub fn crops(&self) -> Result<FoundCrops<'_>, Error> {
        self.frames().and_then(FrameEngine::crops).ok_or(NOT_PREPARED)
    }

    /// Forgets the frame size, so that the next frame decides it.
    pub fn unprepare(&mut self) {
        self.prepared = None;
    }

    /// Keeps what was prepared and lets the network itself go.
    pub fn release_network(&mut self) -> Result<(), Error> {
        if self.prepared.is_none() {
            return Err(NOT_PREPARED);
        }
        self.kept = self.pipeline_cache();
        self.network = None;
        Ok(())
    }

    /// Frame to maps or peaks; prepares first where that is due. Tells `done` as [`Stage`] says.
    pub fn run(&mut self, frame: &Frame<'_>, done: &mut dyn FnMut(Stage)) -> Result<(), Error> {
        if self.must_prepare(frame) {
            self.prepare(frame.width_px(), frame.height_px())?;
        }
        let Some(Prepared { preprocessor, route, .. }) = &mut self.prepared else { return Err(NOT_PREPARED) };
        match route {
            Route::Maps { engine, input } => {
                preprocessor.run(frame, input)?;
                done(Stage::Preprocess);
                engine.run(input, 1)?;
            }
            Route::Frames(engine) => engine.run(frame)?,
        }
        done(Stage::Infer);
        Ok(())
    }

    /// Gives a frame to the engine, if that can work on it by itself. The size was prepared for.
    pub fn submit(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        let Some(Prepared { preprocessor, route, .. }) = &mut self.prepared else { return Err(NOT_PREPARED) };
        match route {
            Route::Maps { .. } => preprocessor.check_frame(frame),
            Route::Frames(engine) => engine.submit(frame),
        }
    }

    /// Waits for the first of the frames that were submitted, which must be this one; engines that cannot work by themselves begin now.
    pub fn finish(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        match self.frames_mut() {
            Some(engine) => engine.finish(frame),
            None => self.run(frame, &mut |_| {}),
        }
    }

    /// What the latest run gave: the maps of these heads, or peaks and scores; and the way from the input to the caller's frame.
    pub fn outcome(&self, peaks: HeadKind, second: Option<HeadKind>) -> Result<(Outcome<'_>, ImageMap), Error> {
        let Some(Prepared { preprocessor, route, .. }) = &self.prepared else { return Err(NOT_PREPARED) };
        let outcome = match route {
            Route::Maps { engine, .. } => {
                let index = |head: HeadKind| self.heads.iter().position(|&kind| kind == head);
                let maps = |head| index(head).and_then(|index| engine.output(index, 0)).ok_or(NOT_PREPARED);
                Outcome::Maps(maps(peaks)?, second.map(maps).transpose()?)
            }
            Route::Frames(engine) => Outcome::Found(engine.found().ok_or(NOT_PREPARED)?),
        };
        Ok((outcome, preprocessor.image_map()))
    }
}

/// Loads the network that a part of the configuration describes.
fn load(bundle: &Bundle<'_>, network: &NetworkConfig, options: &Options) -> Result<Box<dyn Network>, Error> {
    let outputs = output_specs(bundle.config(), network);
    let Options { backend, threads, allow_software, precision, .. } = *options;
    let pipeline_cache = options.pipeline_cache.as_deref();
    let options = EngineOptions { backend, threads, allow_software, pipeline_cache, precision };
    load_network(&options, bundle.network_bytes(&network.name)?, outputs)
}

fn output_specs(config: &Config, network: &NetworkConfig) -> Vec<OutputSpec> {
    let spec = |head: &crate::config::HeadConfig| OutputSpec {
        name: head.output.clone(),
        channels: config.head_channels(head.kind),
        stride_px: (head.kind != HeadKind::ClassVectors).then_some(head.stride_px as usize),
    };
    network.heads.iter().map(spec).collect()
}

/// A frame of another size came after the networks were released.
const RELEASED: Error =
    Error::InvalidConfig { field: "estimator", what: "its networks were released: it keeps to one frame size" };

/// Nothing was prepared, preprocessed or inferred yet.
pub(super) const NOT_PREPARED: Error = Error::InvalidConfig { field: "estimator", what: "no frame was given to it yet" };
