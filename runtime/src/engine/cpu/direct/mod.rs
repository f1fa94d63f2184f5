//! Convolutions as sums over taps: any kernel, stride, dilation and number of groups, and transposed ones.

mod depthwise;
mod field;
mod pad;
mod part;
mod phase;
mod run;
mod separable;
mod spread;
mod sums;
mod taps;

pub(super) use field::Field;
pub(super) use pad::{PadFrom, PadInto};
pub(super) use part::Weights;
pub(super) use phase::{Phase, conv_phase, transposed_phases};
pub(super) use run::{Direct, Layout};
pub(super) use separable::{Mix, Separable};
pub(super) use taps::Taps;
