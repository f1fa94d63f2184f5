//! The collection of drawn scenes.

use super::canvas::Light;
use super::config::{Species, SynthConfig};
use super::geom::{polar, scale, uniform};
use super::{camera, floor, fly, mouse, place};
use crate::dataset::image::Image;
use crate::dataset::sample::{Sample, SampleSource};
use crate::error::{Error, Result};
use dormouse::Skeleton;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::f32::consts::TAU;

/// Drawn gray scenes of articulated animals. Scene `i` depends on the configuration and on `i` alone, whatever was drawn
/// before and on which thread.
///
/// A part outside the image, or under the body of another animal, is missing; an animal without any part left is not listed.
#[derive(Debug, Clone)]
pub struct SynthScenes {
    config: SynthConfig,
    skeleton: Skeleton,
}

impl SynthScenes {
    /// Checks the configuration.
    ///
    /// # Errors
    /// [`Error::Config`] with every fault.
    pub fn new(config: SynthConfig) -> Result<Self> {
        config.validate()?;
        let skeleton = match config.species {
            Species::Fly => fly::skeleton(),
            Species::Mouse => mouse::skeleton(),
        };
        Ok(Self { config, skeleton })
    }

    /// The configuration.
    pub fn config(&self) -> &SynthConfig {
        &self.config
    }
}

impl SampleSource for SynthScenes {
    fn skeleton(&self) -> &Skeleton {
        &self.skeleton
    }

    fn len(&self) -> usize {
        self.config.count
    }

    fn sample(&self, index: usize) -> Result<Sample> {
        let config = &self.config;
        if index >= config.count {
            return Err(Error::Data(format!("scene {index} was asked for, but there are only {}", config.count)));
        }
        let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
        rng.set_stream(index as u64);
        let (base, tone) = tones(config, &mut rng);
        let tilt = uniform(&mut rng, 0.3, 0.7);
        let plane = scale(polar(uniform(&mut rng, 0.0, TAU)), tilt);
        let light = Light { plane, above: (1.0 - tilt * tilt).sqrt() };
        let mut canvas = floor::floor(config, base, light, &mut rng);
        let animals = place::animals(config, tone, &mut rng);
        for animal in &animals {
            animal.draw(&mut canvas, light, rng.next_u32());
        }
        let labels = animals.iter().enumerate().map(|(i, animal)| {
            let above = &animals[i + 1..];
            animal.labels(config.width_px, config.height_px, above)
        });
        let labels = labels.filter(|points| points.iter().any(|p| p[0].is_finite())).collect();
        let pixels = camera::photograph(canvas, config, &mut rng);
        Image::new(config.width_px, config.height_px, 1, pixels)
            .map(|image| Sample { image, animals: labels })
            .ok_or_else(|| Error::Data("a drawn scene has impossible sides".to_owned()))
    }
}

/// Tone of the floor and of the animals.
fn tones(config: &SynthConfig, rng: &mut ChaCha8Rng) -> (f32, f32) {
    let contrast = uniform(rng, config.contrast.0, config.contrast.1);
    if rng.random_bool(f64::from(config.bright_on_dark)) {
        let base = uniform(rng, 0.1, 0.28);
        (base, base + contrast * (0.8 - base))
    } else {
        let base = uniform(rng, 0.5, 0.85);
        (base, base * (1.0 - contrast))
    }
}
