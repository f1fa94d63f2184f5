//! In how many bits numbers are kept.

use core::fmt;

/// In how many bits engine wgpu keeps maps and weights in a GPU's memory. Sums have 32 always, and so have images, biases, and the maps that
/// are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Precision {
    /// 32 bits.
    #[default]
    Single,
    /// 16 bits (IEEE 754 binary16: 11 significant bits, up to 65 504): half the memory and half the bytes that a frame moves, and poses that
    /// are a little off.
    Half,
}

impl Precision {
    /// Name used in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Half => "half",
        }
    }

    /// Bytes of a number.
    pub const fn number_bytes(self) -> usize {
        match self {
            Self::Single => 4,
            Self::Half => 2,
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
