//! The two solids that animals are made of, as distance functions: rounded tubes and ellipsoids seen from above.

use super::geom::{V, add, dot, left_of, length, scale, sub};

/// A chain of segments with a radius at every joint.
#[derive(Debug, Clone)]
pub(super) struct Tube {
    /// Joint and radius in pixels, at least two.
    pub joints: Vec<(V, f32)>,
}

/// An egg lying along `axis`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Egg {
    pub center: V,
    /// Unit vector.
    pub axis: V,
    /// Half the extent along the axis.
    pub half_length: f32,
    /// Half the extent across.
    pub half_width: f32,
    /// How much wider it is at the far end of the axis, -0.9 to 0.9; 0 is an ellipse.
    pub taper: f32,
}

/// A solid.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    Tube(Tube),
    Egg(Egg),
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
        Self::Tube(Tube { joints })
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

    /// Segments of a tube that can matter in row `y` (bit per segment): an exact saving, not an approximation,
    /// as long as only distances up to `margin` count.
    pub fn active(&self, y: f32, margin: f32) -> u64 {
        let Self::Tube(tube) = self else { return 1 };
        let near = |(p, r): &(V, f32)| (p[1] - r - margin, p[1] + r + margin);
        tube.joints.windows(2).enumerate().fold(0, |mask, (i, pair)| {
            let ((low_a, high_a), (low_b, high_b)) = (near(&pair[0]), near(&pair[1]));
            let hit = y >= low_a.min(low_b) && y <= high_a.max(high_b);
            if hit && i < 64 { mask | 1 << i } else { mask }
        })
    }

    /// What the pixel at `p` sees; `None` where no active segment is.
    pub fn local(&self, p: V, active: u64) -> Option<Local> {
        match self {
            Self::Tube(tube) => tube.local(p, active),
            Self::Egg(egg) => Some(egg.local(p)),
        }
    }

    /// Signed distance of `p` to the outline.
    pub fn distance(&self, p: V) -> f32 {
        self.local(p, u64::MAX).map_or(f32::INFINITY, |local| local.distance)
    }
}

impl Tube {
    fn local(&self, p: V, mut active: u64) -> Option<Local> {
        let segments = self.joints.len().saturating_sub(1);
        let mut best: Option<(f32, usize, f32, V, f32)> = None;
        while active != 0 {
            let i = active.trailing_zeros() as usize;
            active &= active - 1;
            let (Some(&(a, ra)), Some(&(b, rb))) = (self.joints.get(i), self.joints.get(i + 1)) else { break };
            let (run, to_p) = (sub(b, a), sub(p, a));
            let t = (dot(to_p, run) / dot(run, run).max(1e-6)).clamp(0.0, 1.0);
            let off = sub(to_p, scale(run, t));
            let radius = ra + t * (rb - ra);
            let distance = length(off) - radius;
            if best.is_none_or(|(d, ..)| distance < d) {
                best = Some((distance, i, t, off, radius));
            }
        }
        best.map(|(distance, i, t, off, radius)| {
            let slope = scale(off, 1.0 / radius.max(0.3));
            let run = sub(self.joints[i + 1].0, self.joints[i].0);
            let side = dot(slope, left_of(run)) / length(run).max(1e-6);
            Local { distance, along: (i as f32 + t) / segments.max(1) as f32, across: side, slope }
        })
    }
}

impl Egg {
    fn local(&self, p: V) -> Local {
        let to_p = sub(p, self.center);
        let side = left_of(self.axis);
        let u = dot(to_p, self.axis) / self.half_length.max(0.1);
        let width = (self.half_width * (1.0 + self.taper * u.clamp(-1.0, 1.0))).max(0.1);
        let v = dot(to_p, side) / width;
        let r = (u * u + v * v).sqrt();
        // First-order distance: how far the level is from 1, over how fast it grows per pixel.
        let growth = ((u / self.half_length.max(0.1)).powi(2) + (v / width).powi(2)).sqrt() / r.max(1e-4);
        let distance = if r < 1e-4 { -width.min(self.half_length) } else { (r - 1.0) / growth };
        let slope = add(scale(self.axis, u), scale(side, v));
        Local { distance, along: (u + 1.0) / 2.0, across: v, slope }
    }
}
