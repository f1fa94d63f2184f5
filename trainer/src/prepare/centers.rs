//! Samples whose animals are reduced to their centres.

use crate::dataset::{Animal, Sample, SampleSource, Video};
use crate::error::Result;
use crate::report::AnimalSizes;
use crate::targets::centroids;
use dormouse::Skeleton;
use std::sync::Arc;

/// Samples whose animals are measured, at most.
const MEASURED: usize = 500;

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

    fn animal_px(&self) -> Result<Option<f64>> {
        let step = self.len().div_ceil(MEASURED).max(1);
        let animals = (0..self.len()).step_by(step).map(|index| self.source.animals(index)).collect::<Result<Vec<_>>>()?;
        Ok(AnimalSizes::of_points(animals.iter().flatten().map(|animal| &animal.points)).map(|sizes| sizes.diagonal_median_px))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::synth::{SynthConfig, SynthScenes};

    #[test]
    fn centres_keep_the_size_of_their_animals() {
        let scenes = Arc::new(SynthScenes::new(SynthConfig { count: 20, ..SynthConfig::default() }).unwrap());
        let animals: Vec<_> = (0..20).flat_map(|index| scenes.animals(index).unwrap()).collect();
        let size_px = AnimalSizes::of_points(animals.iter().map(|a| &a.points)).unwrap().diagonal_median_px;
        let centers = Centers::new(Arc::clone(&scenes) as Arc<dyn SampleSource>, None);
        assert_eq!(centers.animal_px().unwrap(), Some(size_px));
        assert!(size_px > 20.0 && centers.animals(0).unwrap().iter().all(|a| a.points.len() == 1));
        assert_eq!(scenes.animal_px().unwrap(), None, "their parts tell it");
    }
}
