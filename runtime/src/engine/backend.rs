//! Names of the engines.

use crate::error::Error;
use core::fmt;
use core::str::FromStr;

/// Which engine runs the networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Backend {
    /// Our own engine on the CPU for networks whose operators it knows, tract for others. Never a GPU: which one there is, and
    /// whether it is faster, is not known beforehand, and adding the feature `wgpu` must not change a program.
    #[default]
    Auto,
    /// Our own engine on the CPU: small and fast, for networks whose operators it knows.
    Cpu,
    /// tract on the CPU: runs any ONNX network.
    Tract,
    /// Our own engine on a GPU, for networks whose operators it knows.
    Wgpu,
    /// Engine wgpu if all of it works here: adapter, memory for the frame size given, self-test. As [`Auto`](Self::Auto) otherwise, and
    /// [`Estimator::fallback`](crate::Estimator::fallback) then says why.
    GpuOrCpu,
}

impl Backend {
    /// Name used on command lines and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Cpu => "cpu",
            Self::Tract => "tract",
            Self::Wgpu => "wgpu",
            Self::GpuOrCpu => "gpu-or-cpu",
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
            "gpu-or-cpu" => Ok(Self::GpuOrCpu),
            _ => Err(Error::InvalidConfig { field: "backend", what: "must be one of auto, cpu, tract, wgpu, gpu-or-cpu" }),
        }
    }
}
