//! `training_log.csv`: one row per epoch.

use super::checkpoint::Progress;
use super::spec::TrainSpec;
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// Appends rows to the log of a run.
pub struct EpochLog {
    path: PathBuf,
    header: Vec<String>,
}

/// Numbers of one epoch; losses per head are without weights.
#[derive(Debug, Clone, PartialEq)]
pub struct EpochRow {
    /// Epoch, from 1.
    pub epoch: usize,
    /// Weighted training loss.
    pub train_loss: f64,
    /// Training loss per head.
    pub train_heads: Vec<f64>,
    /// Weighted validation loss.
    pub val_loss: f64,
    /// Validation loss per head.
    pub val_heads: Vec<f64>,
    /// Learning rate at the end.
    pub learning_rate: f64,
    /// Seconds since the training began.
    pub elapsed_s: f64,
}

impl EpochLog {
    /// Opens the log of a run that stands at `progress`: a fresh run starts it anew, a resumed one keeps the rows of completed
    /// epochs.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn open(path: &Path, spec: &TrainSpec, progress: &Progress) -> Result<Self> {
        let heads = |prefix: &str| spec.heads.iter().map(|h| format!("{prefix}{}_loss", h.name)).collect::<Vec<_>>();
        let mut header = vec!["epoch".to_string(), "loss".into(), "val_loss".into(), "learning_rate".into(), "elapsed_s".into()];
        header.extend(heads(""));
        header.extend(heads("val_"));
        let mut kept = vec![csv::StringRecord::from(header.clone())];
        if progress.epoch > 0 && path.exists() {
            let mut reader = csv::Reader::from_path(path).map_err(|e| fault(path, &e))?;
            for record in reader.records() {
                let record = record.map_err(|e| fault(path, &e))?;
                if record.get(0).and_then(|e| e.parse().ok()).is_some_and(|e: usize| e <= progress.epoch) {
                    kept.push(record);
                }
            }
        }
        let mut writer = csv::WriterBuilder::new().flexible(true).from_path(path).map_err(|e| fault(path, &e))?;
        for record in &kept {
            writer.write_record(record).map_err(|e| fault(path, &e))?;
        }
        writer.flush().map_err(|e| Error::io("write", path, e))?;
        Ok(Self { path: path.to_path_buf(), header })
    }

    /// Adds an epoch.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn append(&mut self, row: &EpochRow) -> Result<()> {
        let numbers = [row.train_loss, row.val_loss, row.learning_rate, row.elapsed_s];
        let all = numbers.iter().chain(&row.train_heads).chain(&row.val_heads).map(|v| format!("{v:.9e}"));
        let record: Vec<String> = std::iter::once(row.epoch.to_string()).chain(all).collect();
        debug_assert_eq!(record.len(), self.header.len(), "one field per column");
        let file = std::fs::OpenOptions::new().append(true).open(&self.path);
        let mut writer = csv::Writer::from_writer(file.map_err(|e| Error::io("write", &self.path, e))?);
        writer.write_record(&record).map_err(|e| fault(&self.path, &e))?;
        writer.flush().map_err(|e| Error::io("write", &self.path, e))
    }
}

fn fault(path: &Path, error: &csv::Error) -> Error {
    Error::bad_file(path, "training log", error.to_string())
}
