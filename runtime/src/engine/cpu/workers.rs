//! Threads that work on the tasks of one step together, and sleep between runs.

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
    use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
    use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
    use std::thread::{Builder, JoinHandle};
    use std::time::{Duration, Instant};

    /// How long a thread looks for something to do before it sleeps: many steps of small networks are shorter than the time that
    /// waking takes.
    const LOOK: Duration = Duration::from_micros(50);
    /// Looks from one glance at the clock to the next.
    const LOOKS: usize = 16;

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
        /// The present job, as long as there may be something left of it; a helper takes each once.
        job: Option<Job>,
        closing: bool,
    }

    #[derive(Default)]
    struct Shared {
        state: Mutex<State>,
        started: Condvar,
        finished: Condvar,
        /// Jobs so far; changed under the lock.
        jobs: AtomicU64,
        /// Helpers that have taken the present job and not finished it; rises only under the lock.
        busy: AtomicUsize,
        panicked: AtomicBool,
        /// Next task that nobody has taken.
        next: AtomicUsize,
        /// Whether there is a processor for each worker, so that looking takes none from those who work.
        looks: bool,
    }

    impl Shared {
        fn lock(&self) -> MutexGuard<'_, State> {
            // No code that can panic runs under the lock.
            self.state.lock().unwrap_or_else(PoisonError::into_inner)
        }

        /// Waits a short time for a condition without sleeping.
        fn look_for(&self, condition: impl Fn() -> bool) {
            if !self.looks {
                return;
            }
            let start = Instant::now();
            while start.elapsed() < LOOK {
                for _ in 0..LOOKS {
                    if condition() {
                        return;
                    }
                    core::hint::spin_loop();
                }
            }
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
                self.look_for(|| self.jobs.load(Ordering::Relaxed) != done);
                let mut state = self.lock();
                while !state.closing && self.jobs.load(Ordering::Relaxed) == done {
                    state = self.started.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
                if state.closing {
                    return;
                }
                done = self.jobs.load(Ordering::Relaxed);
                // The others may be done with a short job before this helper is awake.
                let Some(job) = state.job else { continue };
                self.busy.fetch_add(1, Ordering::Relaxed);
                drop(state);
                if catch_unwind(AssertUnwindSafe(|| self.work_off(job, worker))).is_err() {
                    self.panicked.store(true, Ordering::Relaxed);
                }
                // Whatever this helper wrote is seen by the one who reads 0.
                if self.busy.fetch_sub(1, Ordering::AcqRel) == 1 {
                    // The caller is either before its look at `busy` under the lock, or asleep.
                    drop(self.lock());
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
            let looks = std::thread::available_parallelism().is_ok_and(|n| n.get() > helpers);
            let shared = Arc::new(Shared { looks, ..Shared::default() });
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
            let (job, shared) = (Job { work, tasks }, &*self.shared);
            let mut state = shared.lock();
            shared.next.store(0, Ordering::Relaxed);
            state.job = Some(job);
            shared.jobs.fetch_add(1, Ordering::Relaxed);
            drop(state);
            shared.started.notify_all();
            let result = catch_unwind(AssertUnwindSafe(|| shared.work_off(job, 0)));
            // All tasks are taken: helpers that are not here yet are not waited for.
            shared.lock().job = None;
            let all_done = || shared.busy.load(Ordering::Acquire) == 0;
            shared.look_for(all_done);
            let mut state = shared.lock();
            while !all_done() {
                state = shared.finished.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            drop(state);
            if let Err(payload) = result {
                resume_unwind(payload);
            }
            assert!(!shared.panicked.swap(false, Ordering::Relaxed), "a worker thread panicked");
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
