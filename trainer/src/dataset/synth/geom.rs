//! Plane vectors and the animal's own frame.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Pixels; x right, y down.
pub(super) type V = [f32; 2];

pub(super) fn add(a: V, b: V) -> V {
    [a[0] + b[0], a[1] + b[1]]
}

pub(super) fn sub(a: V, b: V) -> V {
    [a[0] - b[0], a[1] - b[1]]
}

pub(super) fn scale(a: V, k: f32) -> V {
    [a[0] * k, a[1] * k]
}

pub(super) fn dot(a: V, b: V) -> f32 {
    a[0] * b[0] + a[1] * b[1]
}

pub(super) fn length(a: V) -> f32 {
    dot(a, a).sqrt()
}

/// Unit vector; angle in radians from +x towards +y, so clockwise on the screen.
pub(super) fn polar(angle: f32) -> V {
    let (sin, cos) = angle.sin_cos();
    [cos, sin]
}

/// The left hand of an animal that looks along `forward` and is seen from above (y down).
pub(super) fn left_of(forward: V) -> V {
    [forward[1], -forward[0]]
}

/// 0 below `from`, 1 above `to`, smooth between.
pub(super) fn smoothstep(from: f32, to: f32, x: f32) -> f32 {
    let t = ((x - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// Uniform in `[low, high]`; `low` when the range is empty.
pub(super) fn uniform(rng: &mut ChaCha8Rng, low: f32, high: f32) -> f32 {
    low + (high - low).max(0.0) * rng.random::<f32>()
}

/// Symmetric around 0 and more often small than large (triangular), at most `extent` away.
pub(super) fn around_zero(rng: &mut ChaCha8Rng, extent: f32) -> f32 {
    extent * (rng.random::<f32>() - rng.random::<f32>())
}

/// Where an animal is: origin, direction of view, and pixels per body length.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame2 {
    pub origin: V,
    pub heading: f32,
    pub unit_px: f32,
}

impl Frame2 {
    /// The point `forward` body lengths ahead and `left` body lengths to the left.
    pub fn at(&self, forward: f32, left: f32) -> V {
        let ahead = polar(self.heading);
        let side = left_of(ahead);
        add(self.origin, scale(add(scale(ahead, forward), scale(side, left)), self.unit_px))
    }

    /// Direction `angle` radians away from straight ahead; positive turns to the animal's left, mirrored for `side` -1.
    pub fn direction(&self, angle: f32, side: f32) -> V {
        polar(self.heading - angle * side)
    }
}
