//! Reading results: a buffer that the CPU can see, and waiting for what was copied there.

use super::gpu::{Gpu, failure};
use crate::error::Error;
use alloc::string::ToString as _;
use alloc::sync::Arc;
use core::time::Duration;
use std::sync::{Condvar, Mutex, PoisonError};
use wgpu::{Buffer, BufferAsyncError, PollType, SubmissionIndex};

/// The longest wait for a callback whose work is done.
const CALLBACK: Duration = Duration::from_secs(5);

const ACTION: &str = "run the network";

/// A buffer to read results from, made once for many runs.
pub(super) struct Readback {
    buffer: Buffer,
    answer: Arc<Answer>,
}

/// What the driver says to the latest request for a buffer. Shared with its callback, so that a frame needs no memory of its own.
#[derive(Default)]
struct Answer {
    said: Mutex<Said>,
    told: Condvar,
}

#[derive(Default)]
struct Said {
    /// Number of the latest request: the callback of one that was given up may come late.
    request: u64,
    answer: Option<Result<(), BufferAsyncError>>,
}

impl Answer {
    /// Begins another request.
    fn next(&self) -> u64 {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        *said = Said { request: said.request + 1, answer: None };
        said.request
    }

    /// The driver's word on a request.
    fn tell(&self, request: u64, answer: Result<(), BufferAsyncError>) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.request == request {
            said.answer = Some(answer);
            self.told.notify_all();
        }
    }

    /// Waits for the word on the latest request, but not for ever.
    fn wait(&self, most: Duration) -> Option<Result<(), BufferAsyncError>> {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.told.wait_timeout_while(said, most, |said| said.answer.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.answer.take()
    }
}

/// Results that were asked for and are not read yet.
pub(super) struct Waiting {
    from: Buffer,
    bytes: u64,
    submission: SubmissionIndex,
    answer: Arc<Answer>,
    /// The driver refused, so that the buffer was never taken.
    refused: bool,
}

impl Readback {
    /// `buffer` must be mappable for reading.
    pub fn new(buffer: Buffer) -> Self {
        Self { buffer, answer: Arc::default() }
    }

    /// Where results are to be copied to.
    pub fn buffer(&self) -> &Buffer {
        &self.buffer
    }

    /// Asks for the beginning of the buffer, to be there once that submission is done. The one before must have been read, or given up.
    pub fn ask(&self, bytes: u64, submission: SubmissionIndex) -> Waiting {
        let (request, answer) = (self.answer.next(), Arc::clone(&self.answer));
        self.buffer.map_async(wgpu::MapMode::Read, ..bytes, move |said| answer.tell(request, said));
        Waiting { from: self.buffer.clone(), bytes, submission, answer: Arc::clone(&self.answer), refused: false }
    }
}

impl Waiting {
    /// Waits for the submission, but not for later ones, and copies as many bytes as were asked for.
    ///
    /// # Errors
    /// [`Error::Engine`] if the driver fails or the device was lost.
    pub fn read(mut self, gpu: &Gpu, to: &mut [u8]) -> Result<(), Error> {
        let wait = PollType::Wait { submission_index: Some(self.submission.clone()), timeout: None };
        gpu.device.poll(wait).map_err(|error| failure(ACTION, &error.to_string()))?;
        gpu.check(ACTION)?;
        // Another thread that polls the same device may have taken the callback over and be about to call it.
        match self.answer.wait(CALLBACK) {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                self.refused = true;
                return Err(failure(ACTION, &error.to_string()));
            }
            None => return Err(failure(ACTION, "the results were not given back")),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_words_on_earlier_requests_are_not_taken_for_later_ones() {
        let answer = Answer::default();
        let first = answer.next();
        assert!(answer.wait(Duration::ZERO).is_none());
        answer.tell(first, Ok(()));
        assert_eq!(answer.wait(Duration::ZERO), Some(Ok(())));
        let (second, third) = (answer.next(), answer.next());
        answer.tell(second, Err(BufferAsyncError));
        assert!(answer.wait(Duration::ZERO).is_none());
        std::thread::scope(|scope| {
            scope.spawn(|| answer.tell(third, Ok(())));
            assert_eq!(answer.wait(CALLBACK), Some(Ok(())));
        });
    }
}
