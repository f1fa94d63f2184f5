//! Top-down models: a network finds the animals, another one looks at a crop around each.

use super::whole_frame::{NOT_PREPARED, Outcome, WholeFrame, load};
use crate::bundle::Bundle;
use crate::config::{HeadKind, PreprocessConfig};
use crate::decode::{Centroid, CentroidFinder, CropDecoder};
use crate::engine::Engine;
use crate::error::Error;
use crate::frame::Frame;
use crate::geometry::{CropMap, ImageMap, ImagePoint};
use crate::instances::{Overflow, Poses};
use crate::pipeline::{OnSizeChange, Options, Stage};
use crate::preprocess::{CropSampler, InputShape};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Both stages of a top-down model.
pub(super) struct TopDown {
    pub centroid: WholeFrame,
    finder: CentroidFinder,
    crops: Crops,
}

/// The second stage. Its input size does not depend on the frame, so its engine is prepared once.
struct Crops {
    preprocess: PreprocessConfig,
    crop_size_px: u32,
    on_size_change: OnSizeChange,
    sampler: Option<CropSampler>,
    engine: Box<dyn Engine>,
    shape: InputShape,
    /// `[max_instances, channels, size, size]`.
    input: Vec<f32>,
    /// Animals to look at, and where their crops lie.
    centroids: Vec<Centroid>,
    maps: Vec<CropMap>,
    decoder: CropDecoder,
    confmaps: usize,
    vectors: Option<usize>,
}

impl TopDown {
    pub fn new(bundle: &Bundle<'_>, options: &Options) -> Result<Self, Error> {
        let config = bundle.config();
        let ([centroid, instance], Some(top_down)) = (config.networks.as_slice(), &config.top_down) else {
            return Err(Error::InvalidConfig { field: "networks", what: "top-down models need two networks" });
        };
        let side = top_down.crop_size_px as usize;
        let shape = InputShape { channels: instance.preprocess.color.channels(), height: side, width: side };
        let max_instances = config.limits.max_instances as usize;
        let position = |kind| instance.heads.iter().position(|h| h.kind == kind);
        let crops = Crops {
            preprocess: instance.preprocess,
            crop_size_px: top_down.crop_size_px,
            on_size_change: options.on_size_change,
            sampler: None,
            engine: load(bundle, instance, options)?.prepare(shape, max_instances)?,
            shape,
            input: alloc::vec![0.0; max_instances * shape.len()],
            centroids: Vec::with_capacity(max_instances),
            maps: alloc::vec![CropMap::new(0, 0, ImageMap::new(1.0)); max_instances],
            decoder: CropDecoder::new(config)?,
            confmaps: position(HeadKind::ConfidenceMaps).unwrap_or(0),
            vectors: position(HeadKind::ClassVectors).filter(|_| config.identity.is_some()),
        };
        Ok(Self { centroid: WholeFrame::new(bundle, centroid, options)?, finder: CentroidFinder::new(config)?, crops })
    }

    pub fn new_poses(&self) -> Poses {
        self.crops.decoder.new_poses()
    }

    pub fn prepare(&mut self, width_px: u32, height_px: u32) -> Result<(), Error> {
        self.centroid.prepare(width_px, height_px)?;
        self.crops.prepare(width_px, height_px)
    }

    pub fn unprepare(&mut self) {
        self.centroid.unprepare();
        self.crops.sampler = None;
    }

    /// Forgets what was found in the latest frame.
    pub fn clear_centroids(&mut self) {
        self.crops.centroids.clear();
    }

    /// The centroids of the latest frame.
    pub fn centroids(&self) -> &[Centroid] {
        &self.crops.centroids
    }

    /// First stage alone: the centroids of a frame.
    pub fn find(&mut self, frame: &Frame<'_>, done: &mut dyn FnMut(Stage)) -> Result<&[Centroid], Error> {
        self.crops.centroids.clear();
        self.centroid.run(frame, done)?;
        let found = match self.centroid.outcome(HeadKind::Centroids, None)? {
            (Outcome::Maps(maps, _), map) => self.finder.find(&maps, map)?,
            (Outcome::Found(found), map) => self.finder.find_found(&found, map),
        };
        self.crops.centroids.extend_from_slice(found);
        done(Stage::Decode);
        Ok(&self.crops.centroids)
    }

    /// Both stages.
    pub fn estimate(&mut self, frame: &Frame<'_>, poses: &mut Poses, done: &mut dyn FnMut(Stage)) -> Result<(), Error> {
        poses.clear();
        self.find(frame, done)?;
        self.crops.estimate(frame, poses, done)?;
        poses.set_overflow(self.finder.overflow());
        Ok(())
    }

    /// Second stage alone, around points that the caller knows; points that are not finite are passed over.
    pub fn estimate_at(&mut self, frame: &Frame<'_>, centroids: &[ImagePoint], poses: &mut Poses) -> Result<(), Error> {
        poses.clear();
        let room = self.crops.maps.len();
        let finite = centroids.iter().filter(|p| p.is_finite());
        self.crops.centroids.clear();
        self.crops.centroids.extend(finite.clone().take(room).map(|&position| Centroid { position, score: 1.0 }));
        self.crops.estimate(frame, poses, &mut |_| {})?;
        poses.set_overflow(Overflow { peaks: 0, instances: finite.count().saturating_sub(room) as u32 });
        Ok(())
    }
}

impl Crops {
    fn prepare(&mut self, width_px: u32, height_px: u32) -> Result<(), Error> {
        if self.sampler.as_ref().is_none_or(|s| s.frame_px() != (width_px, height_px)) {
            self.sampler = Some(CropSampler::new(&self.preprocess, self.crop_size_px, width_px, height_px)?);
        }
        Ok(())
    }

    /// Poses of the animals at `self.centroids`, all in one run of the network; none of it is run for no animals.
    fn estimate(&mut self, frame: &Frame<'_>, poses: &mut Poses, done: &mut dyn FnMut(Stage)) -> Result<(), Error> {
        self.decoder.begin(poses);
        if self.sampler.is_none() || self.on_size_change == OnSizeChange::Reprepare {
            self.prepare(frame.width_px(), frame.height_px())?;
        }
        let Some(sampler) = &mut self.sampler else { return Err(NOT_PREPARED) };
        let count = self.centroids.len();
        if count == 0 {
            return Ok(());
        }
        let inputs = self.input.chunks_exact_mut(self.shape.len());
        for ((centroid, input), map) in self.centroids.iter().zip(inputs).zip(&mut self.maps) {
            *map = sampler.run(frame, centroid.position, input)?;
        }
        done(Stage::Preprocess);
        self.engine.run(&self.input[..count * self.shape.len()], count)?;
        done(Stage::Infer);
        for (index, (centroid, &map)) in self.centroids.iter().zip(&self.maps).enumerate() {
            let confmaps = self.engine.output(self.confmaps, index).ok_or(NOT_PREPARED)?;
            let vectors = self.vectors.and_then(|output| self.engine.output(output, index));
            self.decoder.add(&confmaps, vectors, map, centroid.score, poses)?;
        }
        self.decoder.finish(poses);
        done(Stage::Decode);
        Ok(())
    }
}
