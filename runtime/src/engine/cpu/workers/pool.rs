//! Helper threads.

#![expect(unsafe_code, reason = "threads borrow the caller's closure for as long as the call lasts")]

use super::crew::Work;
use super::gate::Gate;
use super::shares::Shares;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ptr::null_mut;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// How long a thread looks for something to do before it sleeps: many steps of small networks are shorter than the time that
/// waking takes.
const LOOK: Duration = Duration::from_micros(50);
/// Looks from one glance at the clock to the next.
const LOOKS: usize = 16;

struct Shared {
    gate: Gate,
    shares: Shares,
    /// The caller's closure: there as long as the gate is open or somebody inside.
    work: AtomicPtr<&'static Work<'static>>,
    /// Helpers that sleep until `started`, or are about to; changed under the lock.
    sleeping: AtomicUsize,
    /// Whether the caller sleeps until `finished`, or is about to; changed under the lock.
    waiting: AtomicBool,
    closing: AtomicBool,
    panicked: AtomicBool,
    /// Nobody sleeps without having looked at the gate under it.
    lock: Mutex<()>,
    started: Condvar,
    finished: Condvar,
    /// Whether there is a processor for each worker, so that looking takes none from those who work.
    looks: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, ()> {
        // No code that can panic runs under the lock.
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn work_off(&self, work: &Work<'_>, worker: usize) {
        while let Some(task) = self.shares.take(worker) {
            work(task, worker);
        }
    }

    /// Number of a job behind `done`; `None` if there will be no more.
    fn next_job(&self, done: u32) -> Option<u32> {
        let is_new = || self.gate.number() != done || self.closing.load(SeqCst);
        self.look_for(is_new);
        if !is_new() {
            let mut guard = self.lock();
            self.sleeping.fetch_add(1, SeqCst);
            // Who opens the gate after this look sees that somebody sleeps, and wakes under the lock.
            while !is_new() {
                guard = self.started.wait(guard).unwrap_or_else(PoisonError::into_inner);
            }
            self.sleeping.fetch_sub(1, SeqCst);
        }
        (!self.closing.load(SeqCst)).then(|| self.gate.number())
    }

    fn help(&self, worker: usize) {
        let mut done = 0;
        while let Some(number) = self.next_job(done) {
            done = number;
            // The others may be done with a short job before this helper is awake.
            if !self.gate.enter(number) {
                continue;
            }
            // SAFETY: `Pool::run` stored the closure's place before it opened the gate, and keeps both until all have left.
            let work = unsafe { *self.work.load(SeqCst) };
            if catch_unwind(AssertUnwindSafe(|| self.work_off(work, worker))).is_err() {
                self.panicked.store(true, SeqCst);
            }
            // The caller looks at the gate after it has said that it waits.
            if self.gate.leave() && self.waiting.load(SeqCst) {
                drop(self.lock());
                self.finished.notify_one();
            }
        }
    }

    /// Returns when all helpers have left.
    fn wait(&self) {
        self.look_for(|| self.gate.is_empty());
        if !self.gate.is_empty() {
            let mut guard = self.lock();
            self.waiting.store(true, SeqCst);
            while !self.gate.is_empty() {
                guard = self.finished.wait(guard).unwrap_or_else(PoisonError::into_inner);
            }
            self.waiting.store(false, SeqCst);
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
        let shared = Arc::new(Shared {
            gate: Gate::default(),
            shares: Shares::new(helpers + 1),
            work: AtomicPtr::new(null_mut()),
            sleeping: AtomicUsize::new(0),
            waiting: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            panicked: AtomicBool::new(false),
            lock: Mutex::new(()),
            started: Condvar::new(),
            finished: Condvar::new(),
            looks,
        });
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

    pub fn run(&mut self, tasks: u32, work: &Work<'_>) {
        let shared = &*self.shared;
        // SAFETY: only the lifetime changes; nobody uses the closure after this function, which returns when all have left.
        let mut work = unsafe { core::mem::transmute::<&Work<'_>, &'static Work<'static>>(work) };
        shared.shares.deal(tasks);
        shared.work.store(&raw mut work, SeqCst);
        shared.gate.open();
        if shared.sleeping.load(SeqCst) > 0 {
            drop(shared.lock());
            shared.started.notify_all();
        }
        let result = catch_unwind(AssertUnwindSafe(|| shared.work_off(work, 0)));
        // All tasks are taken, unless one has panicked: helpers that are not here yet are not waited for.
        shared.gate.close();
        shared.wait();
        if let Err(payload) = result {
            resume_unwind(payload);
        }
        assert!(!shared.panicked.swap(false, Relaxed), "a worker thread panicked");
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.closing.store(true, SeqCst);
        drop(self.shared.lock());
        self.shared.started.notify_all();
        for thread in self.threads.drain(..) {
            // A helper catches its panics, so that there is nothing to report here.
            let _ = thread.join();
        }
    }
}
