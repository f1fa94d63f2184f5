//! From a bundle to an estimator: which engine, self-test, frame size.

use super::estimator::{Direct, Estimator, Family};
use super::flights::Flights;
use super::top_down::TopDown;
use super::whole_frame::WholeFrame;
use crate::bundle::Bundle;
use crate::decode::Decoder;
use crate::engine::{Backend, Precision};
use crate::error::Error;
use crate::pipeline::Options;
use alloc::boxed::Box;

impl Estimator {
    /// Parses the networks, plans the working memory, and runs the self-test if there is one and `options` ask for it.
    ///
    /// # Errors
    /// Any [`Error`] of engine, preparation or self-test.
    pub fn new(bundle: &Bundle<'_>, options: &Options) -> Result<Self, Error> {
        if options.backend != Backend::Auto || !(cfg!(feature = "wgpu") || options.precision == Precision::Half) {
            return Self::with_engine(bundle, options);
        }
        Self::gpu_first(bundle, options)
    }

    /// A GPU as the options say, a GPU with numbers of 32 bits, or the CPU: the first that works.
    fn gpu_first(bundle: &Bundle<'_>, options: &Options) -> Result<Self, Error> {
        let tries: &[Precision] = match options.precision {
            Precision::Half => &[Precision::Half, Precision::Single],
            Precision::Single => &[Precision::Single],
        };
        let mut fallback = None;
        for &precision in tries {
            match Self::with_engine(bundle, &Options { backend: Backend::Wgpu, precision, ..options.clone() }) {
                Ok(estimator) => return Ok(Self { fallback, ..estimator }),
                Err(reason) => fallback = fallback.or(Some(reason)),
            }
        }
        let estimator = Self::with_engine(bundle, &Options { precision: Precision::Single, ..options.clone() })?;
        Ok(Self { fallback, ..estimator })
    }

    /// As [`new`](Self::new), where [`Backend::Auto`] stays on the CPU.
    fn with_engine(bundle: &Bundle<'_>, options: &Options) -> Result<Self, Error> {
        let config = bundle.config().clone();
        let (family, poses) = match Decoder::heads(config.model_type) {
            [Some(peaks), second] => {
                let Some(first) = config.networks.first() else {
                    return Err(Error::InvalidConfig { field: "networks", what: "at least one network is needed" });
                };
                let network = WholeFrame::new(bundle, first, options)?;
                let decoder = Decoder::new(&config)?;
                let poses = decoder.new_poses();
                (Family::Direct(Box::new(Direct { network, decoder, peaks, second })), poses)
            }
            [None, _] => {
                let model = TopDown::new(bundle, options)?;
                let poses = model.new_poses();
                (Family::TopDown(Box::new(model)), poses)
            }
        };
        let mut estimator = Self { config, family, poses, flights: Flights::new(options.in_flight), fallback: None };
        let half = options.precision == Precision::Half;
        if half && estimator.precision() != Precision::Half {
            return Err(Error::InvalidConfig { field: "precision", what: "half is for engine wgpu alone" });
        }
        if options.self_test || half {
            let tested = estimator.run_self_test(bundle)?;
            if half && !tested {
                let what = "half needs a bundle with a self-test, which shows that poses stay the same";
                return Err(Error::InvalidConfig { field: "precision", what });
            }
        }
        match options.frame_px {
            Some((width_px, height_px)) => estimator.prepare(width_px, height_px)?,
            // The self-test's frame says nothing about the caller's: the first real one decides the size.
            None => estimator.unprepare(),
        }
        Ok(estimator)
    }

    /// Prepares for frames of this size; frames of the present size keep what is there.
    ///
    /// # Errors
    /// [`Error::FrameSize`], [`Error::Engine`], [`Error::OutputShape`], or [`Error::InFlight`] if frames are on their way or there
    /// is no memory for [copies](Options::in_flight) of such frames.
    pub fn prepare(&mut self, width_px: u32, height_px: u32) -> Result<(), Error> {
        self.flights.none()?;
        match &mut self.family {
            Family::Direct(direct) => direct.network.prepare(width_px, height_px)?,
            Family::TopDown(model) => model.prepare(width_px, height_px)?,
        }
        self.flights.make_room(width_px, height_px)
    }

    /// Frees the networks themselves and keeps what was prepared of them, for devices with little memory. The bytes are free
    /// once the bundle is gone too. Frames of another size are an error from then on.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] if nothing was prepared yet: see [`Options::frame_px`] and [`Estimator::prepare`].
    pub fn release_networks(&mut self) -> Result<(), Error> {
        match &mut self.family {
            Family::Direct(direct) => direct.network.release_network(),
            Family::TopDown(model) => model.release_networks(),
        }
    }

    /// Whether there is one.
    fn run_self_test(&mut self, bundle: &Bundle<'_>) -> Result<bool, Error> {
        let Some(test) = bundle.self_test()? else { return Ok(false) };
        let frame = test.frame()?;
        self.prepare(frame.width_px(), frame.height_px())?;
        let result = test.check(self.estimate(&frame)?);
        self.poses.clear();
        if let Family::TopDown(model) = &mut self.family {
            model.clear_centroids();
        }
        result.map(|()| true)
    }

    fn unprepare(&mut self) {
        match &mut self.family {
            Family::Direct(direct) => direct.network.unprepare(),
            Family::TopDown(model) => model.unprepare(),
        }
    }
}
