//! A network that sees the whole frame: the only one of most models, and the centroid network of top-down models.

use crate::bundle::Bundle;
use crate::config::{Config, HeadKind, NetworkConfig, PreprocessConfig};
use crate::engine::{Backend, Engine, EngineOptions, Network, OutputSpec, load_network};
use crate::error::Error;
use crate::frame::Frame;
use crate::geometry::ImageMap;
use crate::pipeline::{OnSizeChange, Options};
use crate::preprocess::{InputShape, Preprocessor};
use crate::tensor::Maps;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// A network with the preparation for the present frame size.
pub(super) struct WholeFrame {
    /// None once it was released.
    network: Option<Box<dyn Network>>,
    backend: Backend,
    preprocess: PreprocessConfig,
    heads: Vec<HeadKind>,
    on_size_change: OnSizeChange,
    prepared: Option<Prepared>,
}

/// All that depends on the frame size.
struct Prepared {
    preprocessor: Preprocessor,
    engine: Box<dyn Engine>,
    input: Vec<f32>,
}

impl WholeFrame {
    pub fn new(bundle: &Bundle<'_>, network: &NetworkConfig, options: &Options) -> Result<Self, Error> {
        let heads = network.heads.iter().map(|h| h.kind).collect();
        let (preprocess, on_size_change) = (network.preprocess, options.on_size_change);
        let network = load(bundle, network, options)?;
        let backend = network.backend();
        Ok(Self { network: Some(network), backend, preprocess, heads, on_size_change, prepared: None })
    }

    pub fn backend(&self) -> Backend {
        self.backend
    }

    pub fn input_shape(&self) -> Option<InputShape> {
        self.prepared.as_ref().map(|p| p.preprocessor.shape())
    }

    /// Prepares for frames of this size; frames of the present size keep what is there.
    pub fn prepare(&mut self, width_px: u32, height_px: u32) -> Result<(), Error> {
        if self.prepared.as_ref().is_some_and(|p| p.preprocessor.frame_px() == (width_px, height_px)) {
            return Ok(());
        }
        let preprocessor = Preprocessor::new(&self.preprocess, width_px, height_px)?;
        let engine = self.network.as_ref().ok_or(RELEASED)?.prepare(preprocessor.shape(), 1)?;
        let input = alloc::vec![0.0; preprocessor.shape().len()];
        self.prepared = Some(Prepared { preprocessor, engine, input });
        Ok(())
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
        self.network = None;
        Ok(())
    }

    /// Frame to network input; prepares first where that is due.
    pub fn preprocess(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        if self.prepared.is_none() || self.on_size_change == OnSizeChange::Reprepare {
            self.prepare(frame.width_px(), frame.height_px())?;
        }
        let Some(prepared) = &mut self.prepared else { return Err(NOT_PREPARED) };
        prepared.preprocessor.run(frame, &mut prepared.input)
    }

    /// Network input to maps.
    pub fn infer(&mut self) -> Result<(), Error> {
        let Some(prepared) = &mut self.prepared else { return Err(NOT_PREPARED) };
        prepared.engine.run(&prepared.input, 1)
    }

    /// The latest maps of a head, and the way from the input to the caller's frame.
    pub fn output(&self, head: HeadKind) -> Result<(Maps<'_>, ImageMap), Error> {
        let index = self.heads.iter().position(|&kind| kind == head);
        let found = self.prepared.as_ref().and_then(|p| Some((p.engine.output(index?, 0)?, p.preprocessor.image_map())));
        found.ok_or(NOT_PREPARED)
    }
}

/// Loads the network that a part of the configuration describes.
pub(super) fn load(bundle: &Bundle<'_>, network: &NetworkConfig, options: &Options) -> Result<Box<dyn Network>, Error> {
    let outputs = output_specs(bundle.config(), network);
    let Options { backend, threads, allow_software, .. } = *options;
    load_network(&EngineOptions { backend, threads, allow_software }, bundle.network_bytes(&network.name)?, outputs)
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
