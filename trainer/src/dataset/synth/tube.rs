//! Rounded tubes: legs, tails and bent bodies.

use super::geom::{V, dot, left_of, scale, sub};
use super::shape::{Local, Span};

/// A chain of segments with a radius at every joint.
#[derive(Debug, Clone)]
pub(super) struct Tube {
    /// Joint and radius in pixels, at least two.
    pub joints: Vec<(V, f32)>,
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

impl Tube {
    pub fn new(joints: Vec<(V, f32)>) -> Self {
        let segments = joints.windows(2).map(|pair| Segment::new(pair[0], pair[1])).collect();
        Self { joints, segments }
    }

    /// See [`super::shape::Shape::span`].
    pub fn span(&self, y: f32, margin: f32) -> Option<Span> {
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

    /// See [`super::shape::Shape::local`].
    pub fn local(&self, p: V, mut active: u64, margin: f32) -> Option<Local> {
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
