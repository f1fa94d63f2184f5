//! Prepares batches beside the training step.

use crate::batch::Batch;
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Prepares the batch with a sequence number; must depend on that number alone.
pub type Prepare = Arc<dyn Fn(u64) -> Result<Batch> + Send + Sync>;

/// Batches kept ready beyond the one in use.
const AHEAD: u64 = 3;

/// Batches that a loader with that many threads keeps ready or in preparation.
pub fn batches_ahead(workers: usize) -> usize {
    AHEAD as usize + workers.clamp(1, 64)
}

struct State {
    /// Next sequence number that a thread may take.
    next: u64,
    /// One past the last number.
    end: u64,
    /// Next number that the reader wants.
    wanted: u64,
    ready: BTreeMap<u64, Result<Batch>>,
    closed: bool,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    window: u64,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock, and the state is whole after every statement.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Batches in order, whatever the number of threads.
pub struct Loader {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Loader {
    /// Starts `workers` (at least one) threads on the numbers `start..end`.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(prepare: Prepare, start: u64, end: u64, workers: usize) -> Result<Self> {
        let workers = workers.clamp(1, 64);
        let state = State { next: start, end, wanted: start, ready: BTreeMap::new(), closed: false };
        let window = batches_ahead(workers) as u64;
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new(), window });
        let mut loader = Self { shared: shared.clone(), threads: Vec::new() };
        for i in 0..workers {
            let (shared, prepare) = (shared.clone(), prepare.clone());
            let thread = std::thread::Builder::new().name(format!("batch-{i}")).spawn(move || work(&shared, &prepare));
            loader.threads.push(thread.map_err(|e| Error::Train(format!("cannot start a loader thread: {e}")))?);
        }
        Ok(loader)
    }

    /// The next batch; `None` after the last one.
    ///
    /// # Errors
    /// What the preparation of this batch returned.
    pub fn next_batch(&mut self) -> Option<Result<Batch>> {
        let mut state = self.shared.lock();
        loop {
            if state.wanted >= state.end {
                return None;
            }
            let wanted = state.wanted;
            if let Some(batch) = state.ready.remove(&wanted) {
                state.wanted += 1;
                self.shared.changed.notify_all();
                return Some(batch);
            }
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn work(shared: &Shared, prepare: &Prepare) {
    loop {
        let number = {
            let mut state = shared.lock();
            while !state.closed && state.next < state.end && state.next >= state.wanted + shared.window {
                state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.closed || state.next >= state.end {
                return;
            }
            state.next += 1;
            state.next - 1
        };
        // A panic in the preparation must not leave the reader waiting for ever.
        let batch = catch_unwind(AssertUnwindSafe(|| prepare(number)))
            .unwrap_or_else(|_| Err(Error::Train(format!("preparing batch {number} failed unexpectedly"))));
        shared.lock().ready.insert(number, batch);
        shared.changed.notify_all();
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            // The thread catches panics of the preparation, so that there is nothing to report.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn numbered(n: u64) -> Batch {
        Batch { images: (vec![n as f32], [1, 1, 1, 1]), targets: Vec::new() }
    }

    #[test]
    fn order_does_not_depend_on_threads() {
        for workers in [1, 2, 5] {
            let prepare: Prepare = Arc::new(|n| {
                std::thread::sleep(Duration::from_micros((n * 7919 % 13) * 100));
                Ok(numbered(n))
            });
            let mut loader = Loader::start(prepare, 10, 60, workers).unwrap();
            let got: Vec<f32> = std::iter::from_fn(|| loader.next_batch()).map(|b| b.unwrap().images.0[0]).collect();
            assert_eq!(got, (10..60).map(|n| n as f32).collect::<Vec<_>>());
        }
    }

    #[test]
    fn errors_and_panics_arrive_in_their_place() {
        let prepare: Prepare = Arc::new(|n| match n {
            1 => Err(Error::Data("unreadable".into())),
            2 => panic!("deliberate"),
            _ => Ok(numbered(n)),
        });
        let mut loader = Loader::start(prepare, 0, 4, 2).unwrap();
        let oks: Vec<bool> = std::iter::from_fn(|| loader.next_batch()).map(|b| b.is_ok()).collect();
        assert_eq!(oks, [true, false, false, true]);
    }

    #[test]
    fn can_be_dropped_early() {
        let mut loader = Loader::start(Arc::new(|n| Ok(numbered(n))), 0, u64::MAX, 3).unwrap();
        assert!(loader.next_batch().unwrap().is_ok());
    }
}
