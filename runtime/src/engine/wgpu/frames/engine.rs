//! A frame from its bytes to peaks, scores and parts in crops: one upload, one submit, one wait.

use super::bisect::CpuPart;
use super::input::{self, PREPARED_FORMAT, Source};
use super::program::FrameProgram;
use super::results::{first_words, pieces};
use crate::engine::wgpu::gpu::{Gpu, failure};
use crate::engine::wgpu::prepared::{Piece, Prepared};
use crate::engine::wgpu::readback::Waiting;
use crate::engine::{DeviceReport, Found, FoundCrops, FrameEngine, MOST_IN_FLIGHT};
use crate::error::Error;
use crate::frame::{Frame, PixelFormat};
use crate::preprocess::{CropSampler, Preprocessor};
use alloc::collections::VecDeque;
use alloc::string::ToString as _;
use alloc::vec;
use alloc::vec::Vec;

/// Whole frames of one size on the GPU.
pub struct WgpuFrames {
    pub(super) frames: FrameProgram,
    /// What is read with every frame.
    pub(super) pieces: Vec<Piece>,
    pub(super) prepared: Prepared,
    preprocessor: Preprocessor,
    /// How the crops of top-down models are cut.
    sampler: Option<CropSampler>,
    /// The format that the parameters on the device are for.
    format: PixelFormat,
    cpu: Option<CpuPart>,
    /// Frames on their way, the oldest first.
    flights: VecDeque<Flight>,
    /// What was found in the latest frame, then in its crops.
    pub(super) words: Vec<u32>,
    /// Ends of peaks and scores of the latest frame in `words`.
    pub(super) ends: Option<[usize; 2]>,
    /// The latest run looked at crops.
    pub(super) cropped: bool,
}

/// A frame on its way.
struct Flight {
    /// `None` if it went down with its device.
    waiting: Option<Waiting>,
    /// Where it is read from.
    readback: usize,
}

impl WgpuFrames {
    pub(in crate::engine::wgpu) fn new(
        gpu: &Gpu,
        frames: FrameProgram,
        preprocessor: &Preprocessor,
        sampler: Option<&CropSampler>,
        cpu: Option<CpuPart>,
    ) -> Result<Self, Error> {
        let crop_words = frames.crops.as_ref().map_or(0, |crops| crops.sizes.place_words() + crops.sizes.found_words());
        Ok(Self {
            prepared: prepare(gpu, &frames)?,
            pieces: pieces(&frames),
            words: vec![0; frames.layout.most_words() + crop_words],
            frames,
            preprocessor: preprocessor.clone(),
            sampler: sampler.cloned(),
            format: PREPARED_FORMAT,
            cpu,
            flights: VecDeque::with_capacity(MOST_IN_FLIGHT),
            ends: None,
            cropped: false,
        })
    }

    /// What it runs.
    pub fn program(&self) -> &FrameProgram {
        &self.frames
    }
}

impl FrameEngine for WgpuFrames {
    fn submit(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        self.preprocessor.check_frame(frame)?;
        if self.flights.len() == MOST_IN_FLIGHT {
            return Err(Error::InFlight("no more have room: finish one before the next is submitted"));
        }
        let started = self.start(frame);
        let flight = if started.is_err() && self.prepared.is_lost() {
            // Once: a device that is lost again at once is broken.
            self.reopen()?;
            self.start(frame)?
        } else {
            started?
        };
        self.flights.push_back(flight);
        Ok(())
    }

    fn finish(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        (self.ends, self.cropped) = (None, false);
        let flight = self.flights.pop_front().ok_or(Error::InFlight("none was submitted"))?;
        let ran = match flight.waiting {
            Some(waiting) => self.collect(waiting, frame, self.flights.is_empty()),
            None => self.again(frame),
        };
        if ran.is_err() && self.prepared.is_lost() {
            self.reopen()?;
            return self.again(frame);
        }
        ran
    }

    fn in_flight(&self) -> usize {
        self.flights.len()
    }

    fn run_at(&mut self, frame: &Frame<'_>, origins: &[[i32; 2]]) -> Result<(), Error> {
        self.cropped = false;
        self.preprocessor.check_frame(frame)?;
        let ran = self.look_at(frame, origins);
        if ran.is_err() && self.prepared.is_lost() {
            self.reopen()?;
            return self.look_at(frame, origins);
        }
        ran
    }

    fn found(&self) -> Option<Found<'_>> {
        let [peaks, scores] = self.ends?;
        let (lists, head) = (self.frames.layout.lists, self.frames.layout.head());
        Some(Found {
            counts: self.words.get(..lists)?,
            totals: self.words.get(lists..head)?,
            peaks: bytemuck::cast_slice(self.words.get(head..peaks)?),
            scores: bytemuck::cast_slice(self.words.get(peaks..scores)?),
        })
    }

    fn crops(&self) -> Option<FoundCrops<'_>> {
        let crops = self.frames.crops.as_ref().filter(|_| self.cropped)?;
        crops.found_in(self.words.get(first_words(&self.frames)..)?)
    }

    fn device_report(&mut self) -> Result<DeviceReport, Error> {
        if !self.flights.is_empty() {
            return Err(Error::InFlight("finish them first"));
        }
        let times = self.prepared.time_dispatches(1)?.unwrap_or_default();
        let report = self.prepared.gpu.report();
        let (width_px, height_px) = self.preprocessor.frame_px();
        let upload_bytes = width_px as usize * height_px as usize * self.format.bytes_per_pixel();
        Ok(DeviceReport {
            adapter: report.to_string(),
            software: report.software,
            dispatches: self.frames.program.dispatches.len(),
            upload_bytes: upload_bytes.next_multiple_of(4),
            read_bytes: self.pieces.iter().map(|piece| piece.bytes).sum(),
            stage_ms: self.frames.stage_times(&times),
        })
    }
}

impl WgpuFrames {
    /// Queues a frame and submits all that is to be done with it.
    fn start(&mut self, frame: &Frame<'_>) -> Result<Flight, Error> {
        let mut first = 0;
        if let Some(cpu) = &mut self.cpu {
            cpu.run(frame, &self.prepared, &self.frames)?;
            first = self.frames.start(cpu.from);
        }
        if self.cpu.is_none() || self.frames.crops.is_some() {
            self.upload(frame)?;
        }
        let all = first..self.frames.program.dispatches.len();
        let readback = self.readback();
        let waiting = self.prepared.submit(all, 1, &self.pieces, readback);
        Ok(Flight { waiting: Some(waiting), readback })
    }

    /// What no frame on its way is read from.
    pub(super) fn readback(&self) -> usize {
        (0..MOST_IN_FLIGHT).find(|number| self.flights.iter().all(|flight| flight.readback != *number)).unwrap_or(0)
    }

    /// Queues a frame's bytes.
    pub(super) fn upload(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        if frame.format() != self.format {
            self.format = frame.format();
            let params = Source::from(&self.preprocessor).params(self.format);
            self.prepared.write_params(0, bytemuck::bytes_of(&params));
            if let (Some(sampler), Some(crops)) = (&self.sampler, &self.frames.crops) {
                let params = Source::from(sampler).params(self.format);
                self.prepared.write_params(crops.cut, bytemuck::bytes_of(&params));
            }
        }
        if input::upload(&self.prepared, self.frames.frame, frame) {
            return Ok(());
        }
        Err(failure("upload the frame", "the driver gave no memory for it"))
    }

    /// Does a frame once more and waits for it.
    pub(super) fn again(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        match self.start(frame)?.waiting {
            Some(waiting) => self.collect(waiting, frame, true),
            None => Ok(()),
        }
    }

    /// Takes another device for one that was lost. Frames that were on their way are done once more when they are asked for.
    fn reopen(&mut self) -> Result<(), Error> {
        self.prepared = prepare(&self.prepared.gpu.live()?, &self.frames)?;
        self.format = PREPARED_FORMAT;
        self.flights.iter_mut().for_each(|flight| flight.waiting = None);
        Ok(())
    }
}

/// All of a program on a device, with room to read the first piece of the results.
fn prepare(gpu: &Gpu, frames: &FrameProgram) -> Result<Prepared, Error> {
    let bytes = pieces(frames).iter().map(|piece| piece.bytes as u64).sum();
    Prepared::new(gpu, &frames.program, 1, bytes, MOST_IN_FLIGHT)
}
