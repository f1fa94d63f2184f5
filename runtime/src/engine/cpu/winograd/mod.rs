//! Winograd's method for 3x3 convolutions with stride 1.

mod chunk;
mod doubled;
mod run;
mod source;
mod transform;
mod weights;

pub(super) use run::{Filter, Maps, Tile, Winograd};
pub(super) use source::Scale;
