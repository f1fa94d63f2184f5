//! What comes back of a frame, piece by piece.

use super::engine::WgpuFrames;
use super::program::FrameProgram;
use crate::engine::FrameEngine as _;
use crate::engine::wgpu::gpu::failure;
use crate::engine::wgpu::prepared::Piece;
use crate::engine::wgpu::program::Slot;
use crate::engine::wgpu::readback::Waiting;
use crate::error::Error;
use crate::frame::Frame;
use alloc::vec;
use alloc::vec::Vec;

/// Words that are read with the frame: 64 KiB. What has no room there costs another submit.
pub(in crate::engine::wgpu) const READ_WORDS: usize = 16 * 1024;

impl WgpuFrames {
    /// Waits for a frame. What had no room in the first piece is read from the device, or the frame is done once more if it is not the
    /// latest one there.
    pub(super) fn collect(&mut self, waiting: Waiting, frame: &Frame<'_>, latest: bool) -> Result<(), Error> {
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
    pub(super) fn look_at(&mut self, frame: &Frame<'_>, origins: &[[i32; 2]]) -> Result<(), Error> {
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
}

/// Words of the frame's own results that are read with it.
pub(super) fn first_words(frames: &FrameProgram) -> usize {
    frames.layout.most_words().min(READ_WORDS)
}

/// What is read with every frame: its own results, then places of crops and what was found in them.
pub(super) fn pieces(frames: &FrameProgram) -> Vec<Piece> {
    let mut pieces = vec![Piece { slot: Slot::Results, at: 0, bytes: 4 * first_words(frames) }];
    if let Some(crops) = &frames.crops {
        pieces.push(Piece { slot: crops.table, at: 0, bytes: 4 * crops.sizes.place_words() });
        pieces.push(Piece { slot: crops.found, at: 0, bytes: 4 * crops.sizes.found_words() });
    }
    pieces
}
