//! A frame from its bytes to peaks and scores: one upload, one submit, one wait.

use super::bisect::CpuPart;
use super::input;
use super::program::FrameProgram;
use crate::engine::wgpu::gpu::{Gpu, failure};
use crate::engine::wgpu::prepared::Prepared;
use crate::engine::{Found, FrameEngine, FrameStage};
use crate::error::Error;
use crate::frame::{Frame, PixelFormat};
use crate::preprocess::Preprocessor;
use alloc::vec;
use alloc::vec::Vec;

/// Words that are read with the frame: 64 KiB. What has no room there costs another submit.
const READ_WORDS: usize = 16 * 1024;

/// Invocations of the largest workgroups, those of the peaks.
const INVOCATIONS: u64 = 256;

/// The format that a program's parameters are for before the first frame.
pub(super) const PREPARED_FORMAT: PixelFormat = PixelFormat::Gray8;

/// Whole frames of one size on the GPU.
pub struct WgpuFrames {
    frames: FrameProgram,
    prepared: Prepared,
    preprocessor: Preprocessor,
    /// The format that the parameters on the device are for.
    format: PixelFormat,
    cpu: Option<CpuPart>,
    words: Vec<u32>,
    /// Ends of peaks and scores of the latest frame in `words`.
    ends: Option<[usize; 2]>,
}

impl WgpuFrames {
    pub(in crate::engine::wgpu) fn new(
        gpu: &Gpu,
        frames: FrameProgram,
        preprocessor: &Preprocessor,
        cpu: Option<CpuPart>,
    ) -> Result<Self, Error> {
        let (prepared, words) = (prepare(gpu, &frames)?, vec![0; frames.layout.most_words()]);
        let (preprocessor, format) = (preprocessor.clone(), PREPARED_FORMAT);
        Ok(Self { frames, prepared, preprocessor, format, cpu, words, ends: None })
    }

    /// What it runs.
    pub fn program(&self) -> &FrameProgram {
        &self.frames
    }

    /// Queues what the first stage on the GPU reads; that stage.
    fn upload(&mut self, frame: &Frame<'_>) -> Result<FrameStage, Error> {
        if let Some(cpu) = &mut self.cpu {
            cpu.run(frame, &self.prepared, &self.frames)?;
            return Ok(cpu.from);
        }
        if frame.format() != self.format {
            self.format = frame.format();
            let params = input::params(&self.preprocessor, self.format);
            self.prepared.write_params(0, bytemuck::bytes_of(&params));
        }
        if !input::upload(&self.prepared, self.frames.frame, frame) {
            return Err(failure("upload the frame", "the driver gave no memory for it"));
        }
        Ok(FrameStage::Preprocess)
    }
}

impl FrameEngine for WgpuFrames {
    fn run(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        self.ends = None;
        self.preprocessor.check_frame(frame)?;
        let ran = self.find(frame);
        if ran.is_err() && self.prepared.is_lost() {
            // Once: a device that is lost again at once is broken.
            self.prepared = prepare(&self.prepared.gpu.live()?, &self.frames)?;
            self.format = PREPARED_FORMAT;
            return self.find(frame);
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
}

impl WgpuFrames {
    /// Finds peaks and scores on the present device.
    fn find(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        let first = self.upload(frame)?;
        let first = self.frames.start(first);
        let mut done = self.words.len().min(READ_WORDS);
        self.prepared.execute(first, 1, 0, bytemuck::cast_slice_mut(&mut self.words[..done]))?;
        // A head that has no room in the first piece comes with the next ones.
        while done < self.frames.layout.head() {
            done = self.read_on(done, self.frames.layout.head())?;
        }
        let ends = self.frames.layout.ends(&self.words[..self.frames.layout.lists]);
        let ends = ends.ok_or_else(|| failure("read the peaks", "there are more than the lists can hold"))?;
        while done < ends[1] {
            done = self.read_on(done, ends[1])?;
        }
        self.ends = Some(ends);
        Ok(())
    }

    /// Reads the next piece of the results up to a word; how many words are there then.
    fn read_on(&mut self, done: usize, end: usize) -> Result<usize, Error> {
        let next = end.min(done + READ_WORDS);
        let nothing = self.frames.program.dispatches.len();
        self.prepared.execute(nothing, 1, 4 * done, bytemuck::cast_slice_mut(&mut self.words[done..next]))?;
        Ok(next)
    }
}

/// All of a program on a device, with room to read the first piece of the results.
fn prepare(gpu: &Gpu, frames: &FrameProgram) -> Result<Prepared, Error> {
    let has = u64::from(gpu.device.limits().max_compute_invocations_per_workgroup);
    gpu.report().check(&[("max_compute_invocations_per_workgroup", INVOCATIONS, has)])?;
    Prepared::new(gpu, &frames.program, 1, 4 * frames.layout.most_words().min(READ_WORDS) as u64)
}
