//! What the trainer learns from: an image and where the parts of its animals are.

use super::image::Image;
use crate::error::Result;
use dormouse::Skeleton;

/// A point in image pixels (x right, y down, pixel centres on integers); NaN when the part is missing or not visible.
pub type Point = [f32; 2];

/// A part that is not there.
pub const MISSING: Point = [f32::NAN, f32::NAN];

/// One image with its labelled animals; every animal has one point per skeleton node.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The image in original resolution.
    pub image: Image,
    /// Animals; parts in skeleton order.
    pub animals: Vec<Vec<Point>>,
}

/// A finite, indexable collection of samples; the same index always gives the same sample.
pub trait SampleSource: Send + Sync {
    /// Parts and edges of the animals.
    fn skeleton(&self) -> &Skeleton;

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
}
