//! The panel beside a picture that says what the colours and numbers mean.

use super::canvas::Rgb;
use super::palette::{Color, MUTED_TEXT, TEXT};
use super::text::{Font, shortened, write};
use tiny_skia::{FillRule, Paint, PathBuilder, Pixmap, Transform};

const LINE_PX: usize = 21;
const MARGIN_PX: usize = 14;
const SWATCH_PX: usize = 22;
/// Longer names are cut.
const MOST_CHARACTERS: usize = 28;
/// More columns than this would be wider than the picture is useful.
const MOST_COLUMNS: usize = 3;

/// A line of the legend.
#[derive(Debug, Clone)]
pub(super) enum Line {
    Heading(String),
    Swatch(Color, String),
    Numbered(usize, String),
    Space,
}

/// Lines arranged in columns.
#[derive(Debug)]
pub(super) struct Legend {
    lines: Vec<Line>,
    lines_per_column: usize,
    column_px: usize,
}

impl Legend {
    /// Arranges the lines for a panel of that height; what does not fit into three columns is left out, and said so.
    pub fn new(mut lines: Vec<Line>, height_px: usize) -> Self {
        let lines_per_column = (height_px.saturating_sub(2 * MARGIN_PX) / LINE_PX).max(4);
        let room = lines_per_column * MOST_COLUMNS;
        if lines.len() > room {
            let left_out = lines.len() - room + 1;
            lines.truncate(room - 1);
            lines.push(Line::Heading(format!("{left_out} more")));
        }
        let widest = lines.iter().map(|line| line.text().chars().count().min(MOST_CHARACTERS)).max().unwrap_or(0);
        let column_px = Font::BodyBold.width_px(&"x".repeat(widest)) + SWATCH_PX + 2 * MARGIN_PX;
        Self { lines, lines_per_column, column_px }
    }

    /// Width of the panel; 0 without lines.
    pub fn width_px(&self) -> usize {
        self.lines.len().div_ceil(self.lines_per_column) * self.column_px
    }

    /// Height that the lines need.
    pub fn height_px(&self) -> usize {
        if self.lines.is_empty() { 0 } else { self.lines.len().min(self.lines_per_column) * LINE_PX + 2 * MARGIN_PX }
    }

    fn place(&self, index: usize, left: usize) -> (usize, usize) {
        let (column, row) = (index / self.lines_per_column, index % self.lines_per_column);
        (left + column * self.column_px + MARGIN_PX, MARGIN_PX + row * LINE_PX)
    }

    /// Draws the colour dots of a panel that begins at column `left`.
    pub fn draw_swatches(&self, pixmap: &mut Pixmap, left: usize) {
        for (i, line) in self.lines.iter().enumerate() {
            let Line::Swatch([r, g, b], _) = line else { continue };
            let (x, y) = self.place(i, left);
            let mut paint = Paint { anti_alias: true, ..Paint::default() };
            paint.set_color_rgba8(*r, *g, *b, 255);
            if let Some(path) = PathBuilder::from_circle(x as f32 + 7.0, y as f32 + 8.5, 6.5) {
                pixmap.fill_path(&path, &paint, FillRule::Winding, Transform::identity(), None);
            }
        }
    }

    /// Writes the names.
    pub fn write(&self, picture: &mut Rgb, left: usize) {
        for (i, line) in self.lines.iter().enumerate() {
            let (x, y) = self.place(i, left);
            let (x, y) = (x as i32, y as i32);
            let text = shortened(line.text(), MOST_CHARACTERS);
            match line {
                Line::Heading(_) => write(picture, (x, y), &text, Font::BodyBold, TEXT),
                Line::Swatch(..) => write(picture, (x + SWATCH_PX as i32, y), &text, Font::Body, TEXT),
                Line::Numbered(number, _) => {
                    write(picture, (x, y), &format!("{number:>2}"), Font::BodyBold, MUTED_TEXT);
                    write(picture, (x + SWATCH_PX as i32, y), &text, Font::Body, TEXT);
                }
                Line::Space => {}
            }
        }
    }
}

impl Line {
    fn text(&self) -> &str {
        match self {
            Self::Heading(text) | Self::Swatch(_, text) | Self::Numbered(_, text) => text,
            Self::Space => "",
        }
    }
}
