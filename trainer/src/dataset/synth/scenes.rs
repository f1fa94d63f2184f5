//! The collection of drawn scenes.

use super::animal::Animal as Posed;
use super::canvas::{Canvas, Light};
use super::config::{Species, SynthConfig};
use super::geom::{polar, scale, uniform};
use super::{camera, floor, fly, marks, mouse, place};
use crate::dataset::image::Image;
use crate::dataset::sample::{Animal, Sample, SampleSource};
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
    names: Vec<String>,
}

/// A scene before it is painted.
struct Stage {
    rng: ChaCha8Rng,
    light: Light,
    floor: Canvas,
    /// From the lowest to the topmost.
    animals: Vec<Posed>,
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
        let names = marks::NAMES[..config.individuals].iter().map(|&name| name.into()).collect();
        Ok(Self { config, skeleton, names })
    }

    /// The configuration.
    pub fn config(&self) -> &SynthConfig {
        &self.config
    }

    fn stage(&self, index: usize) -> Result<Stage> {
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
        let floor = floor::floor(config, base, light, &mut rng);
        let mut animals = place::animals(config, tone, &mut rng);
        marks::mark(&mut animals, config.individuals, tone, &mut rng);
        Ok(Stage { rng, light, floor, animals })
    }

    fn labels(&self, animals: &[Posed]) -> Vec<Animal> {
        let label = |(i, animal): (usize, &Posed)| {
            let points = animal.labels(self.config.width_px, self.config.height_px, &animals[i + 1..]);
            Animal { points, identity: animal.identity }
        };
        animals.iter().enumerate().map(label).filter(Animal::has_parts).collect()
    }
}

impl SampleSource for SynthScenes {
    fn skeleton(&self) -> &Skeleton {
        &self.skeleton
    }

    fn identities(&self) -> &[String] {
        &self.names
    }

    fn len(&self) -> usize {
        self.config.count
    }

    fn animals(&self, index: usize) -> Result<Vec<Animal>> {
        Ok(self.labels(&self.stage(index)?.animals))
    }

    fn sample(&self, index: usize) -> Result<Sample> {
        let config = &self.config;
        let Stage { mut rng, light, floor: mut canvas, animals } = self.stage(index)?;
        for animal in &animals {
            animal.draw(&mut canvas, light, rng.next_u32());
        }
        let labels = self.labels(&animals);
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
