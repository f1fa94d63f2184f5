//! Floors: uneven tones, bedding, walls of an arena, droppings.

use super::canvas::{Canvas, Light, Material};
use super::config::{Species, SynthConfig};
use super::egg::Egg;
use super::geom::{V, add, length, polar, scale, smoothstep, sub, uniform};
use super::shape::Shape;
use super::texture::add_value_noise;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::f32::consts::TAU;

/// An empty scene with a mean tone of about `base`.
pub(super) fn floor(config: &SynthConfig, base: f32, light: Light, rng: &mut ChaCha8Rng) -> Canvas {
    let (width_px, height_px) = (config.width_px, config.height_px);
    let mut canvas = Canvas { width_px, height_px, tones: vec![base; width_px * height_px] };
    let side = width_px.min(height_px) as f32;
    let texture = base.max(0.25) * uniform(rng, 0.4, 1.3);
    for (cell, amplitude) in [(0.33, 0.13), (0.09, 0.08), (0.03, 0.06)] {
        add_value_noise(&mut canvas.tones, width_px, cell * side, amplitude * texture, rng);
    }
    add_value_noise(&mut canvas.tones, width_px, 1.7, 0.05 * texture, rng);
    let bedding = if config.species == Species::Mouse { 0.5 } else { 0.2 };
    if rng.random_bool(bedding) {
        strew(&mut canvas, base, side, light, rng);
    }
    if rng.random_bool(0.4) {
        wall(&mut canvas, side, rng);
    }
    droppings(&mut canvas, base, side, light, rng);
    canvas
}

fn somewhere(canvas: &Canvas, rng: &mut ChaCha8Rng) -> V {
    [uniform(rng, 0.0, canvas.width_px as f32), uniform(rng, 0.0, canvas.height_px as f32)]
}

/// Wood shavings or fibres: many short pale and dark strokes.
fn strew(canvas: &mut Canvas, base: f32, side: f32, light: Light, rng: &mut ChaCha8Rng) {
    let strength = uniform(rng, 0.06, 0.2);
    for _ in 0..rng.random_range(60..260) {
        let center = somewhere(canvas, rng);
        let half = scale(polar(uniform(rng, 0.0, TAU)), side * uniform(rng, 0.006, 0.022));
        let radius = side * uniform(rng, 0.002, 0.005);
        let material = Material { opacity: 0.55, relief: 0.3, ..Material::new(base + uniform(rng, -strength, strength)) };
        let shape = Shape::tube(vec![(sub(center, half), radius), (add(center, half), radius)]);
        canvas.draw(&shape, &material, light, 0);
    }
}

/// The wall of a round arena: beyond it another tone, with a line where it stands.
fn wall(canvas: &mut Canvas, side: f32, rng: &mut ChaCha8Rng) {
    let center = [canvas.width_px as f32 * uniform(rng, 0.25, 0.75), canvas.height_px as f32 * uniform(rng, 0.25, 0.75)];
    let radius = side * uniform(rng, 0.5, 0.95);
    let (beyond, line, soft) = (uniform(rng, 0.55, 1.25), uniform(rng, 0.6, 1.2), side * uniform(rng, 0.004, 0.02));
    for (y, row) in canvas.tones.chunks_exact_mut(canvas.width_px).enumerate() {
        for (x, tone) in row.iter_mut().enumerate() {
            let distance = length(sub([x as f32, y as f32], center)) - radius;
            if distance > -2.0 * soft {
                let rim = 1.0 - smoothstep(0.0, 2.0 * soft, distance.abs());
                *tone *= (1.0 + (beyond - 1.0) * smoothstep(-soft, soft, distance)) * (1.0 + (line - 1.0) * rim);
            }
        }
    }
}

/// Small dark grains that are no animals.
fn droppings(canvas: &mut Canvas, base: f32, side: f32, light: Light, rng: &mut ChaCha8Rng) {
    for _ in 0..rng.random_range(0..7) {
        let half_length = side * uniform(rng, 0.006, 0.016);
        let grain = Egg {
            center: somewhere(canvas, rng),
            axis: polar(uniform(rng, 0.0, TAU)),
            half_length,
            half_width: half_length * uniform(rng, 0.4, 0.9),
            taper: 0.0,
        };
        let material = Material { opacity: 0.85, ..Material::new(base * uniform(rng, 0.3, 1.3)) };
        canvas.draw(&Shape::Egg(grain), &material, light, 0);
    }
}
