//! Threads that work on the tasks of one step together, and sleep in between.

#![cfg_attr(feature = "std", expect(unsafe_code, reason = "threads borrow the caller's closure for as long as the call lasts"))]

/// What the workers do: task, then worker.
type Work<'a> = dyn Fn(usize, usize) + Sync + 'a;

/// One or more workers; the caller's thread is worker 0.
pub(super) struct Workers {
    #[cfg(feature = "std")]
    pool: Option<pool::Pool>,
}

impl Workers {
    /// `count` workers, at least 1. Without the feature `std` there is only the caller.
    ///
    /// Threads that the system refuses are done without.
    pub fn new(count: usize) -> Self {
        #[cfg(feature = "std")]
        return Self { pool: (count > 1).then(|| pool::Pool::new(count - 1)) };
        #[cfg(not(feature = "std"))]
        {
            let _ = count;
            Self {}
        }
    }

    /// Number of workers.
    pub fn count(&self) -> usize {
        #[cfg(feature = "std")]
        if let Some(pool) = &self.pool {
            return pool.helpers() + 1;
        }
        1
    }

    /// Runs all tasks, in no particular order, and returns when all are done.
    ///
    /// # Panics
    /// If a task panics.
    pub fn run(&mut self, tasks: usize, work: &Work<'_>) {
        #[cfg(feature = "std")]
        if let Some(pool) = &mut self.pool
            && tasks > 1
        {
            return pool.run(tasks, work);
        }
        for task in 0..tasks {
            work(task, 0);
        }
    }
}

#[cfg(feature = "std")]
mod pool {
    use super::Work;
    use alloc::sync::Arc;
    use alloc::vec::Vec;
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
    use std::thread::{Builder, JoinHandle};

    /// A call's closure, without its lifetime.
    #[derive(Clone, Copy)]
    struct Job {
        work: *const Work<'static>,
        tasks: usize,
    }

    // SAFETY: the closure is `Sync`, and `Pool::run` does not return before no thread holds the pointer any more.
    unsafe impl Send for Job {}

    #[derive(Default)]
    struct State {
        /// The present job, and how many there were; a helper takes each once.
        job: Option<Job>,
        jobs: u64,
        /// Helpers that have not yet finished the present job.
        busy: usize,
        panicked: bool,
        closing: bool,
    }

    #[derive(Default)]
    struct Shared {
        state: Mutex<State>,
        started: Condvar,
        finished: Condvar,
        /// Next task that nobody has taken.
        next: AtomicUsize,
    }

    impl Shared {
        fn lock(&self) -> MutexGuard<'_, State> {
            // No code that can panic runs under the lock.
            self.state.lock().unwrap_or_else(PoisonError::into_inner)
        }

        fn work_off(&self, job: Job, worker: usize) {
            // SAFETY: `Pool::run` keeps the closure alive until every helper has reported.
            let work = unsafe { &*job.work };
            loop {
                let task = self.next.fetch_add(1, Ordering::Relaxed);
                if task >= job.tasks {
                    return;
                }
                work(task, worker);
            }
        }

        fn help(&self, worker: usize) {
            let mut done = 0;
            loop {
                let mut state = self.lock();
                while !state.closing && state.jobs == done {
                    state = self.started.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
                let (Some(job), false) = (state.job, state.closing) else { return };
                done = state.jobs;
                drop(state);
                let result = catch_unwind(AssertUnwindSafe(|| self.work_off(job, worker)));
                let mut state = self.lock();
                state.panicked |= result.is_err();
                state.busy -= 1;
                if state.busy == 0 {
                    self.finished.notify_one();
                }
            }
        }
    }

    /// Helper threads.
    pub(super) struct Pool {
        shared: Arc<Shared>,
        threads: Vec<JoinHandle<()>>,
    }

    impl Pool {
        pub fn new(helpers: usize) -> Self {
            let shared = Arc::new(Shared::default());
            let start = |index: usize| {
                let shared = Arc::clone(&shared);
                let name = alloc::format!("dormouse-{}", index + 1);
                Builder::new().name(name).spawn(move || shared.help(index + 1))
            };
            let threads = (0..helpers).map_while(|index| start(index).ok()).collect();
            Self { shared, threads }
        }

        pub fn helpers(&self) -> usize {
            self.threads.len()
        }

        pub fn run(&mut self, tasks: usize, work: &Work<'_>) {
            let work: *const Work<'_> = work;
            // SAFETY: only the lifetime changes; nobody uses the pointer after this function.
            let work = unsafe { core::mem::transmute::<*const Work<'_>, *const Work<'static>>(work) };
            let job = Job { work, tasks };
            let mut state = self.shared.lock();
            self.shared.next.store(0, Ordering::Relaxed);
            state.job = Some(job);
            state.jobs += 1;
            state.busy = self.threads.len();
            drop(state);
            self.shared.started.notify_all();
            let result = catch_unwind(AssertUnwindSafe(|| self.shared.work_off(job, 0)));
            let mut state = self.shared.lock();
            while state.busy > 0 {
                state = self.shared.finished.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            state.job = None;
            let panicked = core::mem::take(&mut state.panicked);
            drop(state);
            if let Err(payload) = result {
                resume_unwind(payload);
            }
            assert!(!panicked, "a worker thread panicked");
        }
    }

    impl Drop for Pool {
        fn drop(&mut self) {
            self.shared.lock().closing = true;
            self.shared.started.notify_all();
            for thread in self.threads.drain(..) {
                // A helper catches its panics, so that there is nothing to report here.
                let _ = thread.join();
            }
        }
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn every_task_runs_once() {
        for count in 1..5 {
            let mut workers = Workers::new(count);
            for tasks in [0, 1, 2, 7, 100] {
                let done: Vec<AtomicUsize> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
                workers.run(tasks, &|task, worker| {
                    assert!(worker < count);
                    done[task].fetch_add(1, Ordering::Relaxed);
                });
                assert!(done.iter().all(|n| n.load(Ordering::Relaxed) == 1), "{count} workers, {tasks} tasks");
            }
        }
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_pool_survives() {
        let mut workers = Workers::new(3);
        let failing = || workers.run(9, &|task, _| assert!(task != 5, "expected in this test"));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(failing)).is_err());
        let count = AtomicUsize::new(0);
        workers.run(9, &|_, _| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(count.into_inner(), 9);
    }
}
