//! Convolutions as sums over taps: any kernel, stride, dilation and number of groups, and transposed ones.

mod depthwise;
mod field;
mod pad;
mod phase;
mod run;

pub(super) use depthwise::{Depthwise, Taps};
pub(super) use field::Field;
pub(super) use pad::{PadFrom, PadInto};
pub(super) use phase::{Phase, conv_phase, transposed_phases};
pub(super) use run::{Direct, Layout, Weights};
