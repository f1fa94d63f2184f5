//! Top-down models: a network finds the animals, another one looks at a crop around each.

use super::crops::Crops;
use super::whole_frame::{Outcome, WholeFrame};
use crate::bundle::Bundle;
use crate::config::HeadKind;
use crate::decode::{Centroid, CentroidFinder};
use crate::error::Error;
use crate::frame::Frame;
use crate::geometry::ImagePoint;
use crate::instances::{Overflow, Poses};
use crate::pipeline::{Options, Stage};

/// Both stages of a top-down model.
pub(super) struct TopDown {
    pub centroid: WholeFrame,
    finder: CentroidFinder,
    crops: Crops,
}

impl TopDown {
    pub fn new(bundle: &Bundle<'_>, options: &Options) -> Result<Self, Error> {
        let config = bundle.config();
        let [centroid, instance] = config.networks.as_slice() else {
            return Err(Error::InvalidConfig { field: "networks", what: "top-down models need two networks" });
        };
        let centroid = WholeFrame::new(bundle, centroid, options)?;
        let network = centroid.load_beside(bundle, instance, options)?;
        let crops = Crops::new(config, instance, network, options)?;
        Ok(Self { centroid, finder: CentroidFinder::new(config)?, crops })
    }

    pub fn new_poses(&self) -> Poses {
        self.crops.new_poses()
    }

    /// Prepares for frames of this size; frames of the present size keep what is there.
    pub fn prepare(&mut self, width_px: u32, height_px: u32) -> Result<(), Error> {
        let sampler = self.crops.sampler_for(width_px, height_px)?;
        self.centroid.prepare_with(width_px, height_px, self.crops.route(sampler.as_ref()).as_ref())?;
        self.crops.set_sampler(sampler);
        if self.centroid.does_crops() { Ok(()) } else { self.crops.prepare_engine() }
    }

    pub fn unprepare(&mut self) {
        self.centroid.unprepare();
        self.crops.unprepare();
    }

    /// Keeps what was prepared and lets the networks themselves go.
    pub fn release_networks(&mut self) -> Result<(), Error> {
        self.centroid.release_network()?;
        self.crops.release_network();
        Ok(())
    }

    /// Forgets what was found in the latest frame.
    pub fn clear_centroids(&mut self) {
        self.crops.centroids.clear();
    }

    /// The centroids of the latest frame.
    pub fn centroids(&self) -> &[Centroid] {
        &self.crops.centroids
    }

    /// First stage alone: the centroids of a frame. Engines that look at the crops too do that all the same.
    pub fn find(&mut self, frame: &Frame<'_>, done: &mut dyn FnMut(Stage)) -> Result<&[Centroid], Error> {
        self.crops.centroids.clear();
        self.make_ready(frame)?;
        self.centroid.run(frame, done)?;
        self.take_centroids()?;
        done(Stage::Decode);
        Ok(&self.crops.centroids)
    }

    /// Both stages.
    pub fn estimate(&mut self, frame: &Frame<'_>, poses: &mut Poses, done: &mut dyn FnMut(Stage)) -> Result<(), Error> {
        poses.clear();
        self.crops.centroids.clear();
        self.make_ready(frame)?;
        self.centroid.run(frame, done)?;
        self.decode(frame, poses, done)
    }

    /// Both stages of a frame that was [submitted](WholeFrame::submit).
    pub fn finish(&mut self, frame: &Frame<'_>, poses: &mut Poses) -> Result<(), Error> {
        poses.clear();
        self.crops.centroids.clear();
        self.centroid.finish(frame)?;
        self.decode(frame, poses, &mut |_| {})
    }

    /// From what the centroid network said of a frame to poses.
    fn decode(&mut self, frame: &Frame<'_>, poses: &mut Poses, done: &mut dyn FnMut(Stage)) -> Result<(), Error> {
        self.take_centroids()?;
        if self.centroid.does_crops() {
            self.crops.decode_found(frame, &mut self.centroid, poses)?;
            done(Stage::Decode);
        } else {
            done(Stage::Decode);
            self.crops.estimate(frame, poses, done)?;
        }
        poses.set_overflow(self.finder.overflow());
        Ok(())
    }

    /// Second stage alone, around points that the caller knows; points that are not finite are passed over.
    pub fn estimate_at(&mut self, frame: &Frame<'_>, centroids: &[ImagePoint], poses: &mut Poses) -> Result<(), Error> {
        poses.clear();
        let room = self.crops.room();
        let finite = centroids.iter().filter(|p| p.is_finite());
        self.crops.centroids.clear();
        self.crops.centroids.extend(finite.clone().take(room).map(|&position| Centroid { position, score: 1.0 }));
        if self.crops.may_share() {
            self.make_ready(frame)?;
        }
        if self.centroid.does_crops() {
            self.crops.estimate_on(frame, &mut self.centroid, poses)?;
        } else {
            self.crops.estimate(frame, poses, &mut |_| {})?;
        }
        poses.set_overflow(Overflow { peaks: 0, instances: finite.count().saturating_sub(room) as u32 });
        Ok(())
    }

    /// Prepares for a frame where that is due.
    pub fn make_ready(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        if self.centroid.must_prepare(frame) { self.prepare(frame.width_px(), frame.height_px()) } else { Ok(()) }
    }

    fn take_centroids(&mut self) -> Result<(), Error> {
        self.crops.centroids.clear();
        let found = match self.centroid.outcome(HeadKind::Centroids, None)? {
            (Outcome::Maps(maps, _), map) => self.finder.find(&maps, map)?,
            (Outcome::Found(found), map) => self.finder.find_found(&found, map),
        };
        self.crops.centroids.extend_from_slice(found);
        Ok(())
    }
}
