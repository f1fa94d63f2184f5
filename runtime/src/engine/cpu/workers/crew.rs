//! One or more workers, the caller's thread among them.

#[cfg(feature = "std")]
use super::pool::Pool;

/// What the workers do: task, then worker.
pub(super) type Work<'a> = dyn Fn(usize, usize) + Sync + 'a;

/// One or more workers; the caller's thread is worker 0.
pub(in crate::engine::cpu) struct Workers {
    #[cfg(feature = "std")]
    pool: Option<Pool>,
}

impl Workers {
    /// `count` workers, at least 1. Without the feature `std` there is only the caller.
    ///
    /// Threads that the system refuses are done without.
    pub fn new(count: usize) -> Self {
        #[cfg(feature = "std")]
        return Self { pool: (count > 1).then(|| Pool::new(count - 1)) };
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

    /// Runs all tasks and returns when all are done. Each worker begins with a run of neighbouring tasks, the same one for the
    /// same number of tasks, so that what a step wrote is read by the core that wrote it; who is done helps the others.
    ///
    /// # Panics
    /// If a task panics.
    pub fn run(&mut self, tasks: usize, work: &Work<'_>) {
        #[cfg(feature = "std")]
        if let (Some(pool), 2.., Ok(tasks)) = (&mut self.pool, tasks, u32::try_from(tasks)) {
            return pool.run(tasks, work);
        }
        for task in 0..tasks {
            work(task, 0);
        }
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

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

    /// Many short jobs, some after a pause in which the helpers fall asleep: none is lost, and each sees what the one before wrote.
    #[test]
    fn jobs_follow_one_another() {
        let mut workers = Workers::new(3);
        let cells: Vec<AtomicUsize> = (0..16).map(|_| AtomicUsize::new(0)).collect();
        for job in 0..3000 {
            if job % 1000 == 999 {
                std::thread::sleep(Duration::from_millis(2));
            }
            workers.run(cells.len(), &|task, _| {
                // Neighbours may be done with this job or not, but all are done with the one before.
                assert!(cells[(task + 5) % cells.len()].load(Ordering::Relaxed) >= job);
                cells[task].fetch_add(1, Ordering::Relaxed);
            });
        }
        assert!(cells.iter().all(|n| n.load(Ordering::Relaxed) == 3000));
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_pool_survives() {
        let mut workers = Workers::new(3);
        let failing = || workers.run(9, &|task, _| assert!(task != 5, "expected in this test"));
        assert!(catch_unwind(AssertUnwindSafe(failing)).is_err());
        let count = AtomicUsize::new(0);
        workers.run(9, &|_, _| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(count.into_inner(), 9);
    }
}
