//! What the drawn scenes contain.

use super::marks::NAMES;
use crate::error::{Error, Result};
use dormouse::Frame;
use serde::{Deserialize, Serialize};

/// Which animal is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Species {
    /// Fly from above: 13 parts (head, eyes, thorax, abdomen tip, wing tips, six feet), 12 edges.
    Fly,
    /// Mouse from above: 13 parts (nose, head, ears, neck, spine, three on the tail, four paws), 12 edges.
    Mouse,
}

/// Settings of the drawn scenes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SynthConfig {
    /// Which animal.
    pub species: Species,
    /// Width of every image, 32 to 4096.
    pub width_px: usize,
    /// Height of every image, 32 to 4096.
    pub height_px: usize,
    /// Fewest and most animals per scene, 0 to 32. A scene that is too crowded for the fewest holds as many as fit.
    pub animals: (usize, usize),
    /// Number of scenes.
    pub count: usize,
    /// Scene `i` depends on this number and on `i` alone.
    pub seed: u64,
    /// Length of a body (mouse: without the tail) as a fraction of the image height, 0.03 to 1.
    pub length_fraction: f32,
    /// Largest relative deviation of an animal's length, 0 to 0.5.
    pub length_variation: f32,
    /// Least and largest contrast between animal and floor, 0.1 to 1.
    pub contrast: (f32, f32),
    /// Probability that animals are brighter than the floor.
    pub bright_on_dark: f32,
    /// Probability that an animal is put beside another one, so that they touch or partly cover each other.
    pub closeness: f32,
    /// Least distance of a body's middle from the border of the image, in body lengths, 0 to 2. At most two fifths of a side are
    /// kept free.
    pub margin: f32,
    /// Known individuals, 0 to 4, told apart by paint marks on their backs; each appears at most once in a scene. 0: nobody is
    /// known. Animals per scene must not exceed it then.
    pub individuals: usize,
    /// Least and largest standard deviation of the camera noise, as a fraction of white, 0 to 0.3.
    pub noise: (f32, f32),
}

impl Default for SynthConfig {
    fn default() -> Self {
        Self {
            species: Species::Fly,
            width_px: 192,
            height_px: 192,
            animals: (1, 3),
            count: 1000,
            seed: 0,
            length_fraction: 0.35,
            length_variation: 0.15,
            contrast: (0.5, 0.85),
            bright_on_dark: 0.2,
            closeness: 0.5,
            margin: 0.3,
            individuals: 0,
            noise: (0.005, 0.025),
        }
    }
}

impl SynthConfig {
    /// Checks all settings.
    ///
    /// # Errors
    /// [`Error::Config`] with every fault.
    pub fn validate(&self) -> Result<()> {
        let sides = 32..=Frame::MAX_SIDE_PX as usize / 4;
        let ordered = |(low, high): (f32, f32), least: f32, most: f32| low >= least && low <= high && high <= most;
        let fraction = 0.0..=1.0;
        let checks = [
            (sides.contains(&self.width_px), "synth.width_px must be 32 to 4096"),
            (sides.contains(&self.height_px), "synth.height_px must be 32 to 4096"),
            (
                self.animals.0 <= self.animals.1 && self.animals.1 <= 32,
                "synth.animals must be two numbers, 0 <= fewest <= most <= 32",
            ),
            (self.individuals <= NAMES.len(), "synth.individuals must be 0 to 4"),
            (
                self.individuals == 0 || self.animals.1 <= self.individuals,
                "synth.animals must not be more than synth.individuals, which appear once each (0 individuals: nobody is known)",
            ),
            ((0.03..=1.0).contains(&self.length_fraction), "synth.length_fraction must be 0.03 to 1"),
            ((0.0..=0.5).contains(&self.length_variation), "synth.length_variation must be 0 to 0.5"),
            (ordered(self.contrast, 0.1, 1.0), "synth.contrast must be two numbers, 0.1 <= least <= largest <= 1"),
            (fraction.contains(&self.bright_on_dark), "synth.bright_on_dark must be 0 to 1"),
            (fraction.contains(&self.closeness), "synth.closeness must be 0 to 1"),
            ((0.0..=2.0).contains(&self.margin), "synth.margin must be 0 to 2 body lengths"),
            (ordered(self.noise, 0.0, 0.3), "synth.noise must be two numbers, 0 <= least <= largest <= 0.3"),
        ];
        let faults: Vec<String> = checks.iter().filter(|(good, _)| !good).map(|(_, fault)| (*fault).to_owned()).collect();
        if faults.is_empty() { Ok(()) } else { Err(Error::Config(faults)) }
    }
}
