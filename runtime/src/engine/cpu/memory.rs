//! The memory that the steps of a run share.

#![expect(unsafe_code, reason = "workers write disjoint parts of one arena at the same time")]

use core::marker::PhantomData;

/// Maps, padded copies, scratch and outputs of one prepared network, and the image that is being run.
///
/// All positions are checked against the ends of the memory; that two tasks of one step never write the same place, nor one
/// what the other reads, is each step's own promise.
#[derive(Clone, Copy)]
pub(super) struct Memory<'a> {
    arena: *mut f32,
    len: usize,
    image: &'a [f32],
    /// Index of the image in the batch.
    index: usize,
    /// Where scratch begins and how much each worker has.
    scratch: [usize; 2],
    owner: PhantomData<&'a mut [f32]>,
}

// SAFETY: the pointer comes from an exclusive borrow that lives as long as this value; who writes where is governed by `write`.
unsafe impl Send for Memory<'_> {}
// SAFETY: as above.
unsafe impl Sync for Memory<'_> {}

impl<'a> Memory<'a> {
    /// Memory over an arena whose numbers from `scratch[0]` on are the workers' own, `scratch[1]` each.
    pub fn new(arena: &'a mut [f32], image: &'a [f32], index: usize, scratch: [usize; 2]) -> Self {
        Self { arena: arena.as_mut_ptr(), len: arena.len(), image, index, scratch, owner: PhantomData }
    }

    /// The image: channels, height, width.
    pub fn image(&self) -> &'a [f32] {
        self.image
    }

    /// Index of the image in the batch.
    pub fn index(&self) -> usize {
        self.index
    }

    /// `len` numbers at `offset`.
    pub fn at(&self, offset: usize, len: usize) -> *mut f32 {
        assert!(offset <= self.len && len <= self.len - offset, "a step reaches beyond its memory");
        // SAFETY: within the arena by the assertion.
        unsafe { self.arena.add(offset) }
    }

    /// The whole scratch of one worker.
    pub fn scratch(&self, worker: usize, len: usize) -> *mut f32 {
        assert!(len <= self.scratch[1], "a step asks for more scratch than it planned");
        self.at(self.scratch[0] + worker * self.scratch[1], len)
    }

    /// `len` numbers at `offset` to read.
    ///
    /// # Safety
    /// No task writes them as long as the slice lives.
    pub unsafe fn read(&self, offset: usize, len: usize) -> &'a [f32] {
        // SAFETY: inside the arena by the check in `at`; not written meanwhile by this function's condition.
        unsafe { core::slice::from_raw_parts(self.at(offset, len), len) }
    }

    /// `len` numbers at `offset` to write.
    ///
    /// # Safety
    /// No other task reads or writes them as long as the slice lives.
    pub unsafe fn write(&self, offset: usize, len: usize) -> &'a mut [f32] {
        // SAFETY: inside the arena by the check in `at`; exclusive by this function's condition.
        unsafe { core::slice::from_raw_parts_mut(self.at(offset, len), len) }
    }
}
