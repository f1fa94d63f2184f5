//! A posed animal: solids to paint, parts to learn, and the body that hides what lies below.

use super::canvas::{Canvas, Light, Material};
use super::geom::V;
use super::shape::Shape;
use crate::dataset::sample::{MISSING, Point};

/// A painted solid.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub shape: Shape,
    pub material: Material,
    /// Whether it belongs to the opaque body that hides other animals.
    pub is_body: bool,
}

/// A posed animal, in pixels.
#[derive(Debug, Clone)]
pub(super) struct Animal {
    /// From the lowest to the topmost.
    pub parts: Vec<Part>,
    /// One per skeleton node.
    pub points: Vec<V>,
    /// Points spread over the body, to measure how much of it another animal covers.
    pub body_samples: Vec<V>,
    /// Middle of the body.
    pub center: V,
    /// Direction of view there.
    pub heading: f32,
    /// Which known individual it is.
    pub identity: Option<usize>,
    /// Length of the body.
    pub length_px: f32,
}

impl Animal {
    /// Whether the body covers `p` by more than half a pixel.
    pub fn covers(&self, p: V) -> bool {
        self.parts.iter().any(|part| part.is_body && part.shape.distance(p) < -0.5)
    }

    /// Share of this animal's body that lies under or over `other`'s body, 0 to 1.
    pub fn overlap(&self, other: &Self) -> f32 {
        let covered = self.body_samples.iter().filter(|&&p| other.covers(p)).count();
        covered as f32 / self.body_samples.len().max(1) as f32
    }

    /// Paints the shadow on the floor and then the animal.
    pub fn draw(&self, canvas: &mut Canvas, light: Light, salt: u32) {
        let reach = self.length_px * 0.045;
        let offset = [-light.plane[0] * reach, -light.plane[1] * reach];
        for part in self.parts.iter().filter(|part| part.is_body) {
            canvas.shade(&part.shape, offset, reach.max(1.0) * 1.6, 0.22);
        }
        for part in &self.parts {
            canvas.draw(&part.shape, &part.material, light, salt);
        }
    }

    /// The parts as labels: missing when outside the image area or under the body of one of `above`.
    pub fn labels(&self, width_px: usize, height_px: usize, above: &[Self]) -> Vec<Point> {
        let visible = |p: V| {
            let in_image = p[0] >= -0.5 && p[1] >= -0.5 && p[0] < width_px as f32 - 0.5 && p[1] < height_px as f32 - 0.5;
            in_image && !above.iter().any(|other| other.covers(p))
        };
        self.points.iter().map(|&p| if visible(p) { p } else { MISSING }).collect()
    }
}
