//! Random surfaces: smooth value noise over an image, and a hash noise that needs no table.

use super::geom::uniform;
use rand_chacha::ChaCha8Rng;

/// Adds value noise with the given cell size and amplitude: random values on a lattice, smoothly interpolated.
pub(super) fn add_value_noise(tones: &mut [f32], width_px: usize, cell_px: f32, amplitude: f32, rng: &mut ChaCha8Rng) {
    let height_px = tones.len() / width_px.max(1);
    let cell = cell_px.max(1.0);
    let columns = (width_px as f32 / cell) as usize + 2;
    let rows = (height_px as f32 / cell) as usize + 2;
    let lattice: Vec<f32> = (0..columns * rows).map(|_| uniform(rng, -amplitude, amplitude)).collect();
    let split = |i: usize| {
        let at = i as f32 / cell;
        let t = at.fract();
        (at as usize, t * t * (3.0 - 2.0 * t))
    };
    let across: Vec<(usize, f32)> = (0..width_px).map(split).collect();
    let mut line = vec![0.0; columns];
    for (y, row) in tones.chunks_exact_mut(width_px.max(1)).enumerate() {
        let (j, t) = split(y);
        let (upper, lower) = (&lattice[j * columns..][..columns], &lattice[(j + 1) * columns..][..columns]);
        for ((out, a), b) in line.iter_mut().zip(upper).zip(lower) {
            *out = a + t * (b - a);
        }
        for (tone, &(i, s)) in row.iter_mut().zip(&across) {
            *tone += line[i] + s * (line[i + 1] - line[i]);
        }
    }
}

/// Noise in -1..1 at a point of a surface, the same for the same point: bilinear between hashed lattice points.
pub(super) fn surface_noise(x: f32, y: f32, salt: u32) -> f32 {
    // Casts are much quicker than `floor` where the processor has no instruction for it.
    let floor = |v: f32| v as i32 - i32::from(v < 0.0);
    let (i, j) = (floor(x), floor(y));
    let (s, t) = (x - i as f32, y - j as f32);
    let corner = |di: i32, dj: i32| hash(i + di, j + dj, salt);
    let upper = corner(0, 0) + s * (corner(1, 0) - corner(0, 0));
    let lower = corner(0, 1) + s * (corner(1, 1) - corner(0, 1));
    upper + t * (lower - upper)
}

fn hash(i: i32, j: i32, salt: u32) -> f32 {
    let mut h = (i as u32).wrapping_mul(0x9E37_79B1) ^ (j as u32).wrapping_mul(0x85EB_CA77) ^ salt.wrapping_mul(0xC2B2_AE3D);
    h = (h ^ (h >> 15)).wrapping_mul(0x2C1B_3C6D);
    h = (h ^ (h >> 12)).wrapping_mul(0x297A_2D39);
    (h ^ (h >> 15)) as f32 / (u32::MAX / 2) as f32 - 1.0
}
