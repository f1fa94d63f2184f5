//! A frame from its bytes to peaks, scores and parts in crops: one upload, one submit, one wait.

use super::bisect::CpuPart;
use super::input::{self, PREPARED_FORMAT, Source};
use super::program::FrameProgram;
use crate::engine::wgpu::gpu::{Gpu, failure};
use crate::engine::wgpu::prepared::{Piece, Prepared};
use crate::engine::wgpu::program::Slot;
use crate::engine::wgpu::readback::Waiting;
use crate::engine::{DeviceReport, Found, FoundCrops, FrameEngine, MOST_IN_FLIGHT};
use crate::error::Error;
use crate::frame::{Frame, PixelFormat};
use crate::preprocess::{CropSampler, Preprocessor};
use alloc::collections::VecDeque;
use alloc::string::ToString as _;
use alloc::vec;
use alloc::vec::Vec;

/// Words that are read with the frame: 64 KiB. What has no room there costs another submit.
pub(in crate::engine::wgpu) const READ_WORDS: usize = 16 * 1024;

/// Whole frames of one size on the GPU.
pub struct WgpuFrames {
    frames: FrameProgram,
    /// What is read with every frame.
    pieces: Vec<Piece>,
    prepared: Prepared,
    preprocessor: Preprocessor,
    /// How the crops of top-down models are cut.
    sampler: Option<CropSampler>,
    /// The format that the parameters on the device are for.
    format: PixelFormat,
    cpu: Option<CpuPart>,
    /// Frames on their way, the oldest first.
    flights: VecDeque<Flight>,
    /// What was found in the latest frame, then in its crops.
    words: Vec<u32>,
    /// Ends of peaks and scores of the latest frame in `words`.
    ends: Option<[usize; 2]>,
    /// The latest run looked at crops.
    cropped: bool,
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
    fn readback(&self) -> usize {
        (0..MOST_IN_FLIGHT).find(|number| self.flights.iter().all(|flight| flight.readback != *number)).unwrap_or(0)
    }

    /// Queues a frame's bytes.
    fn upload(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
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
    fn again(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        match self.start(frame)?.waiting {
            Some(waiting) => self.collect(waiting, frame, true),
            None => Ok(()),
        }
    }

    /// Waits for a frame. What had no room in the first piece is read from the device, or the frame is done once more if it is not the
    /// latest one there.
    fn collect(&mut self, waiting: Waiting, frame: &Frame<'_>, latest: bool) -> Result<(), Error> {
        let (head, lists, crops) = (self.frames.layout.head(), self.frames.layout.lists, self.frames.crops.is_some());
        let mut done = first_words(&self.frames);
        // With crops all that is said of the whole frame comes in the first piece, and they come behind it.
        let end = if crops { self.words.len() } else { done };
        waiting.read(&self.prepared.gpu, bytemuck::cast_slice_mut(&mut self.words[..end]))?;
        if done < head {
            if !latest {
                return self.again(frame);
            }
            done = self.read_on(done, head)?;
        }
        let ends = self.frames.layout.ends(&self.words[..lists]);
        let ends = ends.ok_or_else(|| failure("read the peaks", "there are more than the lists can hold"))?;
        if done < ends[1] {
            if !latest {
                return self.again(frame);
            }
            self.read_on(done, ends[1])?;
        }
        self.ends = Some(ends);
        self.take_crops()
    }

    /// Reads the results from a word up to another one, in pieces; how many words are there then.
    fn read_on(&mut self, mut done: usize, end: usize) -> Result<usize, Error> {
        while done < end {
            let next = end.min(done + READ_WORDS);
            let piece = Piece { slot: Slot::Results, at: 4 * done, bytes: 4 * (next - done) };
            let waiting = self.prepared.submit(0..0, 1, &[piece], self.readback());
            waiting.read(&self.prepared.gpu, bytemuck::cast_slice_mut(&mut self.words[done..next]))?;
            done = next;
        }
        Ok(done)
    }

    /// Looks at crops of a frame on the present device.
    fn look_at(&mut self, frame: &Frame<'_>, origins: &[[i32; 2]]) -> Result<(), Error> {
        let crops = self.frames.crops.as_ref();
        let crops = crops.ok_or_else(|| failure("look at crops", "it was not prepared for crops"))?;
        let (cut, table) = (crops.cut, crops.table);
        let places = crops.table_for(origins);
        self.upload(frame)?;
        self.prepared.write(table, 0, bytemuck::cast_slice(&places));
        let behind_cut = cut..self.frames.program.dispatches.len();
        let waiting = self.prepared.submit(behind_cut, 1, &self.pieces[1..], self.readback());
        let behind = first_words(&self.frames);
        waiting.read(&self.prepared.gpu, bytemuck::cast_slice_mut(&mut self.words[behind..]))?;
        self.take_crops()
    }

    /// Checks what was read of crops.
    fn take_crops(&mut self) -> Result<(), Error> {
        self.cropped = self.frames.crops.is_some();
        if self.cropped && self.crops().is_none() {
            self.cropped = false;
            return Err(failure("read the crops", "there are more than the lists can hold"));
        }
        Ok(())
    }

    /// Takes another device for one that was lost. Frames that were on their way are done once more when they are asked for.
    fn reopen(&mut self) -> Result<(), Error> {
        self.prepared = prepare(&self.prepared.gpu.live()?, &self.frames)?;
        self.format = PREPARED_FORMAT;
        self.flights.iter_mut().for_each(|flight| flight.waiting = None);
        Ok(())
    }
}

/// Words of the frame's own results that are read with it.
fn first_words(frames: &FrameProgram) -> usize {
    frames.layout.most_words().min(READ_WORDS)
}

/// What is read with every frame: its own results, then places of crops and what was found in them.
fn pieces(frames: &FrameProgram) -> Vec<Piece> {
    let mut pieces = vec![Piece { slot: Slot::Results, at: 0, bytes: 4 * first_words(frames) }];
    if let Some(crops) = &frames.crops {
        pieces.push(Piece { slot: crops.table, at: 0, bytes: 4 * crops.sizes.place_words() });
        pieces.push(Piece { slot: crops.found, at: 0, bytes: 4 * crops.sizes.found_words() });
    }
    pieces
}

/// All of a program on a device, with room to read the first piece of the results.
fn prepare(gpu: &Gpu, frames: &FrameProgram) -> Result<Prepared, Error> {
    let bytes = pieces(frames).iter().map(|piece| piece.bytes as u64).sum();
    Prepared::new(gpu, &frames.program, 1, bytes, MOST_IN_FLIGHT)
}
