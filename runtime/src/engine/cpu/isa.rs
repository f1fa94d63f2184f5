//! Which vector instructions the kernels use, found once and recorded.

use super::vector::{Kernel, Portable};
use core::fmt;

/// A set of vector instructions that this machine has: whoever holds a value holds the proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Isa(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "aarch64")]
    Neon,
}

impl Isa {
    /// Plain Rust, on every machine.
    pub const PORTABLE: Self = Self(Kind::Portable);

    /// AVX2 with fused multiply-add, where the machine has both.
    pub fn avx2() -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        if has_avx2() {
            return Some(Self(Kind::Avx2));
        }
        None
    }

    /// AVX-512 (foundation), where the machine has it.
    pub fn avx512() -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        if has_avx512() {
            return Some(Self(Kind::Avx512));
        }
        None
    }

    /// NEON, which every aarch64 machine that runs Rust programs with floating point has.
    pub fn neon() -> Option<Self> {
        #[cfg(target_arch = "aarch64")]
        if cfg!(target_feature = "neon") {
            return Some(Self(Kind::Neon));
        }
        None
    }

    /// The widest that this machine has. Without the feature `std`: the widest that the program was compiled for.
    pub fn best() -> Self {
        Self::avx512().or_else(Self::avx2).or_else(Self::neon).unwrap_or(Self::PORTABLE)
    }

    /// All that this machine has, narrowest first.
    pub fn all() -> impl Iterator<Item = Self> {
        [Some(Self::PORTABLE), Self::neon(), Self::avx2(), Self::avx512()].into_iter().flatten()
    }

    /// Name for reports and command lines.
    pub const fn name(self) -> &'static str {
        match self.0 {
            Kind::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => "avx512",
            #[cfg(target_arch = "aarch64")]
            Kind::Neon => "neon",
        }
    }

    /// Numbers per vector, which is also the number of channels in a block of a map.
    pub const fn lanes(self) -> usize {
        match self.0 {
            Kind::Portable => 8,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => 8,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => 16,
            #[cfg(target_arch = "aarch64")]
            Kind::Neon => 8,
        }
    }

    /// Runs a kernel with these instructions.
    ///
    /// # Safety
    /// What the kernel itself asks for.
    #[expect(unsafe_code, reason = "the one place where vector instructions are entered")]
    pub(super) unsafe fn run<K: Kernel>(self, kernel: K) {
        // SAFETY: the caller upholds the kernel's own conditions; a value of this type proves that the instructions are there.
        unsafe {
            match self.0 {
                Kind::Portable => kernel.run::<Portable>(),
                #[cfg(target_arch = "x86_64")]
                Kind::Avx2 => super::vector::run_avx2(kernel),
                #[cfg(target_arch = "x86_64")]
                Kind::Avx512 => super::vector::run_avx512(kernel),
                #[cfg(target_arch = "aarch64")]
                Kind::Neon => super::vector::run_neon(kernel),
            }
        }
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(all(target_arch = "x86_64", feature = "std"))]
fn has_avx2() -> bool {
    std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma")
}

#[cfg(all(target_arch = "x86_64", not(feature = "std")))]
fn has_avx2() -> bool {
    cfg!(all(target_feature = "avx2", target_feature = "fma"))
}

#[cfg(all(target_arch = "x86_64", feature = "std"))]
fn has_avx512() -> bool {
    has_avx2() && std::arch::is_x86_feature_detected!("avx512f")
}

#[cfg(all(target_arch = "x86_64", not(feature = "std")))]
fn has_avx512() -> bool {
    cfg!(target_feature = "avx512f") && has_avx2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_is_the_last_of_all() {
        assert_eq!(Isa::all().last(), Some(Isa::best()));
        assert_eq!(Isa::all().next(), Some(Isa::PORTABLE));
    }
}
