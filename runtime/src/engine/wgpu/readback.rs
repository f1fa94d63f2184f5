//! Waiting for results.

use super::gpu::{Gpu, failure};
use crate::error::Error;
use alloc::string::ToString as _;
use core::time::Duration;
use std::sync::mpsc;
use wgpu::{Buffer, BufferAsyncError, PollType, SubmissionIndex};

/// The longest wait for a callback whose work is done.
const CALLBACK: Duration = Duration::from_secs(5);

const ACTION: &str = "run the network";

/// Results that were asked for and are not read yet.
pub(super) struct Waiting {
    from: Buffer,
    bytes: u64,
    submission: SubmissionIndex,
    mapped: mpsc::Receiver<Result<(), BufferAsyncError>>,
    /// The driver refused, so that the buffer was never taken.
    refused: bool,
}

impl Waiting {
    /// Asks for the beginning of a mappable buffer, to be there once that submission is done.
    pub fn ask(from: &Buffer, bytes: u64, submission: SubmissionIndex) -> Self {
        let (sender, mapped) = mpsc::sync_channel(1);
        from.map_async(wgpu::MapMode::Read, ..bytes, move |answer| {
            // It fails only if nobody waits any more.
            let _ = sender.send(answer);
        });
        Self { from: from.clone(), bytes, submission, mapped, refused: false }
    }

    /// Waits for the submission, but not for later ones, and copies as many bytes as were asked for.
    ///
    /// # Errors
    /// [`Error::Engine`] if the driver fails or the device was lost.
    pub fn read(mut self, gpu: &Gpu, to: &mut [u8]) -> Result<(), Error> {
        let wait = PollType::Wait { submission_index: Some(self.submission.clone()), timeout: None };
        gpu.device.poll(wait).map_err(|error| failure(ACTION, &error.to_string()))?;
        gpu.check(ACTION)?;
        // Another thread that polls the same device may have taken the callback over and be about to call it.
        match self.mapped.recv_timeout(CALLBACK) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                self.refused = true;
                return Err(failure(ACTION, &error.to_string()));
            }
            Err(_) => return Err(failure(ACTION, "the results were not given back")),
        }
        let view = self.from.get_mapped_range(..self.bytes).map_err(|error| failure(ACTION, &error.to_string()))?;
        to.copy_from_slice(&view);
        Ok(())
    }
}

impl Drop for Waiting {
    /// Read or not, the buffer is free for the next run.
    fn drop(&mut self) {
        if !self.refused {
            self.from.unmap();
        }
    }
}
