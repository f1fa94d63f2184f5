//! A gray canvas in floating point on which solids are painted with shading and smooth outlines.

use super::geom::{V, dot, smoothstep};
use super::shape::{Local, Shape};
use super::texture::surface_noise;

/// Gray tones, 0 black to 1 white, row by row.
#[derive(Debug, Clone)]
pub(super) struct Canvas {
    pub width_px: usize,
    pub height_px: usize,
    pub tones: Vec<f32>,
}

/// How a solid looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Material {
    /// Tone under full light.
    pub tone: f32,
    /// 1 hides what is below.
    pub opacity: f32,
    /// 0 flat to 1 strongly rounded by light and shade.
    pub relief: f32,
    /// Strength of the highlight.
    pub gloss: f32,
    /// Darker bands across: how many and how much darker (0 to 1).
    pub bands: (f32, f32),
    /// Streaks along (fur): strength.
    pub streaks: f32,
    /// Additional opacity at the rim (membranes).
    pub rim: f32,
}

impl Material {
    pub const fn new(tone: f32) -> Self {
        Self { tone, opacity: 1.0, relief: 0.6, gloss: 0.0, bands: (0.0, 0.0), streaks: 0.0, rim: 0.0 }
    }
}

/// Direction towards the light, in the image plane and above it; unit length.
#[derive(Debug, Clone, Copy)]
pub(super) struct Light {
    pub plane: V,
    pub above: f32,
}

impl Canvas {
    /// Calls `paint` for every pixel at most `margin` pixels outside of `shape` moved by `offset`.
    fn visit(&mut self, shape: &Shape, offset: V, margin: f32, mut paint: impl FnMut(&mut f32, Local)) {
        let [_, top, _, bottom] = shape.bounds();
        // Casts saturate, so solids far outside give empty ranges.
        let first = |low: f32| (low - margin).max(0.0) as usize;
        let end = |high: f32, side: usize| ((high + margin + 2.0).max(0.0) as usize).min(side);
        for y in first(top + offset[1])..end(bottom + offset[1], self.height_px) {
            let row_y = y as f32 - offset[1];
            let Some(span) = shape.span(row_y, margin) else { continue };
            let x_end = end(span.right + offset[0], self.width_px);
            let x_first = first(span.left + offset[0]).min(x_end);
            let start = y * self.width_px;
            for (x, tone) in (x_first..x_end).zip(&mut self.tones[start + x_first..start + x_end]) {
                if let Some(local) = shape.local([x as f32 - offset[0], row_y], span.active, margin) {
                    paint(tone, local);
                }
            }
        }
    }

    /// Paints a solid; the outline covers a pixel in proportion to the pixel's distance from it.
    pub fn draw(&mut self, shape: &Shape, material: &Material, light: Light, salt: u32) {
        self.visit(shape, [0.0, 0.0], 0.5, |tone, local| {
            let coverage = (0.5 - local.distance).clamp(0.0, 1.0);
            let steep = dot(local.slope, local.slope).min(1.0);
            let alpha = (material.opacity + material.rim * steep * steep).min(1.0) * coverage;
            *tone += alpha * (material.seen(&local, steep, light, salt) - *tone);
        });
    }

    /// Darkens the floor around a solid as a soft shadow does.
    pub fn shade(&mut self, shape: &Shape, offset: V, soft_px: f32, strength: f32) {
        self.visit(shape, offset, soft_px, |tone, local| {
            *tone *= 1.0 - strength * (1.0 - smoothstep(-soft_px, soft_px, local.distance));
        });
    }
}

impl Material {
    /// Tone of a pixel: bands and streaks of the surface, then light (Lambert) and highlight (Blinn's half vector).
    fn seen(&self, local: &Local, steep: f32, light: Light, salt: u32) -> f32 {
        let mut tone = self.tone;
        if self.bands.1 > 0.0 {
            let wave = local.along.max(0.0) * self.bands.0 + 0.05 * local.across * local.across;
            let wave = wave - (wave as i32) as f32;
            tone *= 1.0 - self.bands.1 * smoothstep(0.45, 0.62, wave) * (1.0 - smoothstep(0.88, 1.0, wave));
        }
        if self.streaks > 0.0 {
            tone *= 1.0
                + self.streaks
                    * (surface_noise(local.along * 21.0, local.across * 9.0, salt)
                        + 0.6 * surface_noise(local.along * 60.0, local.across * 17.0, salt));
        }
        let up = (1.0 - steep).sqrt();
        let facing = dot(local.slope, light.plane) + up * light.above;
        let toward_eye = (2.0 * (1.0 + light.above)).sqrt();
        let mirror = ((dot(local.slope, light.plane) + up * (light.above + 1.0)) / toward_eye).clamp(0.0, 1.0);
        tone * (1.0 - self.relief * 0.55 + self.relief * 0.75 * facing.max(0.0)) + self.gloss * mirror.powi(24)
    }
}
