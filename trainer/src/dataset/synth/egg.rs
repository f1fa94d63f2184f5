//! Ellipses that may be wider at one end: heads, wings, ears.

use super::geom::{V, add, dot, left_of, scale, sub};
use super::shape::{Local, Span};

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

impl Egg {
    /// See [`super::shape::Shape::span`].
    pub fn span(&self, y: f32, margin: f32) -> Option<Span> {
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

    /// See [`super::shape::Shape::local`].
    pub fn local(&self, p: V, margin: f32) -> Option<Local> {
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
