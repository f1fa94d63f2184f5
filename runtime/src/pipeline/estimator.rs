//! A model that is ready to turn frames into poses.

use super::flights::{Flights, Ticket};
use super::top_down::TopDown;
use super::whole_frame::{Outcome, WholeFrame};
use crate::config::{Config, HeadKind};
use crate::decode::{Centroid, Decoder};
use crate::engine::{Backend, DeviceReport, PipelineCacheReport, Precision};
use crate::error::Error;
use crate::frame::Frame;
use crate::geometry::ImagePoint;
use crate::instances::Poses;
use crate::pipeline::Stage;
use crate::preprocess::InputShape;
use alloc::boxed::Box;

/// A model that is ready to turn frames into poses.
pub struct Estimator {
    pub(super) config: Config,
    pub(super) family: Family,
    pub(super) poses: Poses,
    pub(super) flights: Flights,
    pub(super) fallback: Option<Error>,
}

/// Models differ in the number of their networks.
pub(super) enum Family {
    Direct(Box<Direct>),
    TopDown(Box<TopDown>),
}

/// One network, whose outputs are decoded at once.
pub(super) struct Direct {
    pub(super) network: WholeFrame,
    pub(super) decoder: Decoder,
    pub(super) peaks: HeadKind,
    pub(super) second: Option<HeadKind>,
}

impl Estimator {
    /// The model's configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The engine in use; never [`Backend::Auto`].
    pub fn backend(&self) -> Backend {
        self.whole_frame().backend()
    }

    /// How the engine in use keeps maps and weights.
    pub fn precision(&self) -> Precision {
        self.whole_frame().precision()
    }

    /// Shape of the input of the network that sees the whole frame, for the prepared frame size.
    pub fn input_shape(&self) -> Option<InputShape> {
        self.whole_frame().input_shape()
    }

    fn whole_frame(&self) -> &WholeFrame {
        match &self.family {
            Family::Direct(direct) => &direct.network,
            Family::TopDown(model) => &model.centroid,
        }
    }

    /// Finds the animals of one frame. The result is borrowed and reused by the next call.
    ///
    /// # Errors
    /// [`Error::SizeChanged`] unless the options allow another size; [`Error::Engine`] if the engine fails; [`Error::InFlight`] if frames
    /// are on their way.
    pub fn estimate(&mut self, frame: &Frame<'_>) -> Result<&Poses, Error> {
        self.estimate_observed(frame, &mut |_| {})
    }

    /// As [`Estimator::estimate`], telling `done` whenever a stage has ended, for callers that time the stages. A stage
    /// lasts from the end of the one before, or from the call.
    ///
    /// # Errors
    /// As [`Estimator::estimate`].
    pub fn estimate_observed(&mut self, frame: &Frame<'_>, done: &mut dyn FnMut(Stage)) -> Result<&Poses, Error> {
        self.flights.none()?;
        match &mut self.family {
            Family::Direct(direct) => direct.estimate(frame, &mut self.poses, done)?,
            Family::TopDown(model) => model.estimate(frame, &mut self.poses, done)?,
        }
        Ok(&self.poses)
    }

    /// Gives a frame to the engine and comes back before it is done, so that the engine works on it while the caller gets the next one:
    /// submit frame `n + 1`, then [`finish`](Self::finish) frame `n`. Two frames can be on their way. The pixels are copied, to memory
    /// that preparation makes if [`Options::in_flight`](crate::Options::in_flight) asks for it; poses are those of
    /// [`estimate`](Self::estimate). Engines on the CPU do the work in `finish`.
    ///
    /// After an error the frame is not on its way, and those that were before still are.
    ///
    /// # Errors
    /// [`Error::InFlight`] if two frames are on their way, or one that has another size; otherwise as [`estimate`](Self::estimate).
    pub fn submit(&mut self, frame: &Frame<'_>) -> Result<Ticket, Error> {
        self.flights.room()?;
        if self.whole_frame().must_prepare(frame) {
            self.prepare(frame.width_px(), frame.height_px())?;
        }
        // Frames of another size are refused below.
        if self.whole_frame().is_for(frame.width_px(), frame.height_px()) {
            self.flights.reserve(frame)?;
        }
        match &mut self.family {
            Family::Direct(direct) => direct.network.submit(frame)?,
            Family::TopDown(model) => model.centroid.submit(frame)?,
        }
        Ok(self.flights.keep(frame))
    }

    /// Waits for the frame that was submitted first of those on their way, and finds its animals. The result is borrowed and reused by
    /// the next call.
    ///
    /// A device that is lost meanwhile is opened again, and frames on their way are done once more. After an error the frame is given up,
    /// and the next call is about the one behind it.
    ///
    /// # Errors
    /// [`Error::InFlight`] if no frame is on its way; [`Error::Engine`] if the engine fails.
    pub fn finish(&mut self) -> Result<(Ticket, &Poses), Error> {
        let kept = self.flights.oldest()?;
        let ticket = kept.ticket();
        let finished = kept.frame().and_then(|frame| match &mut self.family {
            Family::Direct(direct) => direct.finish(&frame, &mut self.poses),
            Family::TopDown(model) => model.finish(&frame, &mut self.poses),
        });
        self.flights.give_back(kept);
        finished.map(|()| (ticket, &self.poses))
    }

    /// Frames that were submitted and are not finished.
    pub fn in_flight(&self) -> usize {
        self.flights.len()
    }

    /// Does the latest frame once more on the engine's own device and tells what that took, for benches; `None` for engines that have no
    /// device, or leave preprocessing and decoding to the CPU.
    ///
    /// # Errors
    /// [`Error::InFlight`] if frames are on their way; [`Error::Engine`] if the engine fails.
    pub fn device_report(&mut self) -> Result<Option<DeviceReport>, Error> {
        let network = match &mut self.family {
            Family::Direct(direct) => &mut direct.network,
            Family::TopDown(model) => &mut model.centroid,
        };
        network.frames_mut().map(|engine| engine.device_report()).transpose()
    }

    /// What became of the file of compiled pipelines that [`Options::pipeline_cache`](crate::Options::pipeline_cache) names; `None` for
    /// engines that have nothing to keep.
    pub fn pipeline_cache(&self) -> Option<PipelineCacheReport> {
        self.whole_frame().pipeline_cache()
    }

    /// Why [`Backend::Auto`] did not take a GPU, or took it with [`Precision::Single`] where [`Precision::Half`] was asked for: the adapter,
    /// its driver and what is missing, or how far the self-test was off. `None` in builds without engine wgpu, where nothing was missing
    /// unless half precision was asked for.
    pub fn fallback(&self) -> Option<Error> {
        self.fallback
    }

    /// Second stage of a top-down model alone: poses of the animals whose centroids the caller knows, with score 1.
    ///
    /// Points that are not finite are passed over, and so are those beyond `max_instances`, which are counted as overflow.
    /// An animal without any part in its crop is left out, so that there can be fewer animals than points.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] if the model is not top-down; otherwise as [`Estimator::estimate`].
    pub fn estimate_at(&mut self, frame: &Frame<'_>, centroids: &[ImagePoint]) -> Result<&Poses, Error> {
        self.flights.none()?;
        let Family::TopDown(model) = &mut self.family else { return Err(NOT_TOP_DOWN) };
        model.estimate_at(frame, centroids, &mut self.poses)?;
        Ok(&self.poses)
    }

    /// First stage of a top-down model alone: the centroids of a frame.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] if the model is not top-down; otherwise as [`Estimator::estimate`].
    pub fn find_centroids(&mut self, frame: &Frame<'_>) -> Result<&[Centroid], Error> {
        self.flights.none()?;
        let Family::TopDown(model) = &mut self.family else { return Err(NOT_TOP_DOWN) };
        model.find(frame, &mut |_| {})
    }

    /// Where a top-down model looked for animals in the latest frame; empty for other models.
    pub fn centroids(&self) -> &[Centroid] {
        match &self.family {
            Family::Direct(_) => &[],
            Family::TopDown(model) => model.centroids(),
        }
    }
}

impl Direct {
    fn estimate(&mut self, frame: &Frame<'_>, poses: &mut Poses, done: &mut dyn FnMut(Stage)) -> Result<(), Error> {
        self.network.run(frame, done)?;
        self.decode(poses)?;
        done(Stage::Decode);
        Ok(())
    }

    /// For a frame that was submitted.
    fn finish(&mut self, frame: &Frame<'_>, poses: &mut Poses) -> Result<(), Error> {
        self.network.finish(frame)?;
        self.decode(poses)
    }

    fn decode(&mut self, poses: &mut Poses) -> Result<(), Error> {
        match self.network.outcome(self.peaks, self.second)? {
            (Outcome::Maps(peaks, second), map) => self.decoder.decode(peaks, second, map, poses)?,
            (Outcome::Found(found), map) => self.decoder.decode_found(&found, map, poses),
        }
        Ok(())
    }
}

const NOT_TOP_DOWN: Error = Error::InvalidConfig { field: "model_type", what: "only top-down models have two stages" };
