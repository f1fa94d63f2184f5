//! From lanes to planes: how an output of the network leaves the engine.

#![expect(unsafe_code, reason = "pointers of a leaf kernel")]
#![expect(unsafe_op_in_unsafe_fn, reason = "the function has one proof, under its Safety heading")]

use crate::engine::cpu::vector::{Kernel, Vector};

/// Neighbouring places of all channels.
pub(super) struct Spread {
    /// The first place of the first block, and numbers from one block to the next.
    pub from: (*const f32, usize),
    /// The first place in the first plane, and numbers from one plane to the next.
    pub to: (*mut f32, usize),
    pub channels: usize,
    pub places: usize,
}

impl Kernel for Spread {
    /// All places are readable in blocks and writable in planes.
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let (block, plane) = (self.from.1, self.to.1);
        for first in (0..self.channels).step_by(V::LANES) {
            let (from, to) = (self.from.0.add(first / V::LANES * block), self.to.0.add(first * plane));
            let lanes = (self.channels - first).min(V::LANES);
            let whole = self.places - self.places % V::LANES;
            for place in (0..whole).step_by(V::LANES) {
                V::transpose(from.add(place * V::LANES), to.add(place), plane, lanes);
            }
            for place in whole..self.places {
                for lane in 0..lanes {
                    *to.add(lane * plane + place) = *from.add(place * V::LANES + lane);
                }
            }
        }
    }
}
