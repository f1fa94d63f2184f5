//! A global allocator that counts what one thread asks for, for tests that promise little or no memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// What a piece of work asked of the heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HeapUse {
    /// Number of requests.
    pub requests: usize,
    /// Largest single request in bytes.
    pub largest: usize,
    /// Sum of all requests in bytes.
    pub total: usize,
    /// Most bytes that were held at the same time, beside what was there before.
    pub peak: usize,
    /// Bytes that are held at the end beside what was there before; negative where more was freed.
    pub held: isize,
}

thread_local! {
    static USED: Cell<HeapUse> = const { Cell::new(HeapUse { requests: 0, largest: 0, total: 0, peak: 0, held: 0 }) };
    static MOST: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// The system's allocator, counting per thread. Install it with `#[global_allocator]` in a test file.
pub struct CountingHeap;

/// Runs `work` and returns what this thread asked of [`CountingHeap`] meanwhile.
pub fn heap_use<T>(work: impl FnOnce() -> T) -> (T, HeapUse) {
    USED.set(HeapUse::default());
    let result = work();
    (result, USED.get())
}

/// Runs `work` on a machine that refuses this thread's requests for more than `most_bytes` at a time.
pub fn with_little_memory<T>(most_bytes: usize, work: impl FnOnce() -> T) -> T {
    MOST.set(most_bytes);
    let result = work();
    MOST.set(usize::MAX);
    result
}

fn is_refused(size: usize) -> bool {
    MOST.try_with(|most| size > most.get()).unwrap_or(false)
}

fn count(size: usize) {
    // During the end of a thread the counter may be gone already; nothing is measured then.
    let _ = USED.try_with(|used| {
        let u = used.get();
        let (requests, total) = (u.requests + 1, u.total.saturating_add(size));
        let held = u.held.saturating_add_unsigned(size);
        let peak = u.peak.max(usize::try_from(held).unwrap_or(0));
        used.set(HeapUse { requests, largest: u.largest.max(size), total, peak, held });
    });
}

fn count_freed(size: usize) {
    let _ = USED.try_with(|used| {
        let u = used.get();
        used.set(HeapUse { held: u.held.saturating_sub_unsigned(size), ..u });
    });
}

// SAFETY: every call is passed on unchanged to the system's allocator, which upholds the contract, or refused with a null pointer as
// the contract allows; counting does not allocate.
#[expect(unsafe_code, reason = "a global allocator cannot be written without it")]
unsafe impl GlobalAlloc for CountingHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_refused(layout.size()) {
            return std::ptr::null_mut();
        }
        count(layout.size());
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count_freed(layout.size());
        // SAFETY: `pointer` came from `System` with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if is_refused(new_size) {
            return std::ptr::null_mut();
        }
        count(new_size);
        count_freed(layout.size());
        // SAFETY: `pointer` came from `System` with this layout; the promise about `new_size` is passed on.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}
