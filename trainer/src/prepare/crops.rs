//! Batches of crops, each around one animal, cut as the runtime cuts them.

use super::order::shuffled;
use super::target::TargetSpec;
use crate::augment::Augment;
use crate::batch::{Batch, BatchSource};
use crate::dataset::Image;
use crate::dataset::sample::{Animal, MISSING, Point, Sample, SampleSource};
use crate::error::{Error, Result};
use crate::targets::centroid;
use dormouse::ImagePoint;
use dormouse::config::PreprocessConfig;
use dormouse::preprocess::CropSampler;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use std::sync::Arc;

/// How crops are cut.
#[derive(Debug, Clone, PartialEq)]
pub struct CropPlan {
    /// Colour and scale of the network that sees the crops.
    pub preprocess: PreprocessConfig,
    /// Side of a crop in pixels of the network's input, a multiple of its stride.
    pub size_px: usize,
    /// Part that is the centre.
    pub anchor: Option<usize>,
    /// Most that a training crop is shifted along each axis, in input pixels.
    pub jitter_px: f32,
}

/// Crops around all animals of some samples.
///
/// With augmentation the order is shuffled anew for every pass; without it, animals come in order and the last batch is smaller. The
/// same epoch and index always give the same batch. Other animals stay visible, but only the one in the middle is in the target.
pub struct CropBatches {
    source: Arc<dyn SampleSource>,
    /// Sample and place in it of every animal with a part.
    animals: Vec<(usize, usize)>,
    augment: Option<Augment>,
    plan: CropPlan,
    targets: Vec<TargetSpec>,
    batch_size: usize,
    seed: u64,
}

/// A crop: its values, and the animal in the middle in crop pixels.
struct Crop {
    values: Vec<f32>,
    animal: Animal,
}

impl CropBatches {
    /// Lists the animals of `source`. `augment` varies training crops, with the animal's surroundings as its image; validation has
    /// none.
    ///
    /// # Errors
    /// When a sample cannot be read, or there is no animal.
    pub fn new(
        source: Arc<dyn SampleSource>,
        augment: Option<Augment>,
        plan: CropPlan,
        targets: Vec<TargetSpec>,
        (batch_size, seed): (usize, u64),
    ) -> Result<Self> {
        let found: Result<Vec<Vec<Animal>>> = (0..source.len()).into_par_iter().map(|i| source.animals(i)).collect();
        let places = found?.into_iter().enumerate().flat_map(|(sample, animals)| {
            let with_parts = animals.into_iter().enumerate().filter(|(_, animal)| animal.has_parts());
            with_parts.map(move |(place, _)| (sample, place)).collect::<Vec<_>>()
        });
        let animals: Vec<(usize, usize)> = places.collect();
        if animals.is_empty() || batch_size == 0 {
            return Err(Error::Data("there are no animals to make crops of".into()));
        }
        Ok(Self { source, animals, augment, plan, targets, batch_size, seed })
    }

    /// Number of animals.
    pub fn len(&self) -> usize {
        self.animals.len()
    }

    /// Never true: without animals there are no batches.
    pub fn is_empty(&self) -> bool {
        self.animals.is_empty()
    }

    /// The animal in the middle of the crop at `position` of an epoch, in crop pixels; parts outside of the crop are missing. Crop
    /// `position` is number `position % batch size` of batch `position / batch size`.
    ///
    /// # Errors
    /// When its sample cannot be read.
    pub fn animal_at(&self, epoch: usize, position: usize) -> Result<Animal> {
        Ok(self.crop(epoch, position)?.animal)
    }

    fn crop(&self, epoch: usize, position: usize) -> Result<Crop> {
        let Some(augment) = &self.augment else {
            let (image, animal) = self.animal(position % self.len())?;
            let center = self.center(&animal)?;
            return self.cut(&image, animal, center);
        };
        let (place, mut rng) = shuffled(self.seed, epoch, position, self.len());
        let (image, animal) = self.animal(place)?;
        let center = self.center(&animal)?;
        let (varied, center) = self.varied(&image, &animal, center, augment, &mut rng);
        let scale = self.plan.preprocess.input_scale;
        let jitter_px = self.plan.jitter_px / scale;
        let center = center.map(|v| v + jitter_px * (2.0 * rng.random::<f32>() - 1.0));
        let Sample { image, mut animals } = varied;
        let animal =
            if animals.is_empty() { Animal { points: Vec::new(), identity: animal.identity } } else { animals.remove(0) };
        self.cut(&image, animal, center)
    }

    fn animal(&self, place: usize) -> Result<(Image, Animal)> {
        let (sample, animal) = self.animals[place];
        let Sample { image, mut animals } = self.source.sample(sample)?;
        if animal >= animals.len() {
            return Err(Error::Data(format!("sample {sample} has lost its animals")));
        }
        Ok((image, animals.swap_remove(animal)))
    }

    fn center(&self, animal: &Animal) -> Result<Point> {
        centroid(animal, self.plan.anchor).ok_or_else(|| Error::Data("an animal has lost its parts".into()))
    }

    /// The surroundings of the animal, varied, with the animal alone in it, and where its centre has gone. The window is so large
    /// that turning and shrinking do not bring its corners into the crop.
    fn varied(&self, image: &Image, animal: &Animal, center: Point, augment: &Augment, rng: &mut ChaCha8Rng) -> (Sample, Point) {
        let plan = &self.plan;
        let field_px = (plan.size_px as f32 + 2.0 * plan.jitter_px) / plan.preprocess.input_scale;
        let side_px = (field_px * std::f32::consts::SQRT_2 / augment.config().scale[0].min(1.0)).ceil() as usize + 4;
        let origin = center.map(|v| (v - side_px as f32 / 2.0).round() as i64);
        let moved = |p: &Point| [p[0] - origin[0] as f32, p[1] - origin[1] as f32];
        let points = animal.points.iter().map(moved).collect();
        let window = Sample {
            image: image.window(origin, side_px),
            // The centre goes the way of the parts as an animal of its own.
            animals: vec![Animal { points, identity: animal.identity }, vec![moved(&center)].into()],
        };
        let mut varied = augment.apply(&window, rng);
        let center = varied.animals.pop().and_then(|a| a.points.first().copied()).filter(|p| p[0].is_finite());
        (varied, center.unwrap_or([side_px as f32 / 2.0; 2]))
    }

    /// Cuts the crop; parts outside of it are missing.
    fn cut(&self, image: &Image, animal: Animal, center: Point) -> Result<Crop> {
        let (plan, side) = (&self.plan, self.plan.size_px as f32);
        let (width_px, height_px) = (image.width_px() as u32, image.height_px() as u32);
        let mut sampler = CropSampler::new(&plan.preprocess, plan.size_px as u32, width_px, height_px)?;
        let mut values = vec![0.0; sampler.shape().len()];
        let map = sampler.run(&image.frame()?, ImagePoint { x_px: center[0], y_px: center[1] }, &mut values)?;
        let in_crop = |p: &Point| {
            let p = map.to_crop(ImagePoint { x_px: p[0], y_px: p[1] });
            let inside = |v: f32| v >= -0.5 && v < side - 0.5;
            if inside(p.x_px) && inside(p.y_px) { [p.x_px, p.y_px] } else { MISSING }
        };
        let points = animal.points.iter().map(in_crop).collect();
        Ok(Crop { values, animal: Animal { points, identity: animal.identity } })
    }
}

impl BatchSource for CropBatches {
    fn batches(&self) -> usize {
        self.len().div_ceil(self.batch_size)
    }

    fn batch(&self, epoch: usize, index: usize) -> Result<Batch> {
        let first = index * self.batch_size;
        let left = self.len() - first % self.len();
        let wanted = if self.augment.is_some() { self.batch_size } else { self.batch_size.min(left) };
        let crops = (first..first + wanted).map(|position| self.crop(epoch, position)).collect::<Result<Vec<_>>>()?;
        let side = self.plan.size_px;
        let animals: Vec<&[Animal]> = crops.iter().map(|crop| std::slice::from_ref(&crop.animal)).collect();
        let draw = |spec: &TargetSpec| spec.draw(self.source.as_ref(), &animals, side, side);
        let targets = self.targets.iter().map(draw).collect::<Result<_>>()?;
        let dims = [crops.len(), self.plan.preprocess.color.channels(), side, side];
        Ok(Batch { images: (crops.iter().flat_map(|crop| &crop.values).copied().collect(), dims), targets })
    }
}

#[cfg(test)]
#[path = "crops_tests.rs"]
mod tests;
