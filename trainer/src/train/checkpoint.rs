//! Saved training state: everything needed to go on as if nothing had happened.
//!
//! File: magic, length of a JSON header (u32), the header, weights, first and second moments, with AMSGrad also the largest second
//! moments (f32 each), SHA-256 of all before.
//! All numbers are little-endian. The file is written under another name and then renamed, so that a crash leaves the old one.

use super::exact;
use super::optimizer::Optimizer;
use super::schedule::PlateauState;
use crate::error::{Error, Result};
use crate::model::{PoseNet, PoseNetConfig};
use crate::output::write_atomically;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::Path;

const MAGIC: &[u8; 8] = b"DORMCKP1";
const DIGEST_LEN: usize = 32;
/// The header is a few hundred bytes; more is not one of our files.
const MAX_HEADER_LEN: usize = 1 << 20;

/// Where the training stands. Batches depend on epoch and step alone, so that this is also the position of all randomness.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Completed epochs.
    pub epoch: usize,
    /// Steps done in the epoch under way.
    pub step_in_epoch: usize,
    /// Sum of the training losses per head over those steps.
    #[serde(with = "exact::many")]
    pub loss_sums: Vec<f64>,
    /// Epoch with the lowest validation loss; 0 when there is none yet.
    pub best_epoch: usize,
    /// That loss; `None` when there is none yet.
    #[serde(with = "exact::maybe")]
    pub best_loss: Option<f64>,
    /// Epochs since the validation loss fell, for early stopping.
    pub stale_epochs: usize,
    /// Lowest loss as early stopping counts it.
    #[serde(with = "exact::maybe")]
    pub stop_best: Option<f64>,
    /// State of the plateau schedule.
    pub plateau: PlateauState,
    /// Seconds trained so far.
    #[serde(with = "exact::one")]
    pub elapsed_s: f64,
}

impl Progress {
    /// Before the first step.
    pub fn new(learning_rate: f64, heads: usize) -> Self {
        Self {
            epoch: 0,
            step_in_epoch: 0,
            loss_sums: vec![0.0; heads],
            best_epoch: 0,
            best_loss: None,
            stale_epochs: 0,
            stop_best: None,
            plateau: PlateauState::new(learning_rate),
            elapsed_s: 0.0,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Header {
    network: PoseNetConfig,
    config_hash: String,
    adam_step: u64,
    #[serde(default)]
    amsgrad: bool,
    parameters: usize,
    progress: Progress,
}

/// What an optimiser carries from step to step.
#[derive(Debug, Clone, PartialEq)]
pub struct OptimizerState {
    /// Steps taken.
    pub steps: u64,
    /// First moments, in the order of [`PoseNet::to_flat`].
    pub first: Vec<f32>,
    /// Second moments.
    pub second: Vec<f32>,
    /// Largest second moments; with AMSGrad only.
    pub largest: Option<Vec<f32>>,
}

/// A checkpoint in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// The network's configuration.
    pub network: PoseNetConfig,
    /// Hash of the training configuration.
    pub config_hash: String,
    /// Weights, in the order of [`PoseNet::to_flat`].
    pub weights: Vec<f32>,
    /// State of the optimiser.
    pub optimizer: OptimizerState,
    /// Position.
    pub progress: Progress,
}

impl Checkpoint {
    /// The state as it is now.
    ///
    /// # Errors
    /// When the device fails.
    pub fn capture(net: &PoseNet, optimizer: &Optimizer, progress: &Progress, config_hash: &str) -> Result<Self> {
        Ok(Self {
            network: net.config().clone(),
            config_hash: config_hash.into(),
            weights: net.to_flat()?,
            optimizer: optimizer.state()?,
            progress: progress.clone(),
        })
    }

    /// Writes the file in one go.
    ///
    /// # Errors
    /// [`Error::Io`] when the system refuses.
    pub fn write(&self, path: &Path) -> Result<()> {
        let header = Header {
            network: self.network.clone(),
            config_hash: self.config_hash.clone(),
            adam_step: self.optimizer.steps,
            amsgrad: self.optimizer.largest.is_some(),
            parameters: self.weights.len(),
            progress: self.progress.clone(),
        };
        let header = serde_json::to_vec(&header).map_err(|e| Error::Train(format!("cannot write a checkpoint: {e}")))?;
        let blocks =
            [Some(&self.weights), Some(&self.optimizer.first), Some(&self.optimizer.second), self.optimizer.largest.as_ref()];
        let mut bytes = Vec::with_capacity(header.len() + 16 * self.weights.len() + 64);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&(header.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&header);
        for block in blocks.into_iter().flatten() {
            bytes.extend(block.iter().flat_map(|v| v.to_le_bytes()));
        }
        let digest = Sha256::digest(&bytes);
        bytes.extend_from_slice(&digest);
        write_atomically(path, |file| file.write_all(&bytes))
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::BadFile`] when it is damaged or not a checkpoint.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
        Self::parse(&bytes).map_err(|what| Error::bad_file(path, "checkpoint", what))
    }

    fn parse(bytes: &[u8]) -> std::result::Result<Self, String> {
        let damaged = || "the file is cut short or damaged".to_string();
        if !bytes.starts_with(MAGIC) {
            return Err("this is not a checkpoint of this program".into());
        }
        let body_len = bytes.len().checked_sub(DIGEST_LEN).ok_or_else(damaged)?;
        let (body, digest) = bytes.split_at(body_len);
        if Sha256::digest(body).as_slice() != digest {
            return Err(damaged());
        }
        let rest = body.get(MAGIC.len()..).ok_or_else(damaged)?;
        let (len, rest) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
        let len = u32::from_le_bytes(*len) as usize;
        if len > MAX_HEADER_LEN || len > rest.len() {
            return Err(damaged());
        }
        let (header, numbers) = rest.split_at(len);
        let header: Header = serde_json::from_slice(header).map_err(|e| format!("the header cannot be read: {e}"))?;
        let blocks = if header.amsgrad { 4 } else { 3 };
        if header.parameters.checked_mul(4 * blocks) != Some(numbers.len()) {
            return Err(format!("{} parameters are announced, {} bytes are there", header.parameters, numbers.len()));
        }
        let floats: Vec<f32> = numbers.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        let block = |i: usize| floats[i * header.parameters..(i + 1) * header.parameters].to_vec();
        Ok(Self {
            network: header.network,
            config_hash: header.config_hash,
            weights: block(0),
            optimizer: OptimizerState {
                steps: header.adam_step,
                first: block(1),
                second: block(2),
                largest: header.amsgrad.then(|| block(3)),
            },
            progress: header.progress,
        })
    }
}

/// Puts a checkpoint's weights into a network of the same configuration.
///
/// # Errors
/// When the file cannot be read or belongs to another network.
pub fn load_weights(path: &Path, net: &mut PoseNet) -> Result<Checkpoint> {
    let checkpoint = Checkpoint::read(path)?;
    if checkpoint.network != *net.config() {
        return Err(Error::Train(format!("{} belongs to another network", path.display())));
    }
    net.set_flat(&checkpoint.weights)?;
    Ok(checkpoint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{HeadSpec, UnetConfig};
    use crate::train::optimizer::OptimizerConfig;
    use burn::tensor::Device;
    use dormouse::config::HeadKind;

    #[test]
    fn round_trips_and_refuses_damage() {
        let heads = vec![HeadSpec::new(HeadKind::ConfidenceMaps, "confmaps", 2, 2)];
        let unet = UnetConfig { filters: 2, max_stride: 4, ..UnetConfig::default() };
        let net = PoseNetConfig { in_channels: 1, backbone: unet.into(), heads }.init(1, &Device::default()).unwrap();
        let mut progress = Progress::new(1e-3, 1);
        progress.best_loss = Some(0.1 + 0.2);
        // JSON readers may bring the last bit of a decimal back changed.
        progress.loss_sums = vec![1.0 / 3.0, 2.718_281_828_459_045_4e-7, f64::MIN_POSITIVE / 3.0];
        progress.plateau.learning_rate = 1e-3 / 7.0;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("last.ckpt");
        for amsgrad in [true, false] {
            let optimizer = Optimizer::new(&net, OptimizerConfig { amsgrad, ..OptimizerConfig::default() });
            let saved = Checkpoint::capture(&net, &optimizer, &progress, "abc").unwrap();
            saved.write(&path).unwrap();
            assert_eq!(Checkpoint::read(&path).unwrap(), saved);
        }
        let bytes = std::fs::read(&path).unwrap();
        for cut in [0, 7, 20, bytes.len() / 2, bytes.len() - 1] {
            assert!(Checkpoint::parse(&bytes[..cut]).is_err());
        }
        for at in (0..bytes.len()).step_by(997) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(Checkpoint::parse(&damaged).is_err());
        }
    }
}
