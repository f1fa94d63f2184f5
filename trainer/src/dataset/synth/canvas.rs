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
    /// Pixels that `shape` moved by `offset` can touch, with `margin` pixels more on every side.
    fn window(&self, shape: &Shape, offset: V, margin: f32) -> [usize; 4] {
        let [left, top, right, bottom] = shape.bounds();
        // Casts saturate, so solids far outside give empty windows.
        let first = |low: f32, shift: f32| (low + shift - margin).max(0.0) as usize;
        let end = |high: f32, shift: f32, side: usize| (((high + shift + margin).ceil() + 1.0).max(0.0) as usize).min(side);
        let (x_end, y_end) = (end(right, offset[0], self.width_px), end(bottom, offset[1], self.height_px));
        [first(left, offset[0]), first(top, offset[1]), x_end, y_end]
    }

    fn visit(&mut self, shape: &Shape, offset: V, margin: f32, mut paint: impl FnMut(&mut f32, Local)) {
        let [x0, y0, x1, y1] = self.window(shape, offset, margin);
        for y in y0..y1 {
            let row_y = y as f32 - offset[1];
            let active = shape.active(row_y, margin);
            if active == 0 || x0 >= x1 {
                continue;
            }
            let start = y * self.width_px;
            for (x, tone) in (x0..x1).zip(&mut self.tones[start + x0..start + x1]) {
                if let Some(local) = shape.local([x as f32 - offset[0], row_y], active)
                    && local.distance < margin
                {
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
            let wave = (local.along * self.bands.0 + 0.05 * local.across * local.across).fract();
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
