//! Buffers that are used again from step to step.
//!
//! A training step fills hundreds of megabytes of maps of always the same sizes. Fresh memory would first be set to zero by one
//! thread while the others wait, which was measured to take a third of a step.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

/// Buffers of one length that are kept at most; a step needs fewer.
const KEPT: usize = 256;

static FREE: LazyLock<Mutex<HashMap<usize, Vec<Vec<f32>>>>> = LazyLock::new(Mutex::default);

/// A buffer of `len` numbers that hold anything: whoever takes it fills all of it.
pub fn take(len: usize) -> Vec<f32> {
    let kept = FREE.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&len).and_then(Vec::pop);
    kept.unwrap_or_else(|| vec![0.0; len])
}

/// Hands a buffer back for later.
pub fn give(buffer: Vec<f32>) {
    if buffer.is_empty() {
        return;
    }
    let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    let kept = free.entry(buffer.len()).or_default();
    if kept.len() < KEPT {
        kept.push(buffer);
    }
}

/// Forgets all kept buffers: between trainings of networks of other sizes they only hold memory.
pub fn clear() {
    FREE.lock().unwrap_or_else(PoisonError::into_inner).clear();
}
