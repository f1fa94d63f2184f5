//! What one training step works on.

use crate::error::{Error, Result};

/// Numbers with their `[batch, channels, height, width]`.
pub type Block = (Vec<f32>, [usize; 4]);

/// Images and the maps the network should yield for them.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Images in 0..1.
    pub images: Block,
    /// One block per head, in head order.
    pub targets: Vec<Block>,
}

impl Batch {
    /// Number of images.
    pub fn len(&self) -> usize {
        self.images.1[0]
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Checks that every block has as many numbers as its shape says and that all have the same batch size.
    ///
    /// # Errors
    /// [`Error::Data`] naming the block.
    pub fn check(&self) -> Result<()> {
        for (i, (data, dims)) in std::iter::once(&self.images).chain(&self.targets).enumerate() {
            if data.len() != dims.iter().product::<usize>() || dims[0] != self.len() || data.is_empty() {
                let name = if i == 0 { "the images".to_string() } else { format!("target {}", i - 1) };
                return Err(Error::Data(format!("{name} of a batch: {} numbers do not fill {dims:?}", data.len())));
            }
        }
        Ok(())
    }
}

/// Makes batches. The same epoch and index always give the same batch, whichever thread asks.
pub trait BatchSource: Send + Sync {
    /// Batches of one pass over the data.
    fn batches(&self) -> usize;

    /// Batch `index` of epoch `epoch`. Indices at and above [`Self::batches`] go on into further passes.
    ///
    /// # Errors
    /// When a sample cannot be read or prepared.
    fn batch(&self, epoch: usize, index: usize) -> Result<Batch>;
}
