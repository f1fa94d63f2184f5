//! Line charts.

use crate::dataset::image::Image;
use crate::draw::{Board, Pen};
use crate::error::{Error, Result};
use plotters::coord::ranged1d::ValueFormatter;
use plotters::prelude::*;
use std::convert::Infallible;

/// Size of every chart in pixels.
pub(super) const SIZE_PX: (u32, u32) = (960, 600);
/// Height of one chart of several below each other.
const STACKED_PX: u32 = 400;
/// Lines of up to so many points show each of them.
const DOTTED: usize = 60;

/// Okabe and Ito's palette (2008) in an order that stays readable on white.
const COLORS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(90, 90, 90),
];

/// Colour of series `index`; repeats after 7.
pub(super) fn series_color(index: usize) -> RGBColor {
    COLORS[index % COLORS.len()]
}

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Name in the legend; without one there is no entry.
    pub name: String,
    /// Points from left to right; those that are not finite, or not positive on a logarithmic axis, are left out.
    pub points: Vec<(f64, f64)>,
    /// Number of the colour.
    pub color: usize,
    /// Drawn thin and pale, for what stands in the background.
    pub pale: bool,
}

/// What the axes say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axes<'a> {
    /// Heading.
    pub title: &'a str,
    /// Under the horizontal axis.
    pub x: &'a str,
    /// Beside the vertical axis.
    pub y: &'a str,
    /// Whether the vertical axis is logarithmic.
    pub log_y: bool,
    /// Where the horizontal axis begins; `None`: at the first point.
    pub x_low: Option<f64>,
    /// Range of the vertical axis; `None`: that of the points.
    pub y_range: Option<(f64, f64)>,
    /// Whether lines rise, so that the legend is out of their way at the bottom.
    pub rising: bool,
}

/// Turns a fault of the drawing crate into ours.
pub(super) fn drawing(error: DrawingAreaErrorKind<Infallible>) -> Error {
    Error::Data(format!("the chart cannot be drawn: {error}"))
}

/// Draws lines into one chart with a legend.
///
/// # Errors
/// [`Error::Data`] when no point can be shown.
pub fn line_chart(axes: &Axes<'_>, series: &[Series]) -> Result<Image> {
    let mut board = Board::new(SIZE_PX.0, SIZE_PX.1)?;
    {
        let area = board.pen().into_drawing_area();
        panel(&area, axes, series)?;
        area.present().map_err(drawing)?;
    }
    board.into_image()
}

/// Draws charts below each other into one picture, each of them a little lower than one alone.
///
/// # Errors
/// [`Error::Data`] when a chart has no point that can be shown, or there is none.
pub fn stacked_charts(charts: &[(Axes<'_>, Vec<Series>)]) -> Result<Image> {
    let mut board = Board::new(SIZE_PX.0, STACKED_PX * charts.len() as u32)?;
    {
        let area = board.pen().into_drawing_area();
        for (part, (axes, series)) in area.split_evenly((charts.len().max(1), 1)).iter().zip(charts) {
            panel(part, axes, series)?;
        }
        area.present().map_err(drawing)?;
    }
    board.into_image()
}

fn panel<'a>(area: &DrawingArea<Pen<'a>, plotters::coord::Shift>, axes: &Axes<'_>, series: &[Series]) -> Result<()> {
    let shown = |s: &Series| -> Vec<(f64, f64)> {
        let good = |p: &&(f64, f64)| p.0.is_finite() && p.1.is_finite() && (!axes.log_y || p.1 > 0.0);
        s.points.iter().filter(good).copied().collect()
    };
    let series: Vec<Series> = series.iter().map(|s| Series { points: shown(s), ..s.clone() }).collect();
    let points = || series.iter().flat_map(|s| &s.points);
    if points().next().is_none() {
        return Err(Error::Data(format!("there is nothing to plot for {:?}", axes.title)));
    }
    let (x_first, x_last) = bounds(points().map(|p| p.0));
    let (x_low, x_high) = widened((axes.x_low.unwrap_or(x_first).min(x_first), x_last));
    let (y_low, y_high) = axes.y_range.unwrap_or_else(|| {
        let (low, high) = bounds(points().map(|p| p.1));
        if axes.log_y { (low / 1.3, high * 1.3) } else { widened((low, high)) }
    });
    let mut builder = ChartBuilder::on(area);
    builder.margin(16).caption(axes.title, ("sans-serif", 20)).x_label_area_size(48).y_label_area_size(92);
    if axes.log_y {
        let y_axis = (y_low..y_high).log_scale().with_key_points(decade_ticks(y_low, y_high));
        let chart = builder.build_cartesian_2d(x_low..x_high, y_axis).map_err(drawing)?;
        draw(chart, axes, &series, &|v| format!("{v:.0e}"))
    } else {
        let chart = builder.build_cartesian_2d(x_low..x_high, y_low..y_high).map_err(drawing)?;
        draw(chart, axes, &series, &|v| format!("{v}"))
    }
}

fn draw<'a, Y: Ranged<ValueType = f64> + ValueFormatter<f64>>(
    mut chart: ChartContext<'a, Pen<'a>, Cartesian2d<plotters::coord::types::RangedCoordf64, Y>>,
    axes: &Axes<'_>,
    series: &[Series],
    y_text: &dyn Fn(f64) -> String,
) -> Result<()> {
    // Between whole numbers, such as epochs, there is nothing to read off.
    let is_whole = series.iter().flat_map(|s| &s.points).all(|p| p.0.fract() == 0.0);
    let number = |v: &f64| {
        let v = (v * 1e6).round() / 1e6;
        if is_whole && v.fract() != 0.0 { String::new() } else { format!("{v}") }
    };
    let label = |v: &f64| y_text((v * 1e12).round() / 1e12);
    let mut mesh = chart.configure_mesh();
    mesh.x_desc(axes.x).y_desc(axes.y).label_style(("sans-serif", 16)).axis_desc_style(("sans-serif", 16));
    mesh.light_line_style(TRANSPARENT).bold_line_style(RGBColor(222, 222, 222));
    mesh.x_label_formatter(&number).y_label_formatter(&label).draw().map_err(drawing)?;
    for line in series.iter().filter(|s| !s.points.is_empty()) {
        let color = series_color(line.color).mix(if line.pale { 0.45 } else { 1.0 });
        let style = ShapeStyle { color, filled: true, stroke_width: if line.pale { 1 } else { 2 } };
        // Few points are seen one by one; a single one, which makes no line, is larger.
        let radius = if line.points.len() == 1 { 6 } else { 3 };
        let dots = line.points.iter().filter(|_| line.points.len() <= DOTTED && (!line.pale || line.points.len() == 1));
        chart.draw_series(dots.map(|&p| Circle::new(p, radius, style))).map_err(drawing)?;
        let drawn = chart.draw_series(LineSeries::new(line.points.iter().copied(), style)).map_err(drawing)?;
        if !line.name.is_empty() {
            drawn.label(&line.name).legend(move |(x, y)| PathElement::new([(x, y), (x + 22, y)], style));
        }
    }
    if series.iter().all(|s| s.name.is_empty() || s.points.is_empty()) {
        return Ok(());
    }
    let mut labels = chart.configure_series_labels();
    labels.background_style(WHITE.mix(0.85)).border_style(RGBColor(200, 200, 200)).label_font(("sans-serif", 16));
    labels.position(if axes.rising { SeriesLabelPosition::LowerRight } else { SeriesLabelPosition::UpperRight });
    labels.legend_area_size(28).draw().map_err(drawing)
}

/// 1, 2 and 5 times every power of ten in the range, or the powers alone where that would be many.
fn decade_ticks(low: f64, high: f64) -> Vec<f64> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let steps: &[f64] = if last - first > 4 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let ticks = (first..=last).flat_map(|power| steps.iter().map(move |step| step * 10_f64.powi(power)));
    ticks.filter(|tick| (low..=high).contains(tick)).collect()
}

fn bounds(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
}

/// A range that is not empty.
fn widened((low, high): (f64, f64)) -> (f64, f64) {
    if high > low { (low, high) } else { (low - 0.5, high + 0.5) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AXES: Axes<'static> =
        Axes { title: "Loss", x: "epoch", y: "loss", log_y: true, x_low: None, y_range: None, rising: false };

    fn count(image: &Image, color: RGBColor) -> usize {
        image.pixels().chunks_exact(3).filter(|p| *p == [color.0, color.1, color.2]).count()
    }

    #[test]
    fn every_line_is_drawn_in_its_colour() {
        let line = |color, slope: f64| Series {
            name: format!("line {color}"),
            points: (1..40).map(|i| (f64::from(i), (-slope * f64::from(i)).exp())).collect(),
            color,
            pale: false,
        };
        let image = line_chart(&AXES, &[line(0, 0.1), line(1, 0.2)]).unwrap();
        assert_eq!((image.width_px(), image.height_px()), (960, 600));
        assert!(count(&image, series_color(0)) > 500 && count(&image, series_color(1)) > 500);
        assert_eq!(count(&image, series_color(2)), 0);
        // Black text of title and axes.
        assert!(count(&image, RGBColor(0, 0, 0)) > 200);
    }

    #[test]
    fn charts_stand_below_each_other() {
        let line = |color| vec![Series { name: "s".into(), points: vec![(1.0, 1.0), (2.0, 0.5)], color, pale: false }];
        let image = stacked_charts(&[(AXES, line(0)), (AXES, line(1))]).unwrap();
        assert_eq!((image.width_px(), image.height_px()), (960, 800));
        let (upper, lower) = image.pixels().split_at(960 * 400 * 3);
        let has = |part: &[u8], color: RGBColor| part.chunks_exact(3).any(|p| *p == [color.0, color.1, color.2]);
        assert!(has(upper, series_color(0)) && has(lower, series_color(1)));
        assert!(!has(upper, series_color(1)) && !has(lower, series_color(0)));
        assert!(stacked_charts(&[]).is_err());
    }

    #[test]
    fn ticks_are_round_numbers_inside() {
        assert_eq!(decade_ticks(2.5e-4, 3e-3), [5e-4, 1e-3, 2e-3].map(|v: f64| v));
        assert_eq!(decade_ticks(1e-6, 2.0), [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0]);
    }

    #[test]
    fn odd_points_are_left_out_and_none_is_an_error() {
        let with = |points| [Series { name: "s".into(), points, color: 0, pale: false }];
        let odd = vec![(f64::NAN, 1.0), (1.0, 0.0), (2.0, f64::INFINITY), (3.0, 1e-3)];
        assert!(line_chart(&AXES, &with(odd)).is_ok());
        assert!(line_chart(&AXES, &with(vec![(1.0, 0.0)])).is_err());
        assert!(line_chart(&Axes { log_y: false, ..AXES }, &with(vec![(1.0, 0.0)])).is_ok());
        assert!(line_chart(&AXES, &[]).is_err());
    }
}
