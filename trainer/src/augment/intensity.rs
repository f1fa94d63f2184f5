//! Changes of gray values, in SLEAP-NN's order: noise, contrast, brightness (reference sleap-training.md, section 4.2).

use rand::{Rng, RngExt};
use std::f32::consts::TAU;

/// What one sample gets; `None` leaves it as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Intensity {
    /// Standard deviation in gray levels of 255.
    pub noise: Option<f32>,
    /// (v - 127.5) f + 127.5
    pub contrast: Option<f32>,
    /// v f
    pub brightness: Option<f32>,
}

impl Intensity {
    /// Applies all three; values are clipped to 0..255 after each step and rounded once at the end.
    pub fn apply<R: Rng + ?Sized>(&self, pixels: &mut [u8], rng: &mut R) {
        if let Some(deviation) = self.noise {
            for pair in pixels.chunks_mut(2) {
                for (pixel, normal) in pair.iter_mut().zip(normal_pair(rng)) {
                    *pixel = self.graded((f32::from(*pixel) + deviation * normal).clamp(0.0, 255.0));
                }
            }
        } else if self.contrast.is_some() || self.brightness.is_some() {
            let table: [u8; 256] = std::array::from_fn(|v| self.graded(v as f32));
            pixels.iter_mut().for_each(|pixel| *pixel = table[usize::from(*pixel)]);
        }
    }

    fn graded(&self, mut value: f32) -> u8 {
        if let Some(factor) = self.contrast {
            value = ((value - 127.5) * factor + 127.5).clamp(0.0, 255.0);
        }
        if let Some(factor) = self.brightness {
            value = (value * factor).clamp(0.0, 255.0);
        }
        (value + 0.5) as u8
    }
}

/// Two independent standard normal numbers (Box and Muller).
fn normal_pair<R: Rng + ?Sized>(rng: &mut R) -> [f32; 2] {
    let radius = (-2.0 * (1.0 - rng.random::<f32>()).ln()).sqrt();
    let (sin, cos) = (TAU * rng.random::<f32>()).sin_cos();
    [radius * cos, radius * sin]
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn contrast_and_brightness_follow_the_formulas() {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let change = |contrast, brightness, rng: &mut ChaCha8Rng| {
            let mut pixels = [0, 60, 128, 200, 255];
            Intensity { noise: None, contrast, brightness }.apply(&mut pixels, rng);
            pixels
        };
        // (60 - 127.5) 1.5 + 127.5 = 26.25; (128 - 127.5) 1.5 + 127.5 = 128.25; (200 - 127.5) 1.5 + 127.5 = 236.25
        assert_eq!(change(Some(1.5), None, &mut rng), [0, 26, 128, 236, 255]);
        assert_eq!(change(None, Some(0.5), &mut rng), [0, 30, 64, 100, 128]);
        assert_eq!(change(Some(1.5), Some(2.0), &mut rng), [0, 53, 255, 255, 255]);
    }

    #[test]
    fn noise_has_the_asked_deviation() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut pixels = vec![128; 40_000];
        Intensity { noise: Some(5.0), ..Intensity::default() }.apply(&mut pixels, &mut rng);
        let mean = pixels.iter().map(|&v| f64::from(v)).sum::<f64>() / 40_000.0;
        let variance = pixels.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / 40_000.0;
        // Rounding adds 1/12 to the variance.
        assert!((mean - 128.0).abs() < 0.1 && (variance - 25.083).abs() < 0.7, "{mean} {variance}");
    }
}
