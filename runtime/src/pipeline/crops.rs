//! The second stage of top-down models: crops around centroids, and a network that looks at them.

use super::whole_frame::{NOT_PREPARED, WholeFrame};
use crate::config::{Config, HeadKind, NetworkConfig, PreprocessConfig};
use crate::decode::{Centroid, CropDecoder, crop_plan};
use crate::engine::{Backend, CropPlan, CropRoute, Engine, Network};
use crate::error::Error;
use crate::frame::Frame;
use crate::geometry::{CropMap, ImageMap};
use crate::instances::Poses;
use crate::pipeline::{OnSizeChange, Options, Stage};
use crate::preprocess::{CropSampler, InputShape};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// The second stage. Its input size does not depend on the frame, so its engine is prepared once.
pub(super) struct Crops {
    preprocess: PreprocessConfig,
    crop_size_px: u32,
    on_size_change: OnSizeChange,
    sampler: Option<CropSampler>,
    plan: CropPlan,
    /// The network as long as the engine of the whole frame may have a use for it.
    network: Option<Box<dyn Network>>,
    /// None where the engine of the whole frame looks at the crops.
    engine: Option<Box<dyn Engine>>,
    shape: InputShape,
    /// `[max_instances, channels, size, size]`; empty without an engine.
    input: Vec<f32>,
    /// Animals to look at, and where their crops lie.
    pub centroids: Vec<Centroid>,
    maps: Vec<CropMap>,
    /// Places of crops for the engine of the whole frame.
    origins: Vec<[i32; 2]>,
    decoder: CropDecoder,
    confmaps: usize,
    vectors: Option<usize>,
}

impl Crops {
    /// For the network of that configuration.
    pub fn new(config: &Config, instance: &NetworkConfig, network: Box<dyn Network>, options: &Options) -> Result<Self, Error> {
        let crop_size_px = config.top_down.as_ref().map_or(0, |top_down| top_down.crop_size_px);
        let side = crop_size_px as usize;
        let shape = InputShape { channels: instance.preprocess.color.channels(), height: side, width: side };
        let max_instances = config.limits.max_instances as usize;
        let position = |kind| instance.heads.iter().position(|h| h.kind == kind);
        let mut crops = Self {
            preprocess: instance.preprocess,
            crop_size_px,
            on_size_change: options.on_size_change,
            sampler: None,
            plan: crop_plan(config)?,
            network: Some(network),
            engine: None,
            shape,
            input: Vec::new(),
            centroids: Vec::with_capacity(max_instances),
            maps: alloc::vec![CropMap::new(0, 0, ImageMap::new(1.0)); max_instances],
            origins: Vec::with_capacity(max_instances),
            decoder: CropDecoder::new(config)?,
            confmaps: position(HeadKind::ConfidenceMaps).unwrap_or(0),
            vectors: position(HeadKind::ClassVectors).filter(|_| config.identity.is_some()),
        };
        // Engines on the CPU never look at crops along with the whole frame: the network itself need not stay.
        if crops.network.as_ref().is_some_and(|network| network.backend() != Backend::Wgpu) {
            crops.prepare_engine()?;
            crops.network = None;
        }
        Ok(crops)
    }

    pub fn new_poses(&self) -> Poses {
        self.decoder.new_poses()
    }

    /// Most crops of a frame.
    pub fn room(&self) -> usize {
        self.maps.len()
    }

    /// Plans the crops of frames of this size; `None` if the present plan is for these.
    pub fn sampler_for(&self, width_px: u32, height_px: u32) -> Result<Option<CropSampler>, Error> {
        if self.sampler.as_ref().is_some_and(|s| s.frame_px() == (width_px, height_px)) {
            return Ok(None);
        }
        CropSampler::new(&self.preprocess, self.crop_size_px, width_px, height_px).map(Some)
    }

    /// Takes a new plan.
    pub fn set_sampler(&mut self, sampler: Option<CropSampler>) {
        if sampler.is_some() {
            self.sampler = sampler;
        }
    }

    /// What the engine of the whole frame needs to look at crops by this plan, or else the present one, if the network is there.
    pub fn route<'a>(&'a self, sampler: Option<&'a CropSampler>) -> Option<CropRoute<'a>> {
        let (network, sampler) = (self.network.as_deref()?, sampler.or(self.sampler.as_ref())?);
        Some(CropRoute { network, sampler, plan: &self.plan })
    }

    /// Whether the engine of the whole frame may come to look at the crops.
    pub fn may_share(&self) -> bool {
        self.network.is_some()
    }

    /// Prepares an engine for the crops alone, unless there is one.
    pub fn prepare_engine(&mut self) -> Result<(), Error> {
        if self.engine.is_none() {
            let network = self.network.as_ref().ok_or(NOT_PREPARED)?;
            self.engine = Some(network.prepare(self.shape, self.room())?);
            self.input = alloc::vec![0.0; self.room() * self.shape.len()];
        }
        Ok(())
    }

    pub fn unprepare(&mut self) {
        self.sampler = None;
    }

    pub fn release_network(&mut self) {
        self.network = None;
    }

    /// Poses of the animals at `self.centroids`, all in one run of the network; none of it is run for no animals.
    pub fn estimate(&mut self, frame: &Frame<'_>, poses: &mut Poses, done: &mut dyn FnMut(Stage)) -> Result<(), Error> {
        self.decoder.begin(poses);
        if self.sampler.is_none() || self.on_size_change == OnSizeChange::Reprepare {
            let sampler = self.sampler_for(frame.width_px(), frame.height_px())?;
            self.set_sampler(sampler);
        }
        let (Some(sampler), Some(engine)) = (&mut self.sampler, &mut self.engine) else { return Err(NOT_PREPARED) };
        let count = self.centroids.len();
        if count == 0 {
            return Ok(());
        }
        let inputs = self.input.chunks_exact_mut(self.shape.len());
        for ((centroid, input), map) in self.centroids.iter().zip(inputs).zip(&mut self.maps) {
            *map = sampler.run(frame, centroid.position, input)?;
        }
        done(Stage::Preprocess);
        engine.run(&self.input[..count * self.shape.len()], count)?;
        done(Stage::Infer);
        for (index, (centroid, &map)) in self.centroids.iter().zip(&self.maps).enumerate() {
            let confmaps = engine.output(self.confmaps, index).ok_or(NOT_PREPARED)?;
            let vectors = self.vectors.and_then(|output| engine.output(output, index));
            self.decoder.add(&confmaps, vectors, map, centroid.score, poses)?;
        }
        self.decoder.finish(poses);
        done(Stage::Decode);
        Ok(())
    }

    /// Poses of the animals at `self.centroids`, which the engine of the whole frame found and looked at. Its choice among them is made
    /// again here; where the two differ, by a rounding, the engine looks once more.
    pub fn decode_found(&mut self, frame: &Frame<'_>, whole: &mut WholeFrame, poses: &mut Poses) -> Result<(), Error> {
        self.place()?;
        if whole.crops()?.origins != self.origins {
            self.look(frame, whole)?;
        }
        self.decode(whole, poses)
    }

    /// Poses of the animals at `self.centroids`, looked at by the engine of the whole frame.
    pub fn estimate_on(&mut self, frame: &Frame<'_>, whole: &mut WholeFrame, poses: &mut Poses) -> Result<(), Error> {
        self.place()?;
        self.look(frame, whole)?;
        self.decode(whole, poses)
    }

    /// Where the crops around `self.centroids` lie.
    fn place(&mut self) -> Result<(), Error> {
        let sampler = self.sampler.as_ref().ok_or(NOT_PREPARED)?;
        self.origins.clear();
        for (centroid, map) in self.centroids.iter().zip(&mut self.maps) {
            *map = sampler.crop_map(centroid.position);
            self.origins.push(map.origin_px().into());
        }
        Ok(())
    }

    fn look(&self, frame: &Frame<'_>, whole: &mut WholeFrame) -> Result<(), Error> {
        whole.frames_mut().ok_or(NOT_PREPARED)?.run_at(frame, &self.origins)
    }

    fn decode(&mut self, whole: &WholeFrame, poses: &mut Poses) -> Result<(), Error> {
        self.decoder.begin(poses);
        let places = self.centroids.iter().zip(&self.maps).map(|(centroid, &map)| (map, centroid.score));
        self.decoder.add_found(&whole.crops()?, places, poses);
        self.decoder.finish(poses);
        Ok(())
    }
}
