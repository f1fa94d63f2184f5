//! How strongly training samples are varied.

use crate::error::{Error, Result};
use dormouse::Skeleton;
use serde::{Deserialize, Serialize};

/// Ranges are `[least, most]` and drawn uniformly; probabilities are 0 to 1 per sample. The defaults are SLEAP-NN's:
/// rotation by up to 15 degrees and scaling by up to 10 %, nothing else (reference sleap-training.md, section 4.2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AugmentConfig {
    /// Rotation about the image centre in degrees, clockwise on the screen, within -180 to 180.
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
    /// Contrast factor f: a gray value v becomes (v - 127.5) f + 127.5. 0 to 10.
    pub contrast: [f32; 2],
    /// Probability of changing the contrast.
    pub contrast_probability: f32,
    /// Brightness factor f: v becomes v f. 0 to 10.
    pub brightness: [f32; 2],
    /// Probability of changing the brightness.
    pub brightness_probability: f32,
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
            contrast: [0.9, 1.1],
            contrast_probability: 0.0,
            brightness: [0.9, 1.1],
            brightness_probability: 0.0,
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

    /// Checks ranges, and that mirroring is possible.
    ///
    /// # Errors
    /// [`Error::Config`] with every fault.
    pub fn validate(&self, skeleton: &Skeleton) -> Result<()> {
        let within = |[low, high]: [f32; 2], least: f32, most: f32| low >= least && low <= high && high <= most;
        let ranges = [
            ("rotation_deg", self.rotation_deg, -180.0, 180.0),
            ("scale", self.scale, 0.1, 10.0),
            ("translate_fraction", self.translate_fraction, -1.0, 1.0),
            ("contrast", self.contrast, 0.0, 10.0),
            ("brightness", self.brightness, 0.0, 10.0),
            ("noise_deviation", [self.noise_deviation; 2], 0.0, 1.0),
            ("flip_horizontal_probability", [self.flip_horizontal_probability; 2], 0.0, 1.0),
            ("flip_vertical_probability", [self.flip_vertical_probability; 2], 0.0, 1.0),
            ("noise_probability", [self.noise_probability; 2], 0.0, 1.0),
            ("contrast_probability", [self.contrast_probability; 2], 0.0, 1.0),
            ("brightness_probability", [self.brightness_probability; 2], 0.0, 1.0),
        ];
        let mut faults: Vec<String> = ranges
            .iter()
            .filter(|(_, range, least, most)| !within(*range, *least, *most))
            .map(|(name, range, least, most)| {
                format!("augment.{name} must lie within {least} to {most}, in order; it is {range:?}")
            })
            .collect();
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
