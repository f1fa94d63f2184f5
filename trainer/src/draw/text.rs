//! Text on a picture.

use super::canvas::Rgb;
use super::palette::{Color, OUTLINE};
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

/// A size and weight of the built-in font.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Font {
    Body,
    BodyBold,
    Title,
}

impl Font {
    fn face(self) -> (FontWeight, RasterHeight) {
        match self {
            Self::Body => (FontWeight::Regular, RasterHeight::Size16),
            Self::BodyBold => (FontWeight::Bold, RasterHeight::Size16),
            Self::Title => (FontWeight::Bold, RasterHeight::Size20),
        }
    }

    /// Width of `text` in pixels.
    pub fn width_px(self, text: &str) -> usize {
        let (weight, height) = self.face();
        get_raster_width(weight, height) * text.chars().count()
    }

    /// Height of a line in pixels.
    pub fn height_px(self) -> usize {
        self.face().1.val()
    }
}

/// Writes `text` with its upper left corner at `(left, top)`; what lies outside is cut off. Characters that the font lacks
/// become question marks.
pub(super) fn write(picture: &mut Rgb, (left, top): (i32, i32), text: &str, font: Font, color: Color) {
    let (weight, height) = font.face();
    let advance = get_raster_width(weight, height) as i32;
    for (i, c) in text.chars().enumerate() {
        let Some(glyph) = get_raster(c, weight, height).or_else(|| get_raster('?', weight, height)) else { continue };
        for (y, row) in glyph.rows().enumerate() {
            for (x, &coverage) in row.iter().enumerate() {
                picture.blend(left + i as i32 * advance + x as i32, top + y as i32, color, f32::from(coverage) / 255.0);
            }
        }
    }
}

/// As [`write`], with a dark rim so that it can be read on any ground.
pub(super) fn write_outlined(picture: &mut Rgb, (left, top): (i32, i32), text: &str, font: Font, color: Color) {
    for (dx, dy) in [(-1, -1), (0, -1), (1, -1), (-1, 0), (1, 0), (-1, 1), (0, 1), (1, 1)] {
        write(picture, (left + dx, top + dy), text, font, OUTLINE);
    }
    write(picture, (left, top), text, font, color);
}

/// The text, or its beginning with two dots where it is longer than `most` characters.
pub(super) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most.saturating_sub(2)).collect();
    short.push_str("..");
    short
}
