//! `learning_curve.csv`: the measured accuracy by minutes of training.

use super::accuracy::{Accuracy, Moment};
use crate::error::{Error, Result};
use crate::output::write_atomically;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Name of the file in the run folder.
pub const CURVE: &str = "learning_curve.csv";
/// [`CurveRow::weights`] of the best weights.
const BEST: &str = "best";

/// One measurement; an empty field where nothing could be judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurveRow {
    /// Minutes trained, all networks and sessions, without the time of the measurements.
    pub minutes: f64,
    /// Epoch of the network under training.
    pub epoch: usize,
    /// Its steps.
    pub step: u64,
    /// `last`: the weights of that moment; `best`: those with the lowest validation loss, at the end.
    pub weights: String,
    /// Frames measured on.
    pub frames: usize,
    /// Share of the predicted animals that are there.
    #[serde(default)]
    pub precision: Option<f64>,
    /// Share of the animals that were found.
    #[serde(default)]
    pub recall: Option<f64>,
    /// Mean object keypoint similarity of found animals; centres have none.
    pub moks: Option<f64>,
    /// The same with missed animals as 0.
    pub moks_all: Option<f64>,
    /// Mean average precision.
    pub map: Option<f64>,
    /// Median error in frame pixels.
    pub median_px: Option<f64>,
    /// Share of visible parts of found animals within 5 px.
    pub pck_5px: Option<f64>,
    /// Seconds that the measurement took.
    pub measuring_s: f64,
}

impl CurveRow {
    /// The row of a measurement; `earlier_minutes` were spent on networks before this one.
    pub fn new(accuracy: &Accuracy, at: &Moment, earlier_minutes: f64) -> Self {
        Self {
            minutes: earlier_minutes + at.elapsed_s / 60.0,
            epoch: at.epoch,
            step: at.step,
            weights: if at.is_best { BEST } else { "last" }.into(),
            frames: accuracy.frames,
            precision: accuracy.precision,
            recall: accuracy.recall,
            moks: accuracy.moks,
            moks_all: accuracy.moks_all,
            map: accuracy.map,
            median_px: accuracy.median_px,
            pck_5px: accuracy.pck_5px,
            measuring_s: accuracy.cost_s,
        }
    }

    /// Whether it is about the best weights, at the end.
    pub fn is_best(&self) -> bool {
        self.weights == BEST
    }
}

/// The file of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct CurveFile {
    path: PathBuf,
    rows: Vec<CurveRow>,
}

impl CurveFile {
    /// The curve at `path`: a resumed run goes on with the rows that are there, another one begins anew with its first row.
    ///
    /// # Errors
    /// As [`read_curve`].
    pub fn open(path: PathBuf, resume: bool) -> Result<Self> {
        let rows = if resume && path.exists() { read_curve(&path)? } else { Vec::new() };
        Ok(Self { path, rows })
    }

    /// The rows so far.
    pub fn rows(&self) -> &[CurveRow] {
        &self.rows
    }

    /// Adds a row and writes the file. Rows of later steps go: they were measured after the checkpoint that was gone on from.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn add(&mut self, row: CurveRow) -> Result<()> {
        self.rows.retain(|old| old.step < row.step || (old.step == row.step && old.weights != row.weights));
        self.rows.push(row);
        let mut writer = csv::Writer::from_writer(Vec::new());
        self.rows.iter().try_for_each(|row| writer.serialize(row)).map_err(|e| fault(&self.path, &e))?;
        let bytes = writer.into_inner().map_err(|e| Error::io("write", &self.path, e.into_error()))?;
        write_atomically(&self.path, |file| file.write_all(&bytes))
    }
}

/// Reads the file.
///
/// # Errors
/// [`Error::BadFile`] when it is no such table.
pub fn read_curve(path: &Path) -> Result<Vec<CurveRow>> {
    let mut reader = csv::Reader::from_path(path).map_err(|e| fault(path, &e))?;
    reader.deserialize().collect::<std::result::Result<_, _>>().map_err(|e| fault(path, &e))
}

fn fault(path: &Path, error: &csv::Error) -> Error {
    Error::bad_file(path, "learning curve", error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(step: u64, is_best: bool) -> CurveRow {
        let accuracy = Accuracy {
            frames: 20,
            precision: Some(1.0),
            recall: Some(0.5),
            moks: Some(0.5),
            moks_all: Some(0.25),
            map: None,
            median_px: Some(3.5),
            pck_5px: None,
            cost_s: 0.5,
        };
        CurveRow::new(&accuracy, &Moment { epoch: 1, step, elapsed_s: 6.0 * step as f64, is_best }, 2.0)
    }

    #[test]
    fn rows_come_back_and_a_resumed_run_takes_back_what_it_repeats() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(CURVE);
        let mut curve = CurveFile::open(path.clone(), true).unwrap();
        for (step, is_best) in [(10, false), (20, false), (30, false), (30, true)] {
            curve.add(row(step, is_best)).unwrap();
        }
        assert_eq!(read_curve(&path).unwrap(), curve.rows());
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with(
                "minutes,epoch,step,weights,frames,precision,recall,moks,moks_all,map,median_px,pck_5px,measuring_s\n"
            ),
            "{text}"
        );
        assert!(text.contains("3.0,1,10,last,20,1.0,0.5,0.5,0.25,,3.5,,0.5\n"), "{text}");
        let mut resumed = CurveFile::open(path.clone(), true).unwrap();
        resumed.add(row(25, false)).unwrap();
        let steps: Vec<u64> = resumed.rows().iter().map(|r| r.step).collect();
        assert_eq!(steps, [10, 20, 25]);
        assert!(CurveFile::open(path.clone(), false).unwrap().rows().is_empty());
        std::fs::write(&path, "minutes,epoch\n1,x\n").unwrap();
        assert!(CurveFile::open(path, true).is_err());
    }
}
