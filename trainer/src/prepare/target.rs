//! The target of one head for a whole batch.

use crate::batch::Block;
use crate::dataset::{Animal, SampleSource};
use crate::error::Result;
use crate::targets::{class_maps, class_vector, confidence_maps, part_affinity_fields};
use dormouse::config::HeadKind;

/// What one head is taught.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetSpec {
    /// Kind of map.
    pub kind: HeadKind,
    /// Width of the target: cells for bumps, input pixels for affinity fields (SLEAP's units); class vectors have none.
    pub sigma: f32,
    /// Input pixels per map cell.
    pub stride_px: usize,
}

impl TargetSpec {
    fn channels(&self, source: &dyn SampleSource) -> usize {
        match self.kind {
            HeadKind::ConfidenceMaps => source.skeleton().nodes.len(),
            HeadKind::PartAffinityFields => 2 * source.skeleton().edges.len(),
            HeadKind::Centroids => 1,
            HeadKind::ClassMaps | HeadKind::ClassVectors => source.identities().len(),
        }
    }

    /// The target for inputs of this size in pixels; `animals` has one entry per image, in input pixels. For centroids the
    /// animals have the centre as their only part; for class vectors the first animal of a crop counts.
    pub(super) fn draw(&self, source: &dyn SampleSource, animals: &[&[Animal]], width: usize, height: usize) -> Result<Block> {
        let channels = self.channels(source);
        let (sigma, stride) = (self.sigma, self.stride_px);
        let [rows, columns] = match self.kind {
            HeadKind::ClassVectors => [1, 1],
            _ => [height.div_ceil(stride.max(1)), width.div_ceil(stride.max(1))],
        };
        let mut maps = vec![0.0; animals.len() * channels * rows * columns];
        for (out, animals) in maps.chunks_exact_mut((channels * rows * columns).max(1)).zip(animals) {
            match self.kind {
                HeadKind::ConfidenceMaps | HeadKind::Centroids => {
                    confidence_maps(animals, channels, sigma, stride, width, height, out)?;
                }
                HeadKind::PartAffinityFields => {
                    part_affinity_fields(animals, &source.skeleton().edges, sigma, stride, width, height, out)?;
                }
                HeadKind::ClassMaps => class_maps(animals, channels, sigma, stride, width, height, out)?,
                HeadKind::ClassVectors => class_vector(animals.first(), channels, out)?,
            }
        }
        Ok((maps, [animals.len(), channels, rows, columns]))
    }
}
