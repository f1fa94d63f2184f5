//! Mixed precision: maps in bfloat16, weights and moments in f32.

use crate::device::is_cpu;
use burn::tensor::{Device, FloatDType};
use serde::{Deserialize, Serialize};

/// Numbers that a training step computes in.
///
/// With [`Self::Mixed`] the maps of the forward and of the backward pass are bfloat16, which has the range of f32, so that losses need no
/// scaling; weights, their gradients, the optimiser's moments, losses and the validation stay f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floats throughout.
    #[default]
    F32,
    /// bfloat16 where the device computes in it.
    Mixed,
}

impl Precision {
    /// The type of the maps on a device. The gradients written by hand for the CPU are f32 ones.
    pub fn of_maps(self, device: &Device) -> FloatDType {
        let has_mixed = self == Self::Mixed && !is_cpu(device) && device.supports_dtype(FloatDType::BF16);
        if has_mixed { FloatDType::BF16 } else { FloatDType::F32 }
    }

    /// What to tell the person when the device cannot do what was asked for.
    pub fn remark(self, device: &Device) -> Option<&'static str> {
        if self == Self::F32 || self.of_maps(device) == FloatDType::BF16 {
            return None;
        }
        Some(match is_cpu(device) {
            true => "note: train.precision is mixed, but on the CPU training steps are computed in f32",
            false => "note: train.precision is mixed, but this device has no arithmetic in bfloat16: f32 is used",
        })
    }
}
