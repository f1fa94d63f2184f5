//! The word by which helpers find a job and join it.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

const OPEN: u64 = 1;
const HELPER: u64 = 2;
const NUMBER_SHIFT: u32 = 32;
/// What counts helpers.
const HELPERS: u64 = (1 << NUMBER_SHIFT) - HELPER;

/// The number of the latest job (upper half), how many helpers are inside it, and whether more may come in (lowest bit).
///
/// All operations are sequentially consistent: what was written before [`Self::open`] is seen by those who entered, what
/// helpers wrote before they left is seen by the one who finds it empty, and sleepers can be counted without missing any.
#[derive(Debug, Default)]
pub(super) struct Gate(AtomicU64);

impl Gate {
    /// Number of the latest job; 0 before the first one, and again after 2^32.
    pub fn number(&self) -> u32 {
        (self.0.load(SeqCst) >> NUMBER_SHIFT) as u32
    }

    /// Begins the next job. Nobody is inside.
    pub fn open(&self) {
        let number = u64::from(self.number().wrapping_add(1));
        self.0.store(number << NUMBER_SHIFT | OPEN, SeqCst);
    }

    /// Joins job `number`, unless it is closed already. Who joined has to leave.
    pub fn enter(&self, number: u32) -> bool {
        let may = |now: u64| (now >> NUMBER_SHIFT) as u32 == number && now & OPEN != 0;
        self.0.fetch_update(SeqCst, SeqCst, |now| may(now).then_some(now + HELPER)).is_ok()
    }

    /// Leaves the job; whether nobody is inside any more.
    pub fn leave(&self) -> bool {
        self.0.fetch_sub(HELPER, SeqCst) & HELPERS == HELPER
    }

    /// Lets nobody in any more.
    pub fn close(&self) {
        self.0.fetch_and(!OPEN, SeqCst);
    }

    /// Whether no helper is inside.
    pub fn is_empty(&self) -> bool {
        self.0.load(SeqCst) & HELPERS == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_present_job_can_be_joined() {
        let gate = Gate::default();
        assert!(!gate.enter(0) && gate.is_empty());
        gate.open();
        assert!(gate.number() == 1 && gate.enter(1) && gate.enter(1) && !gate.enter(2));
        assert!(!gate.leave() && !gate.is_empty());
        gate.close();
        assert!(!gate.enter(1) && gate.leave() && gate.is_empty());
        gate.open();
        assert!(!gate.enter(1) && gate.enter(2));
    }
}
