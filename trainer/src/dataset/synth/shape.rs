//! The two solids that animals are made of, as distance functions: rounded tubes and ellipsoids seen from above.

use super::geom::{V, add, dot, left_of, scale, sub};

/// A chain of segments with a radius at every joint.
#[derive(Debug, Clone)]
pub(super) struct Tube {
    /// Joint and radius in pixels, at least two.
    joints: Vec<(V, f32)>,
    segments: Vec<Segment>,
}

/// The piece between two joints, with what every pixel needs of it.
#[derive(Debug, Clone, Copy)]
struct Segment {
    start: V,
    run: V,
    per_squared_length: f32,
    radius: f32,
    widening: f32,
    /// Columns of its joints, in order, and the larger radius.
    left: f32,
    right: f32,
    thickest: f32,
}

impl Segment {
    fn new((a, ra): (V, f32), (b, rb): (V, f32)) -> Self {
        let run = sub(b, a);
        Self {
            start: a,
            run,
            per_squared_length: 1.0 / dot(run, run).max(1e-6),
            radius: ra,
            widening: rb - ra,
            left: a[0].min(b[0]),
            right: a[0].max(b[0]),
            thickest: ra.max(rb),
        }
    }
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
        let segments = joints.windows(2).map(|pair| Segment::new(pair[0], pair[1])).collect();
        Self::Tube(Tube { joints, segments })
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

impl Tube {
    fn span(&self, y: f32, margin: f32) -> Option<Span> {
        let mut span = Span { active: 0, left: f32::INFINITY, right: f32::NEG_INFINITY };
        for (i, pair) in self.joints.windows(2).enumerate().take(64) {
            let (a, b) = (pair[0].0, pair[1].0);
            let reach = pair[0].1.max(pair[1].1) + margin;
            let rise = b[1] - a[1];
            // The piece of the segment that is at most `reach` rows away.
            let (from, to) = if rise.abs() < 1e-3 {
                (0.0, 1.0)
            } else {
                let (s, t) = ((y - reach - a[1]) / rise, (y + reach - a[1]) / rise);
                (s.min(t).max(0.0), s.max(t).min(1.0))
            };
            if from > to || y < a[1].min(b[1]) - reach || y > a[1].max(b[1]) + reach {
                continue;
            }
            let (x0, x1) = (a[0] + from * (b[0] - a[0]), a[0] + to * (b[0] - a[0]));
            span.active |= 1 << i;
            span.left = span.left.min(x0.min(x1) - reach);
            span.right = span.right.max(x0.max(x1) + reach);
        }
        (span.active != 0).then_some(span)
    }

    fn local(&self, p: V, mut active: u64, margin: f32) -> Option<Local> {
        // The outline belongs to the segment whose surface is nearest, the place along the tube to the nearest middle line.
        let mut surface: Option<(f32, usize, V, f32)> = None;
        let mut middle = (f32::INFINITY, 0.0);
        while active != 0 {
            let i = active.trailing_zeros() as usize;
            active &= active - 1;
            let Some(segment) = self.segments.get(i) else { break };
            let reach = segment.thickest + margin;
            if p[0] < segment.left - reach || p[0] > segment.right + reach {
                continue;
            }
            let to_p = sub(p, segment.start);
            let t = (dot(to_p, segment.run) * segment.per_squared_length).clamp(0.0, 1.0);
            let off = sub(to_p, scale(segment.run, t));
            let radius = segment.radius + t * segment.widening;
            let squared = dot(off, off);
            if squared >= (radius + margin) * (radius + margin) {
                continue;
            }
            if squared < middle.0 {
                middle = (squared, i as f32 + t);
            }
            let distance = squared.sqrt() - radius;
            if surface.is_none_or(|(d, ..)| distance < d) {
                surface = Some((distance, i, off, radius));
            }
        }
        surface.map(|(distance, i, off, radius)| {
            let slope = scale(off, 1.0 / radius.max(0.3));
            let segment = &self.segments[i];
            let across = dot(slope, left_of(segment.run)) * segment.per_squared_length.sqrt();
            Local { distance, along: middle.1 / self.segments.len() as f32, across, slope }
        })
    }
}

impl Egg {
    fn span(&self, y: f32, margin: f32) -> Option<Span> {
        // An ellipse that is surely larger than everything within the margin.
        let slack = 2.0 * margin + 1.0;
        let (a, b) = (self.half_length + slack, self.half_width * (1.0 + self.taper.abs()) + slack);
        let [cos, sin] = self.axis;
        let row = y - self.center[1];
        // Points (x, row) with (u / a)^2 + (v / b)^2 = 1, a quadratic in x.
        let (aa, bb) = (a * a, b * b);
        let square = cos * cos / aa + sin * sin / bb;
        let linear = row * cos * sin * (1.0 / aa - 1.0 / bb);
        let rest = row * row * (sin * sin / aa + cos * cos / bb) - 1.0;
        let discriminant = linear * linear - square * rest;
        (discriminant > 0.0).then(|| {
            let (middle, half) = (self.center[0] - linear / square, discriminant.sqrt() / square);
            Span { active: 1, left: middle - half, right: middle + half }
        })
    }

    fn local(&self, p: V, margin: f32) -> Option<Local> {
        let to_p = sub(p, self.center);
        let side = left_of(self.axis);
        let long = self.half_length.max(0.1);
        let u = dot(to_p, self.axis) / long;
        let width = (self.half_width * (1.0 + self.taper * u.clamp(-1.0, 1.0))).max(0.1);
        let v = dot(to_p, side) / width;
        let r = (u * u + v * v).sqrt();
        // First-order distance: how far the level is from 1, over how fast it grows per pixel.
        let growth = ((u / long) * (u / long) + (v / width) * (v / width)).sqrt() / r.max(1e-4);
        let distance = if r < 1e-4 { -width.min(long) } else { (r - 1.0) / growth };
        let slope = add(scale(self.axis, u), scale(side, v));
        (distance < margin).then_some(Local { distance, along: (u + 1.0) / 2.0, across: v, slope })
    }
}
