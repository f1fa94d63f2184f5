//! Points whose type names the space they live in.
//!
//! In every space x points right, y points down, and pixel *centres* lie on integers.

use serde::{Deserialize, Serialize};

/// A point in the caller's original frame, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ImagePoint {
    /// Distance to the right of the centre of the first column.
    pub x_px: f32,
    /// Distance below the centre of the first row.
    pub y_px: f32,
}

impl ImagePoint {
    /// A point that was not found.
    pub const MISSING: Self = Self { x_px: f32::NAN, y_px: f32::NAN };

    /// Whether both coordinates are finite.
    pub fn is_finite(self) -> bool {
        self.x_px.is_finite() && self.y_px.is_finite()
    }

    /// Euclidean distance in pixels; NaN when either point is missing.
    pub fn distance_px(self, other: Self) -> f32 {
        libm::hypotf(self.x_px - other.x_px, self.y_px - other.y_px)
    }
}

/// A point in the network's input: the frame after scaling, before padding (padding does not move anything).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InputPoint {
    /// Column in input pixels.
    pub x_px: f32,
    /// Row in input pixels.
    pub y_px: f32,
}

/// The exact way back from network input to the caller's frame.
///
/// Scaling is plain multiplication in training (labels are multiplied by the input scale), so the inverse is plain
/// division: no half-pixel term (SLEAP-NN's convention; classic SLEAP adds 0.5 after dividing).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImageMap {
    scale: f32,
}

impl ImageMap {
    /// `scale` is input pixels per frame pixel, positive and finite (checked by the configuration).
    pub fn new(scale: f32) -> Self {
        Self { scale }
    }

    /// Input pixels per frame pixel.
    pub fn scale(self) -> f32 {
        self.scale
    }

    /// From network input to the caller's frame.
    pub fn to_image(self, p: InputPoint) -> ImagePoint {
        ImagePoint { x_px: p.x_px / self.scale, y_px: p.y_px / self.scale }
    }

    /// From the caller's frame to network input.
    pub fn to_input(self, p: ImagePoint) -> InputPoint {
        InputPoint { x_px: p.x_px * self.scale, y_px: p.y_px * self.scale }
    }
}

/// A point in the network input made of one crop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CropPoint {
    /// Column in input pixels, from the crop's first.
    pub x_px: f32,
    /// Row in input pixels, from the crop's first.
    pub y_px: f32,
}

/// The exact way between a crop and the caller's frame.
///
/// A crop is a window of the scaled frame that starts at a whole pixel, and that pixel is what is added back: no fraction
/// of the point around which the crop was asked for gets into a keypoint.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CropMap {
    /// First column of the crop in input pixels of the whole frame; may be negative.
    left_px: i32,
    /// First row, likewise.
    top_px: i32,
    input: ImageMap,
}

impl CropMap {
    /// A crop whose first pixel is (`left_px`, `top_px`) of the scaled frame.
    pub fn new(left_px: i32, top_px: i32, input: ImageMap) -> Self {
        Self { left_px, top_px, input }
    }

    /// First column and first row, in input pixels of the whole frame.
    pub fn origin_px(self) -> (i32, i32) {
        (self.left_px, self.top_px)
    }

    /// From the crop to the caller's frame.
    pub fn to_image(self, p: CropPoint) -> ImagePoint {
        self.input.to_image(InputPoint { x_px: p.x_px + self.left_px as f32, y_px: p.y_px + self.top_px as f32 })
    }

    /// From the caller's frame to the crop.
    pub fn to_crop(self, p: ImagePoint) -> CropPoint {
        let p = self.input.to_input(p);
        CropPoint { x_px: p.x_px - self.left_px as f32, y_px: p.y_px - self.top_px as f32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn map_goes_there_and_back() {
        let map = ImageMap::new(0.5);
        let p = ImagePoint { x_px: 11.0, y_px: 3.5 };
        assert_eq!(map.to_input(p), InputPoint { x_px: 5.5, y_px: 1.75 });
        assert_eq!(map.to_image(map.to_input(p)), p);
    }

    #[test]
    fn a_crop_adds_its_origin_before_the_scale_is_undone() {
        let map = CropMap::new(-3, 8, ImageMap::new(0.5));
        let p = CropPoint { x_px: 10.25, y_px: 2.0 };
        assert_eq!(map.to_image(p), ImagePoint { x_px: 14.5, y_px: 20.0 });
        assert_eq!(map.to_crop(map.to_image(p)), p);
    }
}
