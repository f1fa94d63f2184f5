//! From tones to pixels: uneven light, a soft lens, and a noisy sensor.

use super::canvas::Canvas;
use super::config::SynthConfig;
use super::geom::{dot, polar, uniform};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use std::f32::consts::TAU;

/// Photographs the canvas: 8-bit gray pixels, row by row.
pub(super) fn photograph(mut canvas: Canvas, config: &SynthConfig, rng: &mut ChaCha8Rng) -> Vec<u8> {
    light_unevenly(&mut canvas, rng);
    let side = uniform(rng, 0.03, 0.2);
    blur(&mut canvas, side);
    let noise = uniform(rng, config.noise.0, config.noise.1);
    expose(&canvas.tones, noise, rng)
}

/// A slope of brightness across the image, and darker corners.
fn light_unevenly(canvas: &mut Canvas, rng: &mut ChaCha8Rng) {
    let (slope, corners) = (uniform(rng, 0.0, 0.28), uniform(rng, 0.0, 0.3));
    let toward = polar(uniform(rng, 0.0, TAU));
    let (half_w, half_h) = (canvas.width_px as f32 / 2.0, canvas.height_px as f32 / 2.0);
    for (y, row) in canvas.tones.chunks_exact_mut(canvas.width_px).enumerate() {
        for (x, tone) in row.iter_mut().enumerate() {
            let at = [(x as f32 - half_w) / half_w, (y as f32 - half_h) / half_h];
            *tone *= 1.0 + slope * dot(at, toward) * 0.7 - corners * dot(at, at) * 0.5;
        }
    }
}

/// Weighted mean with the direct neighbours (`side` each), along rows and then along columns. Borders stay as they are.
fn blur(canvas: &mut Canvas, side: f32) {
    let width_px = canvas.width_px;
    let middle = 1.0 - 2.0 * side;
    for row in canvas.tones.chunks_exact_mut(width_px) {
        let mut before = row[0];
        for x in 1..width_px - 1 {
            let here = row[x];
            row[x] = middle * here + side * (before + row[x + 1]);
            before = here;
        }
    }
    let mut above = canvas.tones[..width_px].to_vec();
    for y in 1..canvas.height_px - 1 {
        let (upper, below) = canvas.tones.split_at_mut((y + 1) * width_px);
        let row = &mut upper[y * width_px..];
        for ((here, before), after) in row.iter_mut().zip(&mut above).zip(&below[..width_px]) {
            let old = *here;
            *here = middle * old + side * (*before + after);
            *before = old;
        }
    }
}

/// Adds noise that grows with brightness as photon noise does, and rounds to 8 bits.
fn expose(tones: &[f32], noise: f32, rng: &mut ChaCha8Rng) -> Vec<u8> {
    // The sum of four random bytes is close to normal; its standard deviation is sqrt(4 (256^2 - 1) / 12).
    const SUM_MEAN: f32 = 510.0;
    const SUM_DEVIATION: f32 = 147.8;
    let mut random = vec![0; tones.len() * 4];
    rng.fill_bytes(&mut random);
    let pixels = tones.iter().zip(random.chunks_exact(4)).map(|(&tone, bytes)| {
        let sum: f32 = bytes.iter().map(|&b| f32::from(b)).sum();
        let normal = (sum - SUM_MEAN) / SUM_DEVIATION;
        let tone = tone.clamp(0.0, 1.0);
        // Casting saturates, so overexposed pixels become white.
        ((tone + noise * (0.3 + 0.7 * tone).sqrt() * normal) * 255.0 + 0.5) as u8
    });
    pixels.collect()
}
