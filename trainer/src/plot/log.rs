//! Reading `training_log.csv` back.

use crate::error::{Error, Result};
use std::path::Path;

/// Columns of a training log by name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TrainingLog {
    columns: Vec<(String, Vec<f64>)>,
}

impl TrainingLog {
    /// Reads a log. A field that is no number counts as NaN; a row that is cut off (a run that was killed) lacks its end.
    ///
    /// # Errors
    /// [`Error::BadFile`] when it is not a table with the columns `epoch` and `val_loss`.
    pub fn read(path: &Path) -> Result<Self> {
        let fault = |what: String| Error::bad_file(path, "training log", what);
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(path).map_err(|e| fault(e.to_string()))?;
        let names: Vec<String> = reader.headers().map_err(|e| fault(e.to_string()))?.iter().map(String::from).collect();
        let mut columns: Vec<(String, Vec<f64>)> = names.into_iter().map(|name| (name, Vec::new())).collect();
        for record in reader.records() {
            let record = record.map_err(|e| fault(e.to_string()))?;
            for (index, (_, values)) in columns.iter_mut().enumerate() {
                values.push(record.get(index).and_then(|text| text.trim().parse().ok()).unwrap_or(f64::NAN));
            }
        }
        let log = Self { columns };
        for needed in ["epoch", "val_loss"] {
            if log.column(needed).is_none() {
                return Err(fault(format!("there is no column `{needed}`")));
            }
        }
        Ok(log)
    }

    /// Values of a column, one per epoch.
    pub fn column(&self, name: &str) -> Option<&[f64]> {
        self.columns.iter().find(|(n, _)| n == name).map(|(_, values)| values.as_slice())
    }

    /// Names of the heads: every `NAME_loss` that has a `val_NAME_loss`.
    pub fn heads(&self) -> Vec<&str> {
        let names = self.columns.iter().filter_map(|(name, _)| name.strip_suffix("_loss"));
        names.filter(|name| self.column(&format!("val_{name}_loss")).is_some()).collect()
    }

    /// Pairs of two columns; empty when one is missing.
    pub fn pairs(&self, x: &str, y: &str) -> Vec<(f64, f64)> {
        let columns = self.column(x).zip(self.column(y));
        columns.map(|(x, y)| x.iter().copied().zip(y.iter().copied()).collect()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_by_name_even_of_a_log_that_was_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.csv");
        let text = "epoch,loss,val_loss,pafs_loss,val_pafs_loss\n1,0.5,4e-1,0.1,0.2\n2,0.25,NaN,0.1,0.2\n3,0.1";
        std::fs::write(&path, text).unwrap();
        let log = TrainingLog::read(&path).unwrap();
        assert_eq!(log.heads(), ["pafs"]);
        assert_eq!(log.pairs("epoch", "loss"), [(1.0, 0.5), (2.0, 0.25), (3.0, 0.1)]);
        let losses = log.column("val_loss").unwrap();
        assert!(losses[0] == 0.4 && losses[1].is_nan() && losses[2].is_nan());
        assert!(log.pairs("epoch", "nothing").is_empty());
        std::fs::write(&path, "a,b\n1,2\n").unwrap();
        assert!(TrainingLog::read(&path).unwrap_err().to_string().contains("`epoch`"));
        assert!(TrainingLog::read(&folder.path().join("none")).is_err());
    }
}
