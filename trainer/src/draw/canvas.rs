//! Pictures in the making: a red-green-blue raster and the step from and to tiny-skia.

use super::palette::{BACKGROUND, Color};
use crate::dataset::image::Image;
use crate::error::{Error, Result};
use tiny_skia::Pixmap;

/// A red-green-blue raster.
#[derive(Debug, Clone)]
pub(super) struct Rgb {
    pub width_px: usize,
    pub height_px: usize,
    pub pixels: Vec<Color>,
}

impl Rgb {
    /// A picture in the background colour.
    ///
    /// # Errors
    /// When a side is 0 or longer than images may be.
    pub fn new(width_px: usize, height_px: usize) -> Result<Self> {
        let most = dormouse::Frame::MAX_SIDE_PX as usize;
        if !(1..=most).contains(&width_px) || !(1..=most).contains(&height_px) {
            return Err(Error::Data(format!(
                "a picture of {width_px} x {height_px} pixels cannot be drawn (at most {most} a side)"
            )));
        }
        Ok(Self { width_px, height_px, pixels: vec![BACKGROUND; width_px * height_px] })
    }

    /// Mixes `color` into a pixel; outside nothing happens.
    pub fn blend(&mut self, x: i32, y: i32, color: Color, alpha: f32) {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
        if x < self.width_px && y < self.height_px && alpha > 0.0 {
            let pixel = &mut self.pixels[y * self.width_px + x];
            for (old, &new) in pixel.iter_mut().zip(&color) {
                *old = (f32::from(*old) + alpha * (f32::from(new) - f32::from(*old)) + 0.5) as u8;
            }
        }
    }

    /// Puts an image, enlarged `factor` times, with its upper left corner at `(left, top)`.
    pub fn put(&mut self, image: &Image, factor: usize, (left, top): (usize, usize)) {
        let columns: Vec<Step> = (0..image.width_px() * factor).map(|x| Step::new(x, factor, image.width_px())).collect();
        for y in 0..image.height_px() * factor {
            let row = Step::new(y, factor, image.height_px());
            for (x, column) in columns.iter().enumerate() {
                if left + x < self.width_px && top + y < self.height_px {
                    self.pixels[(top + y) * self.width_px + left + x] = mixed(image, *column, row);
                }
            }
        }
    }

    /// The same picture for tiny-skia to draw on.
    pub fn to_pixmap(&self) -> Option<Pixmap> {
        let mut pixmap = Pixmap::new(self.width_px as u32, self.height_px as u32)?;
        for (target, pixel) in pixmap.data_mut().as_chunks_mut::<4>().0.iter_mut().zip(&self.pixels) {
            *target = [pixel[0], pixel[1], pixel[2], 255];
        }
        Some(pixmap)
    }

    /// Takes over what was drawn; the picture stays opaque.
    pub fn take_pixmap(&mut self, pixmap: &Pixmap) {
        for (pixel, source) in self.pixels.iter_mut().zip(pixmap.data().as_chunks::<4>().0) {
            *pixel = [source[0], source[1], source[2]];
        }
    }

    /// The finished picture.
    pub fn into_image(self) -> Result<Image> {
        Image::new(self.width_px, self.height_px, 3, self.pixels.into_flattened())
            .ok_or_else(|| Error::Data("a picture with impossible sides was drawn".to_owned()))
    }
}

/// Two neighbouring source pixels and the weight of the second: pixel centres map to pixel centres.
#[derive(Debug, Clone, Copy)]
struct Step {
    first: usize,
    second: usize,
    weight: f32,
}

impl Step {
    fn new(target: usize, factor: usize, side: usize) -> Self {
        let place = (((target as f32 + 0.5) / factor as f32) - 0.5).clamp(0.0, (side - 1) as f32);
        let first = place as usize;
        Self { first, second: (first + 1).min(side - 1), weight: place - first as f32 }
    }
}

fn mixed(image: &Image, column: Step, row: Step) -> Color {
    let width = image.width_px();
    let at = |x: usize, y: usize| y * width + x;
    let corners =
        [at(column.first, row.first), at(column.second, row.first), at(column.first, row.second), at(column.second, row.second)];
    let blend = |[a, b, c, d]: [u8; 4]| {
        let (a, b, c, d) = (f32::from(a), f32::from(b), f32::from(c), f32::from(d));
        let (upper, lower) = (a + column.weight * (b - a), c + column.weight * (d - c));
        (upper + row.weight * (lower - upper) + 0.5) as u8
    };
    let pixels = image.pixels();
    if image.channels() == 1 {
        [blend(corners.map(|i| pixels[i])); 3]
    } else {
        [0, 1, 2].map(|c| blend(corners.map(|i| pixels[3 * i + c])))
    }
}
