//! How strongly training samples are varied.

use super::presets;
use crate::error::{Error, Result};
use dormouse::Skeleton;
use serde::{Deserialize, Serialize};

/// The largest side of a frame.
const MAX_CROP_PX: usize = 16384;

/// Ranges are `[least, most]` and drawn uniformly; probabilities are 0 to 1 per sample. The defaults are SLEAP-NN's:
/// rotation by up to 15 degrees and scaling by up to 10 %, nothing else (reference sleap-training.md, section 4.2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AugmentConfig {
    /// Rotation about the image centre in degrees, clockwise on the screen, within -180 to 180; or `"side"` for [-15, 15] (side view,
    /// up stays up) and `"top"` for [-180, 180] (seen from above). Default `"side"`.
    #[serde(deserialize_with = "presets::rotation_deg")]
    pub rotation_deg: [f32; 2],
    /// Factor on all lengths about the image centre, 0.1 to 10; above 1 enlarges.
    pub scale: [f32; 2],
    /// Shift along each axis as a fraction of the image's width or height, within -1 to 1.
    pub translate_fraction: [f32; 2],
    /// Probability of mirroring left and right. Needs a skeleton with symmetries.
    pub flip_horizontal_probability: f32,
    /// Probability of mirroring top and bottom. Needs a skeleton with symmetries.
    pub flip_vertical_probability: f32,
    /// Standard deviation of the noise added to every pixel and channel, as a fraction of white (SLEAP-NN: 0.02), 0 to 1.
    pub noise_deviation: f32,
    /// Probability of adding noise.
    pub noise_probability: f32,
    /// Noise drawn uniformly between these two for every pixel and channel and added, as fractions of white, -1 to 1.
    /// Default [0, 0.04].
    pub uniform_noise: [f32; 2],
    /// Probability of adding uniform noise. Default 0.
    pub uniform_noise_probability: f32,
    /// Contrast factor f: a gray value v becomes (v - 127.5) f + 127.5. 0 to 10.
    pub contrast: [f32; 2],
    /// Probability of changing the contrast.
    pub contrast_probability: f32,
    /// Gamma: v becomes 255 (v / 255)^gamma, above 1 darkens. 0.1 to 10. Default [0.5, 2] (classic SLEAP's intent).
    pub gamma: [f32; 2],
    /// Probability of applying gamma. Default 0.
    pub gamma_probability: f32,
    /// Brightness factor f: v becomes v f. 0 to 10.
    pub brightness: [f32; 2],
    /// Probability of changing the brightness.
    pub brightness_probability: f32,
    /// Probability of erasing a rectangle: something in front of the animal. Default 0.
    pub erase_probability: f32,
    /// Area of that rectangle as a fraction of the image, 0 to 1. Default [0.0001, 0.01].
    pub erase_area: [f32; 2],
    /// Width over height of that rectangle, 0.1 to 10. Default [1, 1].
    pub erase_aspect: [f32; 2],
    /// Width and height in frame pixels of a window at a random place that is trained on instead of the whole frame, 0 to 16384; 0 keeps
    /// that side whole, and so does a value above it. Networks that see crops of animals do not use it. Default [0, 0].
    pub crop_px: [usize; 2],
    /// Whether parts that leave the image become missing, and animals without any part left are removed. Otherwise the parts
    /// keep their place outside, and the tails of their Gaussians reach into the image, as in classic SLEAP.
    pub drop_parts_outside: bool,
}

impl Default for AugmentConfig {
    fn default() -> Self {
        Self {
            rotation_deg: [-15.0, 15.0],
            scale: [0.9, 1.1],
            translate_fraction: [0.0, 0.0],
            flip_horizontal_probability: 0.0,
            flip_vertical_probability: 0.0,
            noise_deviation: 0.02,
            noise_probability: 0.0,
            uniform_noise: [0.0, 0.04],
            uniform_noise_probability: 0.0,
            contrast: [0.9, 1.1],
            contrast_probability: 0.0,
            gamma: [0.5, 2.0],
            gamma_probability: 0.0,
            brightness: [0.9, 1.1],
            brightness_probability: 0.0,
            erase_probability: 0.0,
            erase_area: [1e-4, 0.01],
            erase_aspect: [1.0, 1.0],
            crop_px: [0, 0],
            drop_parts_outside: true,
        }
    }
}

impl AugmentConfig {
    /// No variation at all.
    pub fn none() -> Self {
        Self { rotation_deg: [0.0, 0.0], scale: [1.0, 1.0], ..Self::default() }
    }

    /// For animals seen from above: any direction is as likely as any other.
    pub fn top_view() -> Self {
        Self { rotation_deg: [-180.0, 180.0], ..Self::default() }
    }

    /// For animals seen from the side, where up stays up: the defaults.
    pub fn side_view() -> Self {
        Self::default()
    }

    /// All ranges at fault, as sentences that start with the field's key.
    pub fn faults(&self) -> Vec<String> {
        let within = |[low, high]: [f32; 2], least: f32, most: f32| low >= least && low <= high && high <= most;
        let probability = |p: f32| [p; 2];
        let ranges = [
            ("rotation_deg", self.rotation_deg, -180.0, 180.0),
            ("scale", self.scale, 0.1, 10.0),
            ("translate_fraction", self.translate_fraction, -1.0, 1.0),
            ("contrast", self.contrast, 0.0, 10.0),
            ("brightness", self.brightness, 0.0, 10.0),
            ("gamma", self.gamma, 0.1, 10.0),
            ("noise_deviation", [self.noise_deviation; 2], 0.0, 1.0),
            ("uniform_noise", self.uniform_noise, -1.0, 1.0),
            ("erase_area", self.erase_area, 0.0, 1.0),
            ("erase_aspect", self.erase_aspect, 0.1, 10.0),
            ("flip_horizontal_probability", probability(self.flip_horizontal_probability), 0.0, 1.0),
            ("flip_vertical_probability", probability(self.flip_vertical_probability), 0.0, 1.0),
            ("noise_probability", probability(self.noise_probability), 0.0, 1.0),
            ("uniform_noise_probability", probability(self.uniform_noise_probability), 0.0, 1.0),
            ("contrast_probability", probability(self.contrast_probability), 0.0, 1.0),
            ("gamma_probability", probability(self.gamma_probability), 0.0, 1.0),
            ("brightness_probability", probability(self.brightness_probability), 0.0, 1.0),
            ("erase_probability", probability(self.erase_probability), 0.0, 1.0),
        ];
        let mut faults: Vec<String> = ranges
            .iter()
            .filter(|(_, range, least, most)| !within(*range, *least, *most))
            .map(|(name, range, least, most)| match name.ends_with("probability") || name.ends_with("deviation") {
                true => format!("augment.{name} is {}; it must be {least} to {most}", range[0]),
                false => format!("augment.{name} is {range:?}; it must be [least, most] within {least} to {most}"),
            })
            .collect();
        if self.crop_px.iter().any(|&side| side > MAX_CROP_PX) {
            faults.push(format!("augment.crop_px must be 0 to {MAX_CROP_PX} each; it is {:?}", self.crop_px));
        }
        faults
    }

    /// Checks ranges, and that mirroring is possible.
    ///
    /// # Errors
    /// [`Error::Config`] with every fault.
    pub fn validate(&self, skeleton: &Skeleton) -> Result<()> {
        let mut faults = self.faults();
        let flips = self.flip_horizontal_probability > 0.0 || self.flip_vertical_probability > 0.0;
        if flips && skeleton.symmetries.is_empty() {
            faults.push(format!(
                "augment.flip_*_probability is above 0, but the skeleton \"{}\" has no symmetries: a mirrored animal would have its left \
                 and right parts exchanged. Add symmetries to the skeleton or set the probability to 0",
                skeleton.name
            ));
        }
        if faults.is_empty() { Ok(()) } else { Err(Error::Config(faults)) }
    }
}
