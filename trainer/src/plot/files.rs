//! All charts of a run folder.

use super::accuracy::accuracy_chart;
use super::chart::{Axes, Series, line_chart};
use super::log::TrainingLog;
use super::metrics::SplitMetrics;
use super::nodes::node_chart;
use crate::dataset::image::Image;
use crate::draw::save_png;
use crate::error::{Error, Result};
use crate::train::curve::{CURVE, read_curve};
use std::path::{Path, PathBuf};

/// Draws what the run folder has figures for and gives the files written to `out`:
/// `plot.loss.png` (loss of training and validation per head, by epoch), `plot.learning.png` (validation loss by minutes; both
/// once per network, as `plot.loss.NETWORK.png`, where the run has several), `plot.curve.png` (accuracy by minutes),
/// `plot.pck.png` (share of correct keypoints by distance, all splits) and `plot.nodes.SPLIT.png` (error per node).
///
/// # Errors
/// When a log or a metrics file is there but cannot be read, when there is neither, or when `out` cannot be written to.
pub fn write_plots(run: &Path, out: &Path) -> Result<Vec<PathBuf>> {
    let mut charts: Vec<(String, Image)> = Vec::new();
    for (network, path) in logs(run)? {
        let log = TrainingLog::read(&path)?;
        if log.column("epoch").is_some_and(|epochs| !epochs.is_empty()) {
            charts.push((format!("plot.loss{network}.png"), loss_chart(&log)?));
            charts.push((format!("plot.learning{network}.png"), learning_chart(&log)?));
        }
    }
    let curve = run.join(CURVE);
    let rows = if curve.is_file() { read_curve(&curve)? } else { Vec::new() };
    if rows.iter().any(|row| row.moks_all.or(row.recall).is_some()) {
        charts.push(("plot.curve.png".into(), accuracy_chart(&rows)?));
    }
    let splits = metrics_files(run)?.iter().map(|path| SplitMetrics::read(path)).collect::<Result<Vec<_>>>()?;
    if splits.iter().any(|s| !s.pck.is_empty()) {
        charts.push(("plot.pck.png".into(), pck_chart(&splits)?));
    }
    for split in splits.iter().filter(|s| s.nodes.iter().any(|n| n.p50_p95_px.is_some())) {
        charts.push((format!("plot.nodes.{}.png", split.split), node_chart(split)?));
    }
    if charts.is_empty() {
        let what = "there is no training_log.csv with epochs and no metrics.*.json with figures";
        return Err(Error::Data(format!("{}: {what}", run.display())));
    }
    std::fs::create_dir_all(out).map_err(|e| Error::io("create folder", out, e))?;
    let mut written = Vec::with_capacity(charts.len());
    for (name, image) in charts {
        let path = out.join(name);
        save_png(&image, &path)?;
        written.push(path);
    }
    Ok(written)
}

/// Training logs of the folder and of the folders in it, where a model of several networks has one each: `.NAME` and path.
fn logs(run: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut folders = vec![(String::new(), run.to_path_buf())];
    for entry in std::fs::read_dir(run).map_err(|e| Error::io("read folder", run, e))?.filter_map(std::result::Result::ok) {
        folders.push((format!(".{}", entry.file_name().to_string_lossy()), entry.path()));
    }
    folders.sort();
    let logs = folders.into_iter().map(|(network, folder)| (network, folder.join("training_log.csv")));
    Ok(logs.filter(|(_, log)| log.is_file()).collect())
}

/// `metrics.*.json` of the folder, by name.
fn metrics_files(run: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(run).map_err(|e| Error::io("read folder", run, e))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    files.retain(|p| {
        p.file_name().is_some_and(|n| {
            let name = n.to_string_lossy();
            name.starts_with("metrics.") && name.ends_with(".json")
        })
    });
    files.sort();
    Ok(files)
}

fn loss_chart(log: &TrainingLog) -> Result<Image> {
    let mut series = Vec::new();
    let heads = log.heads();
    let mut pair = |name: &str, color, train: &str, val: &str| {
        let line = |name: String, column: &str, pale| Series { name, points: log.pairs("epoch", column), color, pale };
        series.push(line(format!("{name}, training"), train, true));
        series.push(line(format!("{name}, validation"), val, false));
    };
    pair("all heads, weighted", 0, "loss", "val_loss");
    for (index, head) in heads.iter().enumerate() {
        pair(head, index + 1, &format!("{head}_loss"), &format!("val_{head}_loss"));
    }
    line_chart(
        &Axes { title: "Loss per head", x: "epoch", y: "loss", log_y: true, x_low: None, y_range: None, rising: false },
        &series,
    )
}

fn learning_chart(log: &TrainingLog) -> Result<Image> {
    let minutes: Vec<(f64, f64)> = log.pairs("elapsed_s", "val_loss").into_iter().map(|(s, loss)| (s / 60.0, loss)).collect();
    let mut best = f64::INFINITY;
    let lowest = minutes.iter().map(|&(minute, loss)| {
        best = best.min(loss);
        (minute, best)
    });
    let series = [
        Series { name: "lowest so far".into(), points: lowest.collect(), color: 0, pale: false },
        Series { name: "every epoch".into(), points: minutes.clone(), color: 1, pale: true },
    ];
    line_chart(
        &Axes {
            title: "Validation loss",
            x: "minutes of training",
            y: "validation loss",
            log_y: true,
            x_low: Some(0.0),
            y_range: None,
            rising: false,
        },
        &series,
    )
}

fn pck_chart(splits: &[SplitMetrics]) -> Result<Image> {
    let line = |(color, s): (usize, &SplitMetrics)| {
        // No part is closer than 0 px.
        let points = std::iter::once((0.0, 0.0)).chain(s.pck.iter().copied()).collect();
        Series { name: s.title().to_owned(), points, color, pale: false }
    };
    let series: Vec<Series> = splits.iter().filter(|s| !s.pck.is_empty()).enumerate().map(line).collect();
    let axes = Axes {
        title: "Parts closer to the truth than a distance",
        x: "distance, px",
        y: "share of parts",
        log_y: false,
        x_low: Some(0.0),
        y_range: Some((0.0, 1.0)),
        rising: true,
    };
    line_chart(&axes, &series)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_gets_the_charts_it_has_figures_for() {
        let folder = tempfile::tempdir().unwrap();
        let (run, out) = (folder.path(), folder.path().join("plots"));
        assert!(write_plots(run, &out).unwrap_err().to_string().contains("training_log.csv"));
        let log = "epoch,loss,val_loss,learning_rate,elapsed_s,confmaps_loss,val_confmaps_loss\n\
                   1,2e-3,3e-3,1e-3,60,2e-3,3e-3\n2,1e-3,2e-3,1e-3,120,1e-3,2e-3\n";
        std::fs::write(run.join("training_log.csv"), log).unwrap();
        let names = |paths: Vec<PathBuf>| -> Vec<String> {
            paths.iter().map(|p| p.file_name().unwrap().to_string_lossy().into_owned()).collect()
        };
        assert_eq!(names(write_plots(run, &out).unwrap()), ["plot.loss.png", "plot.learning.png"]);
        let metrics = r#"{"pck":{"thresholds_px":[1,2],"fraction":[0.4,0.9]},"per_node":{"a":{"p50":1.5,"p95":3.0}}}"#;
        std::fs::write(run.join("metrics.val.json"), metrics).unwrap();
        let written = names(write_plots(run, &out).unwrap());
        assert_eq!(written, ["plot.loss.png", "plot.learning.png", "plot.pck.png", "plot.nodes.val.png"]);
        assert!(image::open(out.join("plot.nodes.val.png")).is_ok());
        let curve = "minutes,epoch,step,weights,frames,moks,moks_all,map,median_px,pck_5px,measuring_s\n\
                     1.0,3,600,last,20,0.5,0.4,0.1,3.5,0.6,0.4\n2.0,6,1200,best,20,0.6,0.5,0.2,3.0,0.7,0.4\n";
        std::fs::write(run.join("learning_curve.csv"), curve).unwrap();
        assert_eq!(names(write_plots(run, &out).unwrap())[2], "plot.curve.png");
        std::fs::remove_file(run.join("learning_curve.csv")).unwrap();
        std::fs::create_dir(run.join("centroid")).unwrap();
        std::fs::write(run.join("centroid/training_log.csv"), log).unwrap();
        assert_eq!(names(write_plots(run, &out).unwrap())[2..4], ["plot.loss.centroid.png", "plot.learning.centroid.png"]);
        std::fs::write(run.join("metrics.val.json"), "{").unwrap();
        assert!(write_plots(run, &out).is_err());
    }
}
