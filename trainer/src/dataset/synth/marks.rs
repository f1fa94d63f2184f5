//! Paint marks by which individuals are known, as keepers put them on the backs of real animals.

use super::animal::{Animal, Part};
use super::canvas::Material;
use super::egg::Egg;
use super::geom::{add, polar, scale};
use super::shape::Shape;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Names of the individuals: where they bear marks.
pub(super) const NAMES: [&str; 4] = ["plain", "front", "rear", "both"];

/// Places of the marks ahead of the body's middle, in body lengths; on the fly thorax and abdomen, on the mouse two places of
/// the back. Bit `i` of an individual's number says whether it bears mark `i`.
const PLACES: [f32; 2] = [0.02, -0.28];
/// Radius in body lengths.
const RADIUS: f32 = 0.075;

/// Makes the animals different ones of the first `individuals`, and paints their marks: bright on dark animals, dark on bright
/// ones. `tone` is that of the animals. Without individuals nothing is changed or drawn from `rng`.
pub(super) fn mark(animals: &mut [Animal], individuals: usize, tone: f32, rng: &mut ChaCha8Rng) {
    if individuals == 0 {
        return;
    }
    let mut numbers: Vec<usize> = (0..individuals.min(NAMES.len())).collect();
    numbers.shuffle(rng);
    let material = Material { relief: 0.2, ..Material::new(if tone < 0.5 { 0.97 } else { 0.04 }) };
    for (animal, number) in animals.iter_mut().zip(numbers) {
        animal.identity = Some(number);
        let ahead = polar(animal.heading);
        for (_, &place) in PLACES.iter().enumerate().filter(|(i, _)| number >> i & 1 == 1) {
            let center = add(animal.center, scale(ahead, place * animal.length_px));
            let radius = RADIUS * animal.length_px;
            let spot = Egg { center, axis: ahead, half_length: radius, half_width: radius, taper: 0.0 };
            animal.parts.push(Part { shape: Shape::Egg(spot), material, is_body: false });
        }
    }
}
