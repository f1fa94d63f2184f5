//! The surface that charts are drawn on: plotters decides where things go, tiny-skia and the built-in font draw them, so that
//! no font of the system is needed and the same data give the same bytes everywhere.

use crate::dataset::image::Image;
use crate::error::{Error, Result};
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontStyle, FontTransform,
};
use std::convert::Infallible;
use tiny_skia::{FillRule, LineCap, LineJoin, Paint, PathBuilder, Pixmap, PremultipliedColorU8, Rect, Stroke, Transform};

type Drawn = std::result::Result<(), DrawingErrorKind<Infallible>>;

/// Titles are written in the larger of the two built-in sizes; text from this size on counts as one.
const TITLE_SIZE_PX: f64 = 20.0;

/// A white, opaque surface.
pub struct Board(Pixmap);

impl Board {
    /// A surface of that size.
    ///
    /// # Errors
    /// [`Error::Data`] when a side is 0 or the surface is larger than memory can address.
    pub fn new(width_px: u32, height_px: u32) -> Result<Self> {
        let fault = || Error::Data(format!("a chart of {width_px} x {height_px} pixels cannot be drawn"));
        let mut pixmap = Pixmap::new(width_px, height_px).ok_or_else(fault)?;
        pixmap.fill(tiny_skia::Color::WHITE);
        Ok(Self(pixmap))
    }

    /// A pen for plotters.
    pub fn pen(&mut self) -> Pen<'_> {
        Pen(&mut self.0)
    }

    /// The finished picture.
    ///
    /// # Errors
    /// [`Error::Data`] when a side is longer than images may be.
    pub fn into_image(self) -> Result<Image> {
        let pixels = self.0.data().as_chunks::<4>().0.iter().flat_map(|p| [p[0], p[1], p[2]]).collect();
        Image::new(self.0.width() as usize, self.0.height() as usize, 3, pixels)
            .ok_or_else(|| Error::Data("a chart with impossible sides was drawn".to_owned()))
    }
}

/// Draws on a [`Board`].
pub struct Pen<'a>(&'a mut Pixmap);

impl Pen<'_> {
    fn stroke(&mut self, path: PathBuilder, color: BackendColor, width_px: f32) {
        let stroke = Stroke { width: width_px, line_cap: LineCap::Round, line_join: LineJoin::Round, ..Stroke::default() };
        if let Some(path) = path.finish() {
            self.0.stroke_path(&path, &paint(color), &stroke, Transform::identity(), None);
        }
    }

    fn fill(&mut self, path: PathBuilder, color: BackendColor) {
        if let Some(path) = path.finish() {
            self.0.fill_path(&path, &paint(color), FillRule::Winding, Transform::identity(), None);
        }
    }

    fn blend(&mut self, (x, y): BackendCoord, color: BackendColor, coverage: f64) {
        let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) else { return };
        if x >= self.0.width() || y >= self.0.height() {
            return;
        }
        let at = (y * self.0.width() + x) as usize;
        let (old, alpha) = (self.0.pixels()[at], color.alpha * coverage);
        let mix = |old: u8, new: u8| (f64::from(old) + alpha * (f64::from(new) - f64::from(old)) + 0.5) as u8;
        let (r, g, b) = color.rgb;
        // The surface stays opaque, so premultiplied values are plain ones.
        if let Some(mixed) = PremultipliedColorU8::from_rgba(mix(old.red(), r), mix(old.green(), g), mix(old.blue(), b), 255) {
            self.0.pixels_mut()[at] = mixed;
        }
    }
}

fn paint(color: BackendColor) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    let (r, g, b) = color.rgb;
    paint.set_color_rgba8(r, g, b, (color.alpha.clamp(0.0, 1.0) * 255.0 + 0.5) as u8);
    paint
}

/// The middle of a pixel, where tiny-skia has halves.
fn center((x, y): BackendCoord) -> (f32, f32) {
    (x as f32 + 0.5, y as f32 + 0.5)
}

fn polyline(points: impl IntoIterator<Item = BackendCoord>) -> PathBuilder {
    let mut path = PathBuilder::new();
    for (i, point) in points.into_iter().enumerate() {
        let (x, y) = center(point);
        if i == 0 { path.move_to(x, y) } else { path.line_to(x, y) }
    }
    path
}

fn face<T: BackendTextStyle>(style: &T) -> (FontWeight, RasterHeight) {
    let height = if style.size() >= TITLE_SIZE_PX { RasterHeight::Size20 } else { RasterHeight::Size16 };
    (if matches!(style.style(), FontStyle::Bold) { FontWeight::Bold } else { FontWeight::Regular }, height)
}

/// Width and height of a line of text.
fn text_size<T: BackendTextStyle>(text: &str, style: &T) -> (i32, i32) {
    let (weight, height) = face(style);
    ((get_raster_width(weight, height) * text.chars().count()) as i32, height.val() as i32)
}

impl DrawingBackend for Pen<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        (self.0.width(), self.0.height())
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> Drawn {
        self.blend(point, color, 1.0);
        Ok(())
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.stroke(polyline([from, to]), style.color(), style.stroke_width() as f32);
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn {
        self.stroke(polyline(path), style.color(), style.stroke_width() as f32);
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(&mut self, a: BackendCoord, b: BackendCoord, style: &S, fill: bool) -> Drawn {
        let ((left, top), (right, bottom)) = (center((a.0.min(b.0), a.1.min(b.1))), center((a.0.max(b.0), a.1.max(b.1))));
        let mut path = PathBuilder::new();
        let grow = if fill { 0.5 } else { 0.0 };
        if let Some(rect) = Rect::from_ltrb(left - grow, top - grow, right + grow, bottom + grow) {
            path.push_rect(rect);
        }
        if fill {
            self.fill(path, style.color());
        } else {
            self.stroke(path, style.color(), style.stroke_width() as f32);
        }
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(&mut self, at: BackendCoord, radius: u32, style: &S, fill: bool) -> Drawn {
        let (x, y) = center(at);
        let mut path = PathBuilder::new();
        path.push_circle(x, y, radius as f32);
        if fill {
            self.fill(path, style.color());
        } else {
            self.stroke(path, style.color(), style.stroke_width() as f32);
        }
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, corners: I, style: &S) -> Drawn {
        let mut path = polyline(corners);
        path.close();
        self.fill(path, style.color());
        Ok(())
    }

    fn draw_text<T: BackendTextStyle>(&mut self, text: &str, style: &T, at: BackendCoord) -> Drawn {
        let ((weight, height), (width_px, height_px)) = (face(style), text_size(text, style));
        let left = match style.anchor().h_pos {
            HPos::Left => 0,
            HPos::Right => -width_px,
            HPos::Center => -width_px / 2,
        };
        let top = match style.anchor().v_pos {
            VPos::Top => 0,
            VPos::Center => -height_px / 2,
            VPos::Bottom => -height_px,
        };
        let (turn, advance): (FontTransform, _) = (style.transform(), get_raster_width(weight, height) as i32);
        for (i, c) in text.chars().enumerate() {
            let Some(glyph) = get_raster(c, weight, height).or_else(|| get_raster('?', weight, height)) else { continue };
            for (y, row) in glyph.rows().enumerate() {
                for (x, &coverage) in row.iter().enumerate() {
                    let (dx, dy) = turn.transform(left + i as i32 * advance + x as i32, top + y as i32);
                    self.blend((at.0 + dx, at.1 + dy), style.color(), f64::from(coverage) / 255.0);
                }
            }
        }
        Ok(())
    }

    fn estimate_text_size<T: BackendTextStyle>(
        &self,
        text: &str,
        style: &T,
    ) -> std::result::Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let (width_px, height_px) = text_size(text, style);
        Ok((width_px as u32, height_px as u32))
    }
}
