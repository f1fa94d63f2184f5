//! `[data]`: where samples come from.

use serde::{Deserialize, Serialize};

/// Sources and split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataConfig {
    /// Training labels: paths of `.slp` files, or generated samples such as `synth:fly`. At least one.
    pub train: Vec<String>,
    /// Validation labels of the same kinds. Default: none, so that a share of `train` is held out.
    pub val: Vec<String>,
    /// Share of the labelled frames held out when `val` is empty, 0 to 0.9. Default 0.1.
    pub validation_fraction: f64,
    /// Share of the labelled frames of `train` kept for a test after training, 0 to 0.9; none of generated samples, which are new for every purpose. Default 0.
    pub test_fraction: f64,
    /// Test labels of the same kinds as `train`. Default: none.
    pub test: Vec<String>,
    /// Numbers of the frames of `train`, from 0 in the order of the labels, that validate; instead of a share. Default: none.
    pub val_indices: Vec<usize>,
    /// Numbers of the frames of `train` that test; instead of a share. Default: none.
    pub test_indices: Vec<usize>,
    /// Whether frames that the labels list without any instance are used: a person looked, and there is no animal. They teach
    /// the network to leave the background alone. Default false.
    pub negatives: bool,
    /// Seed of that split. Default 42.
    pub seed: u64,
    /// Generated samples.
    pub synth: SynthConfig,
}

impl Default for DataConfig {
    fn default() -> Self {
        Self {
            train: Vec::new(),
            val: Vec::new(),
            validation_fraction: 0.1,
            test_fraction: 0.0,
            test: Vec::new(),
            val_indices: Vec::new(),
            test_indices: Vec::new(),
            negatives: false,
            seed: 42,
            synth: SynthConfig::default(),
        }
    }
}

/// Size of generated data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SynthConfig {
    /// Training samples, 1 to 1000000. Default 2000.
    pub samples: usize,
    /// Validation samples, 1 to 1000000. Default 100.
    pub val_samples: usize,
    /// Width in pixels, 32 to 4096. Default 192.
    pub width_px: usize,
    /// Height in pixels, 32 to 4096. Default 192.
    pub height_px: usize,
    /// Fewest animals per image, 0 to 32. Default 1.
    pub min_animals: usize,
    /// Most animals per image, 1 to 32. Default 3.
    pub max_animals: usize,
    /// Seed of the generator. Default 1.
    pub seed: u64,
    /// Body length as a fraction of the image height, 0.03 to 1. Default 0.35.
    pub length_fraction: f32,
    /// Probability that an animal is put beside another one so that they touch or overlap, 0 to 1. Default 0.5.
    pub closeness: f32,
    /// Least distance of a body's middle from the border, in body lengths, 0 to 2; from about 0.8 on whole animals are in view.
    /// Default 0.3.
    pub margin: f32,
    /// Least and largest contrast between animals and floor, 0.1 to 1. Default [0.5, 0.85].
    pub contrast: [f32; 2],
    /// Probability that the animals of a scene are brighter than the floor, 0 to 1. Default 0.2.
    pub bright_on_dark: f32,
    /// Known individuals with paint marks, 0 to 4, each at most once in a scene; 0: nobody is known. Default 0.
    pub individuals: usize,
}

impl Default for SynthConfig {
    fn default() -> Self {
        Self {
            samples: 2000,
            val_samples: 100,
            width_px: 192,
            height_px: 192,
            min_animals: 1,
            max_animals: 3,
            seed: 1,
            length_fraction: 0.35,
            closeness: 0.5,
            margin: 0.3,
            contrast: [0.5, 0.85],
            bright_on_dark: 0.2,
            individuals: 0,
        }
    }
}

impl DataConfig {
    pub(super) fn faults(&self, faults: &mut Vec<String>) {
        let mut check = |ok: bool, what: &str| {
            if !ok {
                faults.push(format!("data.{what}"));
            }
        };
        check(!self.train.is_empty(), "train is empty; name at least one .slp file or `synth:NAME`");
        let named = |list: &[String]| list.iter().all(|s| !s.trim().is_empty() && s != "synth:");
        check(named(&self.train), "train holds an empty name");
        check(named(&self.val), "val holds an empty name");
        check(named(&self.test), "test holds an empty name");
        check((0.0..=0.9).contains(&self.validation_fraction), "validation_fraction must be 0 to 0.9");
        check((0.0..=0.9).contains(&self.test_fraction), "test_fraction must be 0 to 0.9");
        let once = |ways: [bool; 2]| !ways.iter().all(|&way| way);
        check(once([!self.val.is_empty(), !self.val_indices.is_empty()]), "val and val_indices exclude each other");
        let test_ways = [!self.test.is_empty(), !self.test_indices.is_empty(), self.test_fraction > 0.0];
        check(test_ways.iter().filter(|&&way| way).count() <= 1, "test, test_indices and test_fraction exclude each other");
        let common = self.test_indices.iter().find(|i| self.val_indices.contains(i));
        check(common.is_none(), "val_indices and test_indices share a frame");
        let s = &self.synth;
        check((1..=1_000_000).contains(&s.samples), "synth.samples must be 1 to 1000000");
        check((1..=1_000_000).contains(&s.val_samples), "synth.val_samples must be 1 to 1000000");
        check((32..=4096).contains(&s.width_px), "synth.width_px must be 32 to 4096");
        check((32..=4096).contains(&s.height_px), "synth.height_px must be 32 to 4096");
        check(s.min_animals <= 32, "synth.min_animals must be 0 to 32");
        check((1..=32).contains(&s.max_animals), "synth.max_animals must be 1 to 32");
        check((0.03..=1.0).contains(&s.length_fraction), "synth.length_fraction must be 0.03 to 1");
        check(s.individuals <= 4, "synth.individuals must be 0 to 4");
        let enough = s.individuals == 0 || s.individuals >= s.max_animals;
        check(enough, "synth.individuals must be 0, or at least max_animals: each appears at most once in a scene");
        check((0.0..=1.0).contains(&s.bright_on_dark), "synth.bright_on_dark must be 0 to 1");
        check((0.0..=1.0).contains(&s.closeness), "synth.closeness must be 0 to 1");
        let [least, largest] = s.contrast;
        check(least >= 0.1 && least <= largest && largest <= 1.0, "synth.contrast must be [least, largest] within 0.1 to 1");
        check((0.0..=2.0).contains(&s.margin), "synth.margin must be 0 to 2 body lengths");
        check(s.min_animals <= s.max_animals, "synth.min_animals must not exceed max_animals");
    }
}
