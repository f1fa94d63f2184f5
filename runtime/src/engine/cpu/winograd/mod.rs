//! Winograd's method for 3x3 convolutions with stride 1.

mod run;
mod transform;
mod weights;

pub(super) use run::Winograd;
