//! All passes in their order.

use super::{activation, dead, scale_shift, silu};
use crate::graph::Graph;

impl Graph<'_> {
    /// The same network with fewer nodes: gates joined to SiLU, factors and summands per channel and activations taken into the
    /// convolutions, unused nodes and constants gone. Outputs are the same up to rounding.
    #[must_use]
    pub fn optimized(mut self) -> Self {
        silu::join_silu(&mut self);
        scale_shift::fold_scale_shift(&mut self);
        activation::join_activations(&mut self);
        dead::remove_dead(&mut self);
        self
    }
}
