//! What the trainer learns from: an image and where the parts of its animals are.

use super::image::Image;
use super::labels::Video;
use crate::error::Result;
use dormouse::Skeleton;

/// A point in image pixels (x right, y down, pixel centres on integers); NaN when the part is missing or not visible.
pub type Point = [f32; 2];

/// A part that is not there.
pub const MISSING: Point = [f32::NAN, f32::NAN];

/// One labelled animal.
#[derive(Debug, Clone, PartialEq)]
pub struct Animal {
    /// One point per skeleton node, in skeleton order.
    pub points: Vec<Point>,
    /// Which known individual it is: an index into [`SampleSource::identities`]; `None` when nobody said.
    pub identity: Option<usize>,
}

impl Animal {
    /// The same animal in an image enlarged by `factor`.
    pub fn scaled(&self, factor: f32) -> Self {
        Self { points: self.points.iter().map(|p| p.map(|v| v * factor)).collect(), identity: self.identity }
    }

    /// Whether any part is there.
    pub fn has_parts(&self) -> bool {
        self.points.iter().any(|p| p[0].is_finite() && p[1].is_finite())
    }
}

impl From<Vec<Point>> for Animal {
    /// An animal that nobody knows by name.
    fn from(points: Vec<Point>) -> Self {
        Self { points, identity: None }
    }
}

/// One image with its labelled animals.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The image in original resolution.
    pub image: Image,
    /// Animals, in the order of the labels.
    pub animals: Vec<Animal>,
}

/// A finite, indexable collection of samples; the same index always gives the same sample.
pub trait SampleSource: Send + Sync {
    /// Parts and edges of the animals.
    fn skeleton(&self) -> &Skeleton;

    /// Names of the known individuals; [`Animal::identity`] counts in this list. Empty when there are none.
    fn identities(&self) -> &[String] {
        &[]
    }

    /// Number of samples.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sample `index`.
    ///
    /// # Errors
    /// When the image cannot be read or `index` is out of range.
    fn sample(&self, index: usize) -> Result<Sample>;

    /// Video and frame number that sample `index` was taken from; `None` for generated samples.
    fn origin(&self, index: usize) -> Option<(&Video, u64)> {
        let _ = index;
        None
    }

    /// The animals of sample `index`, for counting and measuring without its image. Sources that can, do not touch the image.
    ///
    /// # Errors
    /// As [`Self::sample`].
    fn animals(&self, index: usize) -> Result<Vec<Animal>> {
        Ok(self.sample(index)?.animals)
    }

    /// Median size of the animals in frame pixels (the diagonal of the box around their parts), where their points no longer tell it:
    /// of animals reduced to their centres.
    ///
    /// # Errors
    /// As [`Self::animals`].
    fn animal_px(&self) -> Result<Option<f64>> {
        Ok(None)
    }
}
