//! From frame to poses: the one place that sees preprocess, engine and decode together.

use crate::bundle::Bundle;
use crate::config::{Config, HeadKind, NetworkConfig};
use crate::decode::Decoder;
use crate::engine::{Backend, Engine, Network, OutputSpec, load_network};
use crate::error::Error;
use crate::frame::Frame;
use crate::instances::Poses;
use crate::preprocess::{InputShape, Preprocessor};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// What happens when a frame has another size than the one prepared for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnSizeChange {
    /// [`Error::SizeChanged`]: a camera loop must not stall by surprise.
    #[default]
    Refuse,
    /// Prepare again (tens to hundreds of milliseconds), for offline work on mixed files.
    Reprepare,
}

/// How an [`Estimator`] is prepared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Engine.
    pub backend: Backend,
    /// Threads of the engine, at least 1.
    pub threads: usize,
    /// Frame width and height to prepare for; without it the first frame decides (and pays for the preparation).
    pub frame_px: Option<(u32, u32)>,
    /// What to do about frames of another size.
    pub on_size_change: OnSizeChange,
    /// Run the bundle's self-test in [`Estimator::new`].
    pub self_test: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { backend: Backend::Auto, threads: 1, frame_px: None, on_size_change: OnSizeChange::Refuse, self_test: true }
    }
}

/// A model that is ready to turn frames into poses.
pub struct Estimator {
    config: Config,
    network: Box<dyn Network>,
    prepared: Option<Prepared>,
    decoder: Decoder,
    poses: Poses,
    on_size_change: OnSizeChange,
    /// Index of the affinity-field output, for model types that have one.
    paf_output: Option<usize>,
    confmap_output: usize,
}

/// All that depends on the frame size.
struct Prepared {
    preprocessor: Preprocessor,
    engine: Box<dyn Engine>,
    input: Vec<f32>,
}

impl Estimator {
    /// Parses the networks, plans the working memory, and runs the self-test if there is one and `options` ask for it.
    ///
    /// # Errors
    /// Any [`Error`] of engine, preparation or self-test.
    pub fn new(bundle: &Bundle<'_>, options: &Options) -> Result<Self, Error> {
        let config = bundle.config().clone();
        let Some(network_config) = config.networks.first() else {
            return Err(Error::InvalidConfig { field: "networks", what: "at least one network is needed" });
        };
        let outputs = output_specs(&config, network_config);
        let position = |kind| network_config.heads.iter().position(|h| h.kind == kind);
        let confmap_output = position(HeadKind::ConfidenceMaps).unwrap_or(0);
        let paf_output = position(HeadKind::PartAffinityFields);
        let network = load_network(options.backend, bundle.network(&network_config.name)?, outputs, options.threads.max(1))?;
        let decoder = Decoder::new(&config)?;
        let poses = Poses::with_capacity(config.skeleton.nodes.len(), config.limits.max_instances as usize);
        let on_size_change = options.on_size_change;
        let mut estimator = Self { config, network, prepared: None, decoder, poses, on_size_change, paf_output, confmap_output };
        if options.self_test {
            estimator.run_self_test(bundle)?;
        }
        if let Some((width_px, height_px)) = options.frame_px {
            estimator.prepare(width_px, height_px)?;
        }
        Ok(estimator)
    }

    /// The model's configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The engine in use; never [`Backend::Auto`].
    pub fn backend(&self) -> Backend {
        self.network.backend()
    }

    /// Shape of the network input for the prepared frame size.
    pub fn input_shape(&self) -> Option<InputShape> {
        self.prepared.as_ref().map(|p| p.preprocessor.shape())
    }

    /// Prepares for frames of this size; frames of the present size keep what is there.
    ///
    /// # Errors
    /// [`Error::FrameSize`], [`Error::Engine`] or [`Error::OutputShape`].
    pub fn prepare(&mut self, width_px: u32, height_px: u32) -> Result<(), Error> {
        if self.prepared.as_ref().is_some_and(|p| p.preprocessor.frame_px() == (width_px, height_px)) {
            return Ok(());
        }
        let preprocessor = Preprocessor::new(&self.config.networks[0].preprocess, width_px, height_px)?;
        let engine = self.network.prepare(preprocessor.shape(), 1)?;
        let input = alloc::vec![0.0; preprocessor.shape().len()];
        self.prepared = Some(Prepared { preprocessor, engine, input });
        Ok(())
    }

    /// Finds the animals of one frame. The result is borrowed and reused by the next call.
    ///
    /// # Errors
    /// [`Error::SizeChanged`] unless the options allow another size; [`Error::Engine`] if the engine fails.
    pub fn estimate(&mut self, frame: &Frame<'_>) -> Result<&Poses, Error> {
        self.preprocess(frame)?;
        self.infer()?;
        self.decode()
    }

    /// First third of [`Estimator::estimate`], for callers that time the stages: frame to network input.
    ///
    /// # Errors
    /// As [`Estimator::estimate`].
    pub fn preprocess(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        if self.prepared.is_none() || self.on_size_change == OnSizeChange::Reprepare {
            self.prepare(frame.width_px(), frame.height_px())?;
        }
        let Some(prepared) = &mut self.prepared else { return Err(NOT_PREPARED) };
        prepared.preprocessor.run(frame, &mut prepared.input)
    }

    /// Second third: network input to maps.
    ///
    /// # Errors
    /// [`Error::Engine`] if the engine fails.
    pub fn infer(&mut self) -> Result<(), Error> {
        let Some(prepared) = &mut self.prepared else { return Err(NOT_PREPARED) };
        prepared.engine.run(&prepared.input, 1)
    }

    /// Last third: maps to poses.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] if nothing was inferred yet.
    pub fn decode(&mut self) -> Result<&Poses, Error> {
        let Some(prepared) = &self.prepared else { return Err(NOT_PREPARED) };
        let Some(confmaps) = prepared.engine.output(self.confmap_output, 0) else { return Err(NOT_PREPARED) };
        let pafs = self.paf_output.and_then(|index| prepared.engine.output(index, 0));
        self.decoder.decode(confmaps, pafs, prepared.preprocessor.image_map(), &mut self.poses)?;
        Ok(&self.poses)
    }

    fn run_self_test(&mut self, bundle: &Bundle<'_>) -> Result<(), Error> {
        let Some(test) = bundle.self_test()? else { return Ok(()) };
        let frame = test.frame()?;
        self.prepare(frame.width_px(), frame.height_px())?;
        let result = test.check(self.estimate(&frame)?);
        // The stored frame says nothing about the caller's: the first real frame decides the size again.
        self.prepared = None;
        self.poses.clear();
        result
    }
}

const NOT_PREPARED: Error = Error::InvalidConfig { field: "estimator", what: "no frame was given to it yet" };

fn output_specs(config: &Config, network: &NetworkConfig) -> Vec<OutputSpec> {
    let spec = |head: &crate::config::HeadConfig| OutputSpec {
        name: head.output.clone(),
        channels: config.head_channels(head.kind),
        stride_px: (head.kind != HeadKind::ClassVectors).then_some(head.stride_px as usize),
    };
    network.heads.iter().map(spec).collect()
}
