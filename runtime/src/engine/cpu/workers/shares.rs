//! Who does which task of a job.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What is left of the tasks that were dealt to one worker: the first (lower half), and the one behind the last. Alone in its
/// cache lines, because its owner takes from it all the time.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Share(AtomicU64);

impl Share {
    /// Takes the first task or the last one.
    fn take(&self, first: bool) -> Option<u32> {
        let task = |now: u64| {
            let (start, end) = (now as u32, (now >> 32) as u32);
            (start < end).then(|| if first { (start, now + 1) } else { (end - 1, now - (1 << 32)) })
        };
        let mut now = self.0.load(Relaxed);
        loop {
            let (task, rest) = task(now)?;
            match self.0.compare_exchange_weak(now, rest, Relaxed, Relaxed) {
                Ok(_) => return Some(task),
                Err(other) => now = other,
            }
        }
    }
}

/// Tasks by worker.
///
/// The order of memory is no concern here: a job is dealt before its gate opens and used up before it is empty.
#[derive(Debug)]
pub(super) struct Shares(Vec<Share>);

impl Shares {
    /// No tasks yet.
    pub fn new(workers: usize) -> Self {
        Self((0..workers).map(|_| Share::default()).collect())
    }

    /// Deals tasks 0 to `tasks` - 1: a run of neighbours to each worker, in order.
    pub fn deal(&self, tasks: u32) {
        let workers = self.0.len() as u64;
        let start = |worker: u64| worker * u64::from(tasks) / workers;
        for (worker, share) in (0..).zip(&self.0) {
            share.0.store(start(worker + 1) << 32 | start(worker), Relaxed);
        }
    }

    /// A task for a worker: the first of its own ones, or the last that another one has. `None` if all are taken.
    pub fn take(&self, worker: usize) -> Option<usize> {
        let own = self.0[worker].take(true);
        let others = (1..self.0.len()).map(|i| &self.0[(worker + i) % self.0.len()]);
        own.or_else(|| others.into_iter().find_map(|share| share.take(false))).map(|task| task as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_tasks_come_first_and_the_others_from_behind() {
        let shares = Shares::new(3);
        shares.deal(8);
        let taken: Vec<usize> = std::iter::from_fn(|| shares.take(1)).collect();
        assert_eq!(taken, [2, 3, 4, 7, 6, 5, 1, 0]);
        shares.deal(1);
        assert_eq!((shares.take(0), shares.take(2)), (Some(0), None));
    }
}
