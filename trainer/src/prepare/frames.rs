//! Batches of whole frames.

use super::order::shuffled;
use super::target::TargetSpec;
use crate::augment::Augment;
use crate::batch::{Batch, BatchSource};
use crate::dataset::{Animal, Sample, SampleSource};
use crate::error::{Error, Result};
use dormouse::config::PreprocessConfig;
use dormouse::preprocess::Preprocessor;
use std::sync::Arc;

/// Batches drawn from samples.
///
/// With augmentation the order is shuffled anew for every pass; without it, samples come in order and the last batch is
/// smaller. The same epoch and index always give the same batch.
pub struct SampleBatches {
    /// Where samples come from.
    pub source: Arc<dyn SampleSource>,
    /// Variation of training samples; `None` for validation.
    pub augment: Option<Augment>,
    /// Frame to network input.
    pub preprocess: PreprocessConfig,
    /// One per head, in head order.
    pub targets: Vec<TargetSpec>,
    /// Images per batch, at least 1.
    pub batch_size: usize,
    /// Decides order and variation.
    pub seed: u64,
}

/// One prepared image: values, and its width and height.
struct Input {
    values: Vec<f32>,
    channels: usize,
    height: usize,
    width: usize,
    animals: Vec<Animal>,
}

impl BatchSource for SampleBatches {
    fn batches(&self) -> usize {
        self.source.len().div_ceil(self.batch_size)
    }

    fn batch(&self, epoch: usize, index: usize) -> Result<Batch> {
        let count = self.source.len();
        if count == 0 || self.batch_size == 0 {
            return Err(Error::Data("there are no samples to make batches from".into()));
        }
        let first = index * self.batch_size;
        let wanted = if self.augment.is_some() { self.batch_size } else { self.batch_size.min(count - first % count) };
        let inputs = (first..first + wanted).map(|position| self.input(epoch, position)).collect::<Result<Vec<_>>>()?;
        self.assemble(&inputs)
    }
}

impl SampleBatches {
    /// The sample at `position` of an epoch; positions beyond the end begin further passes.
    fn input(&self, epoch: usize, position: usize) -> Result<Input> {
        let count = self.source.len();
        let Some(augment) = &self.augment else { return self.prepare(&self.source.sample(position % count)?) };
        let (place, mut rng) = shuffled(self.seed, epoch, position, count);
        self.prepare(&augment.apply(&self.source.sample(place)?, &mut rng))
    }

    fn prepare(&self, sample: &Sample) -> Result<Input> {
        let (width_px, height_px) = (sample.image.width_px() as u32, sample.image.height_px() as u32);
        let mut preprocessor = Preprocessor::new(&self.preprocess, width_px, height_px)?;
        let shape = preprocessor.shape();
        let mut values = vec![0.0; shape.len()];
        preprocessor.run(&sample.image.frame()?, &mut values)?;
        let scale = self.preprocess.input_scale;
        let animals = sample.animals.iter().map(|animal| animal.scaled(scale)).collect();
        Ok(Input { values, channels: shape.channels, height: shape.height, width: shape.width, animals })
    }

    /// Joins inputs; smaller ones are padded with zeros at right and bottom to the largest of the batch.
    fn assemble(&self, inputs: &[Input]) -> Result<Batch> {
        let most = |side: fn(&Input) -> usize| inputs.iter().map(side).max().unwrap_or(0);
        let (height, width, channels) = (most(|i| i.height), most(|i| i.width), most(|i| i.channels));
        let mut images = vec![0.0; inputs.len() * channels * height * width];
        for (image, input) in images.chunks_exact_mut(channels * height * width).zip(inputs) {
            for (plane, values) in
                image.chunks_exact_mut(height * width).zip(input.values.chunks_exact(input.height * input.width))
            {
                for (row, values) in plane.chunks_exact_mut(width).zip(values.chunks_exact(input.width)) {
                    row[..input.width].copy_from_slice(values);
                }
            }
        }
        let animals: Vec<&[Animal]> = inputs.iter().map(|input| input.animals.as_slice()).collect();
        let draw = |spec: &TargetSpec| spec.draw(self.source.as_ref(), &animals, width, height);
        let targets = self.targets.iter().map(draw).collect::<Result<_>>()?;
        Ok(Batch { images: (images, [inputs.len(), channels, height, width]), targets })
    }
}
