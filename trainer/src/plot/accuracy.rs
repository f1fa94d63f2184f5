//! Accuracy by minutes of training.

use super::chart::{Axes, Series, stacked_charts};
use crate::dataset::image::Image;
use crate::error::Result;
use crate::train::curve::CurveRow;

/// Draws the shares (mOKS, mAP, parts within 5 px; of centres precision and recall) over the median error. The large dots at the end are those of the best weights.
///
/// # Errors
/// [`crate::Error::Data`] when nothing could be judged in any row.
pub fn accuracy_chart(rows: &[CurveRow]) -> Result<Image> {
    let frames = rows.last().map_or(0, |row| row.frames);
    let title = format!("Accuracy on {frames} validation frames (dot at the end: best weights)");
    let high = |name: &str, color, value: fn(&CurveRow) -> Option<f64>| lines(rows, name, color, value);
    let centers_alone = rows.iter().all(|row| row.moks_all.is_none());
    let found = [high("precision", 0, |row| row.precision), high("recall", 1, |row| row.recall)];
    let parts = [
        high("parts within 5 px", 2, |row| row.pck_5px),
        high("mOKS", 0, |row| row.moks),
        high("mOKS, missed animals as 0", 5, |row| row.moks_all),
        high("mAP", 1, |row| row.map),
    ];
    let errors = lines(rows, "median error", 3, |row| row.median_px);
    let worst_px = errors.iter().flat_map(|s| &s.points).map(|p| p.1).filter(|v| v.is_finite()).fold(0.0, f64::max);
    let upper = Axes {
        title: &title,
        x: "minutes of training",
        y: "share",
        log_y: false,
        x_low: Some(0.0),
        y_range: Some((0.0, 1.0)),
        rising: true,
    };
    let lower = Axes {
        title: "Median distance to the truth",
        y: "px of the frame",
        y_range: Some((0.0, (1.1 * worst_px).max(1e-3))),
        rising: false,
        ..upper
    };
    let near = [high("centres within 5 px", 2, |row| row.pck_5px)];
    let shares =
        if centers_alone { found.into_iter().chain(near).flatten().collect() } else { parts.into_iter().flatten().collect() };
    if worst_px == 0.0 {
        return stacked_charts(&[(upper, shares)]);
    }
    stacked_charts(&[(upper, shares), (lower, errors)])
}

/// The curve itself and, where there is one, the measurement of the best weights at its end.
fn lines(rows: &[CurveRow], name: &str, color: usize, value: fn(&CurveRow) -> Option<f64>) -> Vec<Series> {
    let points = |is_best: bool| -> Vec<(f64, f64)> {
        let chosen = rows.iter().filter(|row| row.is_best() == is_best);
        chosen.filter_map(|row| Some((row.minutes, value(row)?))).collect()
    };
    // An earlier session may have ended with best weights, too: the last ones count.
    let best = points(true).last().copied();
    let curve = points(false);
    // One entry in the legend for both.
    let end_name = if curve.is_empty() { name } else { "" };
    let end = Series { name: end_name.to_owned(), points: best.into_iter().collect(), color, pale: false };
    vec![Series { name: name.to_owned(), points: curve, color, pale: false }, end]
}

#[cfg(test)]
mod tests {
    use super::super::chart::series_color;
    use super::*;
    use crate::train::{Accuracy, Moment};

    fn row(minutes: f64, moks: Option<f64>, is_best: bool) -> CurveRow {
        let accuracy = Accuracy {
            frames: 9,
            precision: None,
            recall: moks,
            moks,
            moks_all: moks.map(|v| v / 2.0),
            map: None,
            median_px: moks.map(|v| 5.0 - v),
            pck_5px: None,
            cost_s: 0.1,
        };
        CurveRow::new(&accuracy, &Moment { epoch: 1, step: 1, elapsed_s: 60.0 * minutes, is_best }, 0.0)
    }

    #[test]
    fn both_panels_have_their_lines_and_nothing_judged_is_an_error() {
        let rows = [row(1.0, None, false), row(2.0, Some(0.3), false), row(3.0, Some(0.6), false), row(3.1, Some(0.7), true)];
        let image = accuracy_chart(&rows).unwrap();
        let (upper, lower) = image.pixels().split_at(image.pixels().len() / 2);
        let count = |part: &[u8], color: usize| {
            let color = series_color(color);
            part.chunks_exact(3).filter(|p| *p == [color.0, color.1, color.2]).count()
        };
        assert!(count(upper, 0) > 100 && count(upper, 3) == 0);
        assert!(count(lower, 3) > 100 && count(lower, 0) == 0);
        assert!(accuracy_chart(&[row(1.0, None, false)]).is_err());
        assert!(accuracy_chart(&[]).is_err());
    }
}
