//! Poses over a frame.

use super::canvas::Rgb;
use super::legend::{Legend, Line};
use super::palette::{Color, OUTLINE, TEXT, animal_color};
use super::text::{Font, shortened, write, write_outlined};
use crate::dataset::image::Image;
use crate::error::{Error, Result};
use dormouse::{Frame, Skeleton};
use tiny_skia::{FillRule, LineCap, Paint, PathBuilder, Pixmap, Stroke, Transform};

const TITLE_PX: usize = 34;

/// One animal to draw.
#[derive(Debug, Clone, PartialEq)]
pub struct DrawnAnimal<'a> {
    /// One `(x, y, score)` per skeleton node in pixels of the frame; NaN where missing. A score below 1 makes the part paler; NaN
    /// counts as 1.
    pub points: &'a [(f32, f32, f32)],
    /// Name in the legend.
    pub label: String,
    /// Colour of edges and dots.
    pub color: Color,
}

impl<'a> DrawnAnimal<'a> {
    /// An animal in the colour of `index`.
    pub fn new(points: &'a [(f32, f32, f32)], label: impl Into<String>, index: usize) -> Self {
        Self { points, label: label.into(), color: animal_color(index) }
    }
}

/// How poses are drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct DrawOptions {
    /// Line above the frame; none when empty.
    pub title: String,
    /// Narrower frames are enlarged by the least whole factor that reaches this width.
    pub least_width_px: usize,
    /// Whether the legend is drawn at the right side.
    pub legend: bool,
    /// Whether every dot gets the number of its node, as in the legend (counting from 1).
    pub node_numbers: bool,
    /// Width of the edges in pixels of the picture; dots and outlines follow.
    pub line_px: f32,
}

impl Default for DrawOptions {
    fn default() -> Self {
        Self { title: String::new(), least_width_px: 768, legend: true, node_numbers: true, line_px: 3.0 }
    }
}

/// Draws the animals over the frame: edges as lines, parts as dots, both in the animal's colour with a dark outline, and a
/// legend of animals and nodes at the right.
///
/// # Errors
/// [`Error::Data`] when the picture would have a side of more than 16384 pixels.
pub fn draw_poses(image: &Image, skeleton: &Skeleton, animals: &[DrawnAnimal<'_>], options: &DrawOptions) -> Result<Image> {
    let factor = enlargement(image, options.least_width_px);
    let top = if options.title.is_empty() { 0 } else { TITLE_PX };
    let (frame_w, frame_h) = (image.width_px() * factor, image.height_px() * factor);
    let legend = Legend::new(legend_lines(skeleton, animals, options), top + frame_h);
    let mut picture = Rgb::new(frame_w + legend.width_px(), (top + frame_h).max(legend.height_px()))?;
    picture.put(image, factor, (0, top));
    let view = View { factor: factor as f32, top: top as f32, line_px: options.line_px.clamp(0.5, 50.0) };
    let Some(mut pixmap) = picture.to_pixmap() else {
        return Err(Error::Data("a picture of this size cannot be drawn".to_owned()));
    };
    for animal in animals {
        view.draw(&mut pixmap, skeleton, animal);
    }
    legend.draw_swatches(&mut pixmap, frame_w);
    picture.take_pixmap(&pixmap);
    if options.node_numbers {
        animals.iter().for_each(|animal| view.number(&mut picture, animal, frame_w as f32));
    }
    legend.write(&mut picture, frame_w);
    let most = frame_w / Font::Title.width_px("x").max(1);
    write(&mut picture, (10, 7), &shortened(&options.title, most.saturating_sub(2)), Font::Title, TEXT);
    picture.into_image()
}

/// Least whole factor that makes the image wide enough, as far as the largest side allows.
pub(super) fn enlargement(image: &Image, least_width_px: usize) -> usize {
    let most = Frame::MAX_SIDE_PX as usize / 2 / image.width_px().max(image.height_px());
    least_width_px.div_ceil(image.width_px()).min(most).max(1)
}

fn legend_lines(skeleton: &Skeleton, animals: &[DrawnAnimal<'_>], options: &DrawOptions) -> Vec<Line> {
    let mut lines = Vec::new();
    if options.legend && !animals.is_empty() {
        lines.push(Line::Heading("Animals".to_owned()));
        lines.extend(animals.iter().map(|animal| Line::Swatch(animal.color, animal.label.clone())));
        lines.push(Line::Space);
    }
    if options.legend && options.node_numbers {
        lines.push(Line::Heading("Nodes".to_owned()));
        lines.extend(skeleton.nodes.iter().enumerate().map(|(i, node)| Line::Numbered(i + 1, node.clone())));
    }
    lines
}

/// From frame pixels to picture pixels.
struct View {
    factor: f32,
    top: f32,
    line_px: f32,
}

impl View {
    /// Place in the picture, where tiny-skia puts pixel centres at halves; `None` for missing parts and parts far outside.
    fn place(&self, point: (f32, f32, f32)) -> Option<(f32, f32)> {
        let at = ((point.0 + 0.5) * self.factor, (point.1 + 0.5) * self.factor + self.top);
        (at.0.abs() < 1e5 && at.1.abs() < 1e5).then_some(at)
    }

    fn draw(&self, pixmap: &mut Pixmap, skeleton: &Skeleton, animal: &DrawnAnimal<'_>) {
        let segments = skeleton.edges.iter().filter_map(|&(a, b)| {
            let (a, b) = (*animal.points.get(usize::from(a))?, *animal.points.get(usize::from(b))?);
            Some((self.place(a)?, self.place(b)?, opacity(a.2).min(opacity(b.2))))
        });
        let segments: Vec<_> = segments.collect();
        for outline in [true, false] {
            let (width, color) = if outline { (self.line_px + 2.0, OUTLINE) } else { (self.line_px, animal.color) };
            for &(a, b, alpha) in &segments {
                stroke_line(pixmap, a, b, width, color, alpha * if outline { 0.7 } else { 0.95 });
            }
        }
        for &point in animal.points {
            if let Some(at) = self.place(point) {
                let radius = self.line_px * 1.7;
                fill_dot(pixmap, at, radius + 1.3, OUTLINE, opacity(point.2));
                fill_dot(pixmap, at, radius, animal.color, opacity(point.2));
            }
        }
    }

    /// Writes node numbers beside the dots, on the side that looks away from the animal's middle.
    fn number(&self, picture: &mut Rgb, animal: &DrawnAnimal<'_>, frame_w: f32) {
        let places: Vec<(usize, (f32, f32))> =
            animal.points.iter().enumerate().filter_map(|(i, &point)| Some((i + 1, self.place(point)?))).collect();
        let count = places.len().max(1) as f32;
        let middle = places.iter().fold((0.0, 0.0), |sum, (_, at)| (sum.0 + at.0 / count, sum.1 + at.1 / count));
        for (number, at) in places {
            let away = (at.0 - middle.0, at.1 - middle.1);
            let length = away.0.hypot(away.1).max(1.0);
            let text = number.to_string();
            let distance = self.line_px * 1.7 + 9.0;
            let center = (at.0 + away.0 / length * distance, at.1 + away.1 / length * distance);
            let (width, height) = (Font::BodyBold.width_px(&text) as f32, Font::BodyBold.height_px() as f32);
            let left = (center.0 - width / 2.0).clamp(1.0, (frame_w - width - 1.0).max(1.0));
            write_outlined(picture, (left as i32, (center.1 - height / 2.0) as i32), &text, Font::BodyBold, animal.color);
        }
    }
}

fn opacity(score: f32) -> f32 {
    if score.is_nan() { 1.0 } else { 0.35 + 0.65 * score.clamp(0.0, 1.0) }
}

fn paint(color: Color, alpha: f32) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color_rgba8(color[0], color[1], color[2], (alpha * 255.0) as u8);
    paint
}

fn stroke_line(pixmap: &mut Pixmap, a: (f32, f32), b: (f32, f32), width: f32, color: Color, alpha: f32) {
    let mut path = PathBuilder::new();
    path.move_to(a.0, a.1);
    path.line_to(b.0, b.1);
    if let Some(path) = path.finish() {
        let stroke = Stroke { width, line_cap: LineCap::Round, ..Stroke::default() };
        pixmap.stroke_path(&path, &paint(color, alpha), &stroke, Transform::identity(), None);
    }
}

fn fill_dot(pixmap: &mut Pixmap, at: (f32, f32), radius: f32, color: Color, alpha: f32) {
    if let Some(path) = PathBuilder::from_circle(at.0, at.1, radius) {
        pixmap.fill_path(&path, &paint(color, alpha), FillRule::Winding, Transform::identity(), None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skeleton() -> Skeleton {
        Skeleton {
            name: "t".into(),
            nodes: vec!["a".into(), "b".into(), "c".into()],
            edges: vec![(0, 1), (1, 2)],
            symmetries: vec![],
        }
    }

    fn pixel(image: &Image, x: usize, y: usize) -> Color {
        let start = (y * image.width_px() + x) * 3;
        image.pixels()[start..start + 3].try_into().unwrap()
    }

    #[test]
    fn dots_and_edges_are_where_the_parts_are() {
        let image = Image::new(64, 48, 1, vec![90; 64 * 48]).unwrap();
        let points = [(10.0, 20.0, 1.0), (50.0, 20.0, f32::NAN), (f32::NAN, f32::NAN, 0.0)];
        let animals = [DrawnAnimal::new(&points, "one", 1)];
        let options = DrawOptions { title: "Frame 12".into(), node_numbers: false, ..DrawOptions::default() };
        let drawn = draw_poses(&image, &skeleton(), &animals, &options).unwrap();
        // 64 px are enlarged 12 times; pixel (x, y) has its centre at 12 x + 5.5 of the picture.
        assert!(drawn.width_px() > 768 && drawn.height_px() == 576 + TITLE_PX && drawn.channels() == 3);
        let at = |x: usize, y: usize| pixel(&drawn, 12 * x + 6, 12 * y + 6 + TITLE_PX);
        assert_eq!(at(10, 20), animals[0].color);
        assert_eq!(at(50, 20), animals[0].color);
        let near = |a: Color, b: Color| a.iter().zip(b).all(|(a, b)| a.abs_diff(b) < 16);
        assert!(near(at(30, 20), animals[0].color), "{:?}", at(30, 20));
        assert_eq!(at(30, 30), [90; 3]);
    }

    #[test]
    fn odd_input_is_survived() {
        let image = Image::new(1, 300, 3, vec![7; 900]).unwrap();
        let points = [(f32::INFINITY, 0.0, 1.0), (1e30, -1e30, -5.0), (0.0, 299.0, 7.0), (1.0, 1.0, 1.0)];
        let animals: Vec<DrawnAnimal<'_>> =
            (0..200).map(|i| DrawnAnimal::new(&points, "Mäuse, viele davon, mit langem Namen", i)).collect();
        let edges = vec![(0, 1), (1, 2), (2, 9)];
        let options = DrawOptions { title: "x".repeat(5000), ..DrawOptions::default() };
        assert!(draw_poses(&image, &Skeleton { edges, ..skeleton() }, &animals, &options).is_ok());
        assert!(draw_poses(&image, &Skeleton::default(), &[], &options).is_ok());
    }
}
