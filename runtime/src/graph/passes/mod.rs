//! Rewritings that leave every output as it was, up to rounding.

mod activation;
mod dead;
mod optimize;
mod rewrite;
mod scale_shift;
mod silu;
