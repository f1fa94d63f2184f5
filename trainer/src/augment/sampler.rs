//! Draws a variation and applies it to a sample.

use super::config::AugmentConfig;
use super::erase::erase;
use super::flip::swap_sides;
use super::intensity::Intensity;
use super::warp::Warp;
use super::window::Window;
use crate::dataset::sample::{Animal, MISSING, Point, Sample};
use crate::error::Result;
use dormouse::Skeleton;
use rand::{Rng, RngExt};

/// A checked augmentation for one skeleton.
#[derive(Debug, Clone, PartialEq)]
pub struct Augment {
    config: AugmentConfig,
    mirrored: Vec<usize>,
}

impl Augment {
    /// Checks the settings against the skeleton.
    ///
    /// # Errors
    /// [`crate::Error::Config`] with every fault, among them mirroring without symmetries.
    pub fn new(config: AugmentConfig, skeleton: &Skeleton) -> Result<Self> {
        config.validate(skeleton)?;
        Ok(Self { config, mirrored: skeleton.mirrored_nodes() })
    }

    /// The settings.
    pub fn config(&self) -> &AugmentConfig {
        &self.config
    }

    /// A random variation of `sample`: gray values first, then one warp, then erasing and a window. The same generator state gives
    /// the same result.
    pub fn apply<R: Rng + ?Sized>(&self, sample: &Sample, rng: &mut R) -> Sample {
        let config = &self.config;
        let mut intensity = self.intensity(rng);
        let mirror = [chance(rng, config.flip_horizontal_probability), chance(rng, config.flip_vertical_probability)];
        let size_px = [sample.image.width_px(), sample.image.height_px()];
        let rotation_rad = f64::from(between(rng, config.rotation_deg)).to_radians();
        let scale = f64::from(between(rng, config.scale));
        let shift_px = size_px.map(|side| f64::from(between(rng, config.translate_fraction)) * side as f64);
        let warp = Warp::new(size_px, rotation_rad, scale, shift_px, mirror);
        intensity.gamma = chance(rng, config.gamma_probability).then(|| between(rng, config.gamma));
        intensity.uniform = chance(rng, config.uniform_noise_probability).then(|| config.uniform_noise.map(|v| v * 255.0));
        let mut image = if intensity == Intensity::default() {
            warp.image(&sample.image)
        } else {
            let mut image = sample.image.clone();
            intensity.apply(image.pixels_mut(), rng);
            warp.image(&image)
        };
        if chance(rng, config.erase_probability) {
            let (area, aspect) = (between(rng, config.erase_area), between(rng, config.erase_aspect));
            erase(&mut image, area, aspect, rng);
        }
        let window = self.window(size_px, rng);
        if window.size_px != size_px {
            image = window.of(&image);
        }
        // Two mirrors are a half turn, which keeps left and right apart.
        let swaps_sides = mirror[0] != mirror[1];
        let animals = sample.animals.iter().map(|animal| self.moved(&self.in_view(animal, size_px), &warp, swaps_sides, &window));
        let keep = |animal: &Animal| !config.drop_parts_outside || animal.has_parts();
        Sample { image, animals: animals.filter(keep).collect() }
    }

    fn intensity<R: Rng + ?Sized>(&self, rng: &mut R) -> Intensity {
        let config = &self.config;
        Intensity {
            noise: chance(rng, config.noise_probability).then_some(config.noise_deviation * 255.0).filter(|&d| d > 0.0),
            contrast: chance(rng, config.contrast_probability).then(|| between(rng, config.contrast)),
            brightness: chance(rng, config.brightness_probability).then(|| between(rng, config.brightness)),
            ..Intensity::default()
        }
    }

    /// The part of an image that is kept: all of it, or a window at a random whole pixel.
    fn window<R: Rng + ?Sized>(&self, image_px: [usize; 2], rng: &mut R) -> Window {
        let mut window = Window { origin_px: [0; 2], size_px: image_px };
        for (axis, &wanted) in self.config.crop_px.iter().enumerate() {
            if wanted > 0 && wanted < image_px[axis] {
                window.size_px[axis] = wanted;
                window.origin_px[axis] = rng.random_range(0..=image_px[axis] - wanted);
            }
        }
        window
    }

    /// The animal without the parts that lie outside of the image it was labelled in: turned or shrunk into view, they would be sought in
    /// the black around it.
    fn in_view(&self, animal: &Animal, size_px: [usize; 2]) -> Animal {
        let seen = |&p: &Point| if self.config.drop_parts_outside && !in_image(p, size_px) { MISSING } else { p };
        Animal { points: animal.points.iter().map(seen).collect(), identity: animal.identity }
    }

    fn moved(&self, animal: &Animal, warp: &Warp, swaps_sides: bool, window: &Window) -> Animal {
        let mut points: Vec<Point> = animal.points.iter().map(|&p| window.point(warp.point(p))).collect();
        if swaps_sides {
            swap_sides(&mut points, &self.mirrored);
        }
        for point in &mut points {
            // A part with one NaN coordinate is missing altogether.
            if is_missing(*point) || (self.config.drop_parts_outside && !in_image(*point, window.size_px)) {
                *point = MISSING;
            }
        }
        Animal { points, identity: animal.identity }
    }
}

fn is_missing(point: Point) -> bool {
    !(point[0].is_finite() && point[1].is_finite())
}

/// Whether the point lies on one of the pixels, each reaching half a pixel around its centre.
fn in_image(point: Point, size_px: [usize; 2]) -> bool {
    (0..2).all(|i| point[i] >= -0.5 && point[i] <= size_px[i] as f32 - 0.5)
}

fn chance<R: Rng + ?Sized>(rng: &mut R, probability: f32) -> bool {
    rng.random::<f32>() < probability
}

fn between<R: Rng + ?Sized>(rng: &mut R, [low, high]: [f32; 2]) -> f32 {
    low + (high - low) * rng.random::<f32>()
}

#[cfg(test)]
mod tests;
