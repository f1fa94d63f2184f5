//! Puts animals into the picture so that they meet, touch and partly cover each other, but never coincide.

use super::animal::Animal;
use super::config::{Species, SynthConfig};
use super::geom::{V, add, length, polar, scale, sub, uniform};
use super::{fly, mouse};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::f32::consts::TAU;

/// Largest share of a body that may be covered by, or cover, another body.
const MOST_OVERLAP: f32 = 0.3;
/// Least distance between the middles of two bodies, in lengths of the shorter one.
const LEAST_DISTANCE: f32 = 0.35;
/// Attempts per animal before a scene counts as full.
const ATTEMPTS: usize = 60;

/// Animals of a scene, from the lowest to the topmost.
pub(super) fn animals(config: &SynthConfig, tone: f32, rng: &mut ChaCha8Rng) -> Vec<Animal> {
    let wanted = rng.random_range(config.animals.0..=config.animals.1);
    let mut placed: Vec<Animal> = Vec::with_capacity(wanted);
    while placed.len() < wanted {
        let found = (0..ATTEMPTS).find_map(|_| {
            let candidate = candidate(config, tone, &placed, rng);
            placed.iter().all(|other| compatible(&candidate, other)).then_some(candidate)
        });
        let Some(animal) = found else { break };
        placed.push(animal);
    }
    placed
}

fn candidate(config: &SynthConfig, tone: f32, placed: &[Animal], rng: &mut ChaCha8Rng) -> Animal {
    let variation = config.length_variation;
    let length_px = config.height_px as f32 * config.length_fraction * uniform(rng, 1.0 - variation, 1.0 + variation);
    let center = center(config, length_px, placed, rng);
    let tone = (tone * uniform(rng, 0.85, 1.15)).clamp(0.03, 0.95);
    let heading = uniform(rng, 0.0, TAU);
    match config.species {
        Species::Fly => fly::pose(center, heading, length_px, tone, rng),
        Species::Mouse => mouse::pose(center, heading, length_px, tone, rng),
    }
}

/// Beside an animal that is already there, or anywhere; always inside the image, though limbs may leave it.
fn center(config: &SynthConfig, length_px: f32, placed: &[Animal], rng: &mut ChaCha8Rng) -> V {
    let sides = [config.width_px as f32, config.height_px as f32];
    let margins = sides.map(|side| (config.margin * length_px).min(side * 0.4));
    let anywhere = [0, 1].map(|i| uniform(rng, margins[i], sides[i] - 1.0 - margins[i]));
    if placed.is_empty() || !rng.random_bool(f64::from(config.closeness)) {
        return anywhere;
    }
    let neighbour = &placed[rng.random_range(0..placed.len())];
    let away = uniform(rng, 0.35, 1.05) * length_px;
    let beside = add(neighbour.center, scale(polar(uniform(rng, 0.0, TAU)), away));
    let inside = (0..2).all(|i| beside[i] >= margins[i] && beside[i] <= sides[i] - 1.0 - margins[i]);
    if inside { beside } else { anywhere }
}

fn compatible(a: &Animal, b: &Animal) -> bool {
    length(sub(a.center, b.center)) >= LEAST_DISTANCE * a.length_px.min(b.length_px)
        && a.overlap(b) <= MOST_OVERLAP
        && b.overlap(a) <= MOST_OVERLAP
}
