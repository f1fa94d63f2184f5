//! Samples whose animals are reduced to their centres.

use crate::dataset::{Animal, Sample, SampleSource, Video};
use crate::error::Result;
use crate::targets::centroids;
use dormouse::Skeleton;
use std::sync::Arc;

/// The same images, with the centre of each animal as its only part. A centroid network learns from them, and a centroid model is
/// measured against them.
pub struct Centers {
    source: Arc<dyn SampleSource>,
    anchor: Option<usize>,
    skeleton: Skeleton,
}

impl Centers {
    /// Centres at the part `anchor`, or at the mean of the parts where it is missing ([`crate::targets::centroid`]).
    pub fn new(source: Arc<dyn SampleSource>, anchor: Option<usize>) -> Self {
        let skeleton = Skeleton { name: "centroid".into(), nodes: vec!["centroid".into()], ..Skeleton::default() };
        Self { source, anchor, skeleton }
    }
}

impl SampleSource for Centers {
    fn skeleton(&self) -> &Skeleton {
        &self.skeleton
    }

    fn identities(&self) -> &[String] {
        self.source.identities()
    }

    fn len(&self) -> usize {
        self.source.len()
    }

    fn sample(&self, index: usize) -> Result<Sample> {
        let Sample { image, animals } = self.source.sample(index)?;
        Ok(Sample { image, animals: centroids(&animals, self.anchor) })
    }

    fn animals(&self, index: usize) -> Result<Vec<Animal>> {
        Ok(centroids(&self.source.animals(index)?, self.anchor))
    }

    fn origin(&self, index: usize) -> Option<(&Video, u64)> {
        self.source.origin(index)
    }
}
