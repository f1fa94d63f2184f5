//! Names of the engines.

use crate::error::Error;
use core::fmt;
use core::str::FromStr;

/// Which engine runs the networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Backend {
    /// In builds with the feature `wgpu` engine wgpu, if all of it works here: a GPU (a software adapter only where
    /// [`Options::allow_software`](crate::Options::allow_software) is set), its memory for the frame size given, the self-test. Otherwise,
    /// and in all other builds, our own engine on the CPU for networks whose operators it knows, tract for others.
    /// [`Estimator::fallback`](crate::Estimator::fallback) says why it is no GPU.
    ///
    /// A GPU rounds in its own way: where results must be bitwise the same on every machine, name [`Cpu`](Self::Cpu).
    #[default]
    Auto,
    /// Our own engine on the CPU: small and fast, for networks whose operators it knows.
    Cpu,
    /// tract on the CPU: runs any ONNX network.
    Tract,
    /// Our own engine on a GPU, for networks whose operators it knows.
    Wgpu,
}

impl Backend {
    /// Name used on command lines and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Cpu => "cpu",
            Self::Tract => "tract",
            Self::Wgpu => "wgpu",
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Backend {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "tract" => Ok(Self::Tract),
            "wgpu" => Ok(Self::Wgpu),
            _ => Err(Error::InvalidConfig { field: "backend", what: "must be one of auto, cpu, tract, wgpu" }),
        }
    }
}
