//! The error of every node as bars.

use super::chart::{SIZE_PX, drawing, series_color};
use super::metrics::SplitMetrics;
use crate::dataset::image::Image;
use crate::draw::Board;
use crate::error::{Error, Result};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Height of a node's line in pixels, and of everything else.
const ROW_PX: u32 = 24;
const REST_PX: u32 = 130;
/// Longer names are cut.
const NAME_CHARACTERS: usize = 20;

/// Draws, per node, a bar to the median error and a thin line to the 95th percentile; the first node is on top.
///
/// # Errors
/// [`Error::Data`] when no node was judged.
pub fn node_chart(metrics: &SplitMetrics) -> Result<Image> {
    let judged = metrics.nodes.iter().filter_map(|n| n.p50_p95_px).map(|(_, p95)| p95);
    let most_px = judged.fold(0.0, f64::max);
    if metrics.nodes.iter().all(|n| n.p50_p95_px.is_none()) {
        return Err(Error::Data(format!("no node of the split {} was judged", metrics.split)));
    }
    let rows = metrics.nodes.len();
    let mut board = Board::new(SIZE_PX.0, REST_PX + ROW_PX * rows as u32)?;
    {
        let area = board.pen().into_drawing_area();
        let title = format!("Error per node, {} (bar: median, line: 95th percentile)", metrics.title());
        let mut builder = ChartBuilder::on(&area);
        builder.margin(16).caption(title, ("sans-serif", 20)).x_label_area_size(48).y_label_area_size(190);
        let highest = rows as f64;
        let mut chart = builder.build_cartesian_2d(0.0..(most_px * 1.05).max(1e-3), 0.0..highest).map_err(drawing)?;
        let mut mesh = chart.configure_mesh();
        mesh.x_desc("distance to the truth, px").label_style(("sans-serif", 16)).axis_desc_style(("sans-serif", 16));
        mesh.light_line_style(TRANSPARENT).bold_line_style(RGBColor(222, 222, 222)).disable_y_mesh().y_labels(0);
        mesh.x_label_formatter(&|v: &f64| format!("{}", (v * 1e6).round() / 1e6)).draw().map_err(drawing)?;
        for (row, node) in metrics.nodes.iter().enumerate() {
            let middle = highest - row as f64 - 0.5;
            let (x, y) = chart.backend_coord(&(0.0, middle));
            let style = ("sans-serif", 16).into_text_style(&area).pos(Pos::new(HPos::Right, VPos::Center));
            let name: String = node.name.chars().take(NAME_CHARACTERS).collect();
            area.draw_text(&name, &style, (x - 8, y)).map_err(drawing)?;
            let Some((p50, p95)) = node.p50_p95_px else {
                let pale = ("sans-serif", 16, &RGBColor(120, 120, 120)).into_text_style(&area);
                let beside = pale.pos(Pos::new(HPos::Left, VPos::Center));
                area.draw_text("none found", &beside, (x + 8, y)).map_err(drawing)?;
                continue;
            };
            let bar = Rectangle::new([(0.0, middle - 0.32), (p50, middle + 0.32)], series_color(0).filled());
            let line = PathElement::new([(p50, middle), (p95, middle)], series_color(1).stroke_width(2));
            chart.draw_series([bar]).map_err(drawing)?;
            chart.draw_series([line]).map_err(drawing)?;
        }
        area.present().map_err(drawing)?;
    }
    board.into_image()
}

#[cfg(test)]
mod tests {
    use super::super::metrics::NodeError;
    use super::*;

    fn metrics(errors: &[Option<(f64, f64)>]) -> SplitMetrics {
        let node = |(i, e): (usize, &Option<(f64, f64)>)| NodeError { name: format!("node {i}"), p50_p95_px: *e };
        SplitMetrics { split: "val".into(), pck: vec![], nodes: errors.iter().enumerate().map(node).collect() }
    }

    #[test]
    fn a_bar_is_as_long_as_the_error() {
        let image = node_chart(&metrics(&[Some((1.0, 4.0)), None, Some((2.0, 4.0))])).unwrap();
        let RGBColor(r, g, b) = series_color(0);
        let longest = |rows: std::ops::Range<usize>| {
            let blue = |y: usize| image.pixels()[y * 960 * 3..][..960 * 3].chunks_exact(3).filter(|p| *p == [r, g, b]).count();
            rows.map(blue).max().unwrap()
        };
        let middle = image.height_px() / 2;
        let (upper, lower) = (longest(0..middle), longest(middle..image.height_px()));
        assert!(upper > 100 && (lower as f64 / upper as f64 - 2.0).abs() < 0.03, "{upper} {lower}");
        assert!(node_chart(&metrics(&[None, None])).is_err());
    }
}
