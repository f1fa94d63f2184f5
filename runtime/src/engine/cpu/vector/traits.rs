//! The few operations that all kernels are written in.

#![expect(unsafe_code, reason = "vector instructions and pointers of the kernels")]

/// One vector of f32. It exists only so that each algorithm of this folder is written once.
///
/// # Safety
/// All methods may be called only where the instructions of the implementing type are available; pointers must be valid for
/// [`Self::LANES`] numbers and need no alignment.
pub trait Vector: Copy {
    /// Numbers in one vector.
    const LANES: usize;
    /// Vectors that are in registers at the same time.
    const REGISTERS: usize;
    /// Rows of the largest register tile that is one block wide: accumulators, one weight and one input must fit the registers.
    const ROWS_1: usize;
    /// Rows of the largest register tile that is two blocks wide.
    const ROWS_2: usize;

    /// Reads a vector.
    unsafe fn load(from: *const f32) -> Self;
    /// Writes a vector.
    unsafe fn store(self, to: *mut f32);
    /// The same number in all lanes.
    unsafe fn splat(number: f32) -> Self;
    /// `self + b`.
    unsafe fn add(self, b: Self) -> Self;
    /// `self - b`.
    unsafe fn sub(self, b: Self) -> Self;
    /// `self * b`.
    unsafe fn mul(self, b: Self) -> Self;
    /// `self / b`.
    unsafe fn div(self, b: Self) -> Self;
    /// `self * b + c`, rounded once where the machine can.
    unsafe fn mul_add(self, b: Self, c: Self) -> Self;
    /// The larger; `b` where one is NaN.
    unsafe fn max(self, b: Self) -> Self;
    /// The smaller; `b` where one is NaN.
    unsafe fn min(self, b: Self) -> Self;
    /// Nearest whole number, halves to even; for magnitudes below 2^22.
    unsafe fn round(self) -> Self;
    /// `2^self` for whole numbers from -126 to 127.
    unsafe fn exp2(self) -> Self;

    /// The first `rows` numbers of each of [`Self::LANES`] vectors, which stand one behind the other at `from`, as so many rows
    /// at `to`, `row` numbers apart: from lanes to planes.
    #[inline(always)]
    unsafe fn transpose(from: *const f32, to: *mut f32, row: usize, rows: usize) {
        for lane in 0..rows {
            for vector in 0..Self::LANES {
                // SAFETY: the trait's own conditions.
                unsafe { *to.add(lane * row + vector) = *from.add(vector * Self::LANES + lane) };
            }
        }
    }
}

/// A piece of work that is compiled once per set of instructions.
///
/// `run` must be marked `#[inline(always)]` all the way down to the vector operations: only what is inlined into the entry
/// of a set is compiled with its instructions.
pub trait Kernel {
    /// Does the work.
    ///
    /// # Safety
    /// The instructions of `V` are available, and whatever the kernel says about its pointers holds.
    unsafe fn run<V: Vector>(self);
}
