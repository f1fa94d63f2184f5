//! A marked square on a frame: what the network sees around a pixel.

use super::canvas::Rgb;
use super::palette::{Color, OUTLINE};
use crate::dataset::image::Image;
use crate::error::{Error, Result};
use tiny_skia::{Paint, PathBuilder, Pixmap, Rect, Stroke, Transform};

const LINE_PX: f32 = 2.0;
const MARK_PX: f32 = 7.0;

/// Draws the outline of a square of `side_px` around `center` (both in pixels of `image`), with a cross in its middle. What lies
/// outside the image is cut off.
///
/// # Errors
/// [`Error::Data`] when the image is too large to be drawn on.
pub fn draw_square(image: &Image, center: [f32; 2], side_px: f32, color: Color) -> Result<Image> {
    let mut picture = Rgb::new(image.width_px(), image.height_px())?;
    picture.put(image, 1, (0, 0));
    let Some(mut pixmap) = picture.to_pixmap() else {
        return Err(Error::Data("a picture of this size cannot be drawn".to_owned()));
    };
    // tiny-skia puts pixel centres at halves.
    let (x, y, half) = (center[0] + 0.5, center[1] + 0.5, side_px / 2.0);
    let mut path = PathBuilder::new();
    if let Some(rect) = Rect::from_ltrb(x - half, y - half, x + half, y + half) {
        path.push_rect(rect);
    }
    for (dx, dy) in [(MARK_PX, 0.0), (0.0, MARK_PX)] {
        path.move_to(x - dx, y - dy);
        path.line_to(x + dx, y + dy);
    }
    if let Some(path) = path.finish() {
        for (width, color) in [(LINE_PX + 2.0, OUTLINE), (LINE_PX, color)] {
            stroke(&mut pixmap, &path, width, color);
        }
    }
    picture.take_pixmap(&pixmap);
    picture.into_image()
}

fn stroke(pixmap: &mut Pixmap, path: &tiny_skia::Path, width: f32, color: Color) {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color_rgba8(color[0], color[1], color[2], 255);
    pixmap.stroke_path(path, &paint, &Stroke { width, ..Stroke::default() }, Transform::identity(), None);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outline_stands_where_the_sides_are() {
        let image = Image::new(100, 100, 1, vec![50; 10_000]).unwrap();
        let color = [230, 159, 0];
        let drawn = draw_square(&image, [50.0, 60.0], 40.0, color).unwrap();
        let at = |x: usize, y: usize| &drawn.pixels()[(y * 100 + x) * 3..][..3];
        let close = |p: &[u8]| p.iter().zip(color).all(|(a, b)| a.abs_diff(b) < 130) && p != [50; 3];
        // Left, right, upper and lower side, 20 px from the centre; and nothing inside or outside.
        for (x, y) in [(30, 70), (70, 70), (40, 40), (40, 80), (50, 60)] {
            assert!(close(at(x, y)), "{x} {y}: {:?}", at(x, y));
        }
        for (x, y) in [(40, 70), (20, 70), (80, 90)] {
            assert_eq!(at(x, y), [50; 3]);
        }
        assert!(draw_square(&image, [-500.0, 1e9], 1e9, color).is_ok());
    }
}
