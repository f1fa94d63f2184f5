//! From samples to batches: augment, preprocess as the runtime does, draw the targets.

mod centers;
mod crop_size;
mod crops;
mod frames;
mod order;
mod target;

pub use centers::Centers;
pub use crop_size::{Extent, augmentation_padding_px, crop_size_px};
pub use crops::{CropBatches, CropPlan};
pub use frames::SampleBatches;
pub use target::TargetSpec;
