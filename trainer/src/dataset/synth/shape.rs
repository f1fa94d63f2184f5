//! The two solids that animals are made of, as distance functions: rounded tubes and ellipsoids seen from above.

use super::egg::Egg;
use super::geom::{V, add, left_of, scale};
use super::tube::Tube;

/// A solid.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    Tube(Tube),
    Egg(Egg),
}

/// A piece of a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    /// Bit per segment of a tube that can matter here.
    pub active: u64,
    /// Leftmost and rightmost column.
    pub left: f32,
    pub right: f32,
}

/// What a pixel sees of a solid.
#[derive(Debug, Clone, Copy)]
pub(super) struct Local {
    /// Signed distance to the outline in pixels, negative inside.
    pub distance: f32,
    /// 0 at the start to 1 at the end.
    pub along: f32,
    /// -1 to 1 from one side to the other inside.
    pub across: f32,
    /// Outward slope of the surface in the image plane; length 0 on top, 1 at the outline.
    pub slope: V,
}

impl Shape {
    pub fn tube(joints: Vec<(V, f32)>) -> Self {
        Self::Tube(Tube::new(joints))
    }

    /// Left, top, right, bottom in pixels.
    pub fn bounds(&self) -> [f32; 4] {
        let mut bounds = [f32::INFINITY, f32::INFINITY, f32::NEG_INFINITY, f32::NEG_INFINITY];
        let mut grow = |center: V, radius: f32| {
            bounds = [
                bounds[0].min(center[0] - radius),
                bounds[1].min(center[1] - radius),
                bounds[2].max(center[0] + radius),
                bounds[3].max(center[1] + radius),
            ];
        };
        match self {
            Self::Tube(tube) => tube.joints.iter().for_each(|&(p, r)| grow(p, r)),
            Self::Egg(egg) => {
                let wide = egg.half_width * (1.0 + egg.taper.abs());
                let across = left_of(egg.axis);
                for (along, side) in [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)] {
                    let corner = add(scale(egg.axis, along * egg.half_length), scale(across, side * wide));
                    grow(add(egg.center, corner), 0.0);
                }
            }
        }
        bounds
    }

    /// Where the solid can be within `margin` pixels in row `y`; `None` where it cannot. A saving only: it never cuts off
    /// what counts.
    pub fn span(&self, y: f32, margin: f32) -> Option<Span> {
        match self {
            Self::Tube(tube) => tube.span(y, margin),
            Self::Egg(egg) => egg.span(y, margin),
        }
    }

    /// What the pixel at `p` sees, if it is less than `margin` pixels outside of one of the active segments.
    pub fn local(&self, p: V, active: u64, margin: f32) -> Option<Local> {
        match self {
            Self::Tube(tube) => tube.local(p, active, margin),
            Self::Egg(egg) => egg.local(p, margin),
        }
    }

    /// Signed distance of `p` to the outline.
    pub fn distance(&self, p: V) -> f32 {
        self.local(p, u64::MAX, 1e6).map_or(f32::INFINITY, |local| local.distance)
    }
}
