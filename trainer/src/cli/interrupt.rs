//! Ctrl-C.

use crate::terminal::tell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag that the first Ctrl-C sets; the second ends the process at once.
pub(super) fn interrupt_flag() -> anyhow::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&flag);
    ctrlc::set_handler(move || {
        if set.swap(true, Ordering::Relaxed) {
            std::process::exit(EXIT_INTERRUPTED.into());
        }
        tell("\nstopping after this step; a checkpoint is written (Ctrl-C again ends at once)");
    })?;
    Ok(flag)
}

/// Exit code of a run that was stopped with Ctrl-C.
pub(super) const EXIT_INTERRUPTED: u8 = 130;
