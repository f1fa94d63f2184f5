//! Changes of gray values, in SLEAP-NN's order: noise, contrast, brightness (reference sleap-training.md, section 4.2), with classic
//! SLEAP's gamma behind the contrast.

use rand::{Rng, RngExt};
use std::f32::consts::TAU;

/// What one sample gets; `None` leaves it as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Intensity {
    /// Least and most of what is added uniformly, in gray levels of 255.
    pub uniform: Option<[f32; 2]>,
    /// Standard deviation in gray levels of 255.
    pub noise: Option<f32>,
    /// (v - 127.5) f + 127.5
    pub contrast: Option<f32>,
    /// 255 (v / 255)^gamma
    pub gamma: Option<f32>,
    /// v f
    pub brightness: Option<f32>,
}

impl Intensity {
    /// Applies all of them; values are clipped to 0..255 after each step and rounded once at the end.
    pub fn apply<R: Rng + ?Sized>(&self, pixels: &mut [u8], rng: &mut R) {
        if self.uniform.is_none() && self.noise.is_none() {
            let table: [u8; 256] = std::array::from_fn(|v| self.graded(v as f32));
            pixels.iter_mut().for_each(|pixel| *pixel = table[usize::from(*pixel)]);
            return;
        }
        for pair in pixels.chunks_mut(2) {
            let normals = self.noise.map_or([0.0; 2], |deviation| normal_pair(rng).map(|normal| deviation * normal));
            for (pixel, normal) in pair.iter_mut().zip(normals) {
                let mut value = f32::from(*pixel);
                if let Some([low, high]) = self.uniform {
                    value = (value + low + (high - low) * rng.random::<f32>()).clamp(0.0, 255.0);
                }
                *pixel = self.graded((value + normal).clamp(0.0, 255.0));
            }
        }
    }

    fn graded(&self, mut value: f32) -> u8 {
        if let Some(factor) = self.contrast {
            value = ((value - 127.5) * factor + 127.5).clamp(0.0, 255.0);
        }
        if let Some(gamma) = self.gamma {
            value = 255.0 * (value / 255.0).powf(gamma);
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
            Intensity { contrast, brightness, ..Intensity::default() }.apply(&mut pixels, rng);
            pixels
        };
        // (60 - 127.5) 1.5 + 127.5 = 26.25; (128 - 127.5) 1.5 + 127.5 = 128.25; (200 - 127.5) 1.5 + 127.5 = 236.25
        assert_eq!(change(Some(1.5), None, &mut rng), [0, 26, 128, 236, 255]);
        assert_eq!(change(None, Some(0.5), &mut rng), [0, 30, 64, 100, 128]);
        assert_eq!(change(Some(1.5), Some(2.0), &mut rng), [0, 53, 255, 255, 255]);
    }

    #[test]
    fn gamma_darkens_above_1_and_keeps_black_and_white() {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        for (gamma, expected) in [(2.0, [0, 16, 64, 255]), (0.5, [0, 127, 180, 255])] {
            let mut pixels = [0, 63, 127, 255];
            Intensity { gamma: Some(gamma), ..Intensity::default() }.apply(&mut pixels, &mut rng);
            // 255 (63 / 255)^2 = 15.56, 255 (127 / 255)^2 = 63.25; 255 (63 / 255)^0.5 = 126.75, 255 (127 / 255)^0.5 = 179.96
            assert!(pixels.iter().zip(expected).all(|(p, e): (&u8, i32)| (i32::from(*p) - e).abs() <= 1), "{pixels:?}");
        }
    }

    #[test]
    fn uniform_noise_fills_its_range() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut pixels = vec![100; 40_000];
        Intensity { uniform: Some([-4.0, 10.0]), ..Intensity::default() }.apply(&mut pixels, &mut rng);
        let mean = pixels.iter().map(|&v| f64::from(v)).sum::<f64>() / 40_000.0;
        assert_eq!((pixels.iter().min(), pixels.iter().max()), (Some(&96), Some(&110)));
        // Variance of a uniform distribution 14 wide is 196 / 12 = 16.3, the mean's deviation 0.02.
        assert!((mean - 103.0).abs() < 0.1, "{mean}");
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
