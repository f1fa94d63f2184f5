//! A part of an image.

use crate::dataset::image::Image;
use crate::dataset::sample::Point;

/// A rectangle of whole pixels inside an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// First column and row.
    pub origin_px: [usize; 2],
    /// Width and height.
    pub size_px: [usize; 2],
}

impl Window {
    /// Its pixels as an image of their own.
    pub fn of(&self, image: &Image) -> Image {
        let ([left, top], [width, height], channels) = (self.origin_px, self.size_px, image.channels());
        let rows = image.pixels().chunks_exact(image.width_px() * channels).skip(top).take(height);
        let pixels = rows.flat_map(|row| &row[left * channels..(left + width) * channels]).copied().collect();
        // A window of an image is one, whatever its origin.
        Image::new(width, height, channels, pixels).unwrap_or_else(|| image.clone())
    }

    /// Where a point of the image lies in the window; NaN stays NaN.
    pub fn point(&self, point: Point) -> Point {
        [0, 1].map(|axis| point[axis] - self.origin_px[axis] as f32)
    }
}
