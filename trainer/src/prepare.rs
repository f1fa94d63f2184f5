//! From samples to batches: augment, preprocess as the runtime does, draw the targets.

use crate::augment::Augment;
use crate::batch::{Batch, BatchSource};
use crate::dataset::{Animal, Sample, SampleSource};
use crate::error::{Error, Result};
use crate::targets::{confidence_maps, part_affinity_fields};
use dormouse::config::{HeadKind, PreprocessConfig};
use dormouse::preprocess::Preprocessor;
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// What one head is taught.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetSpec {
    /// Kind of map.
    pub kind: HeadKind,
    /// Width of the target: cells for confidence maps, input pixels for affinity fields (SLEAP's units).
    pub sigma: f32,
    /// Input pixels per map cell.
    pub stride_px: usize,
}

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
        let (pass, place) = (position / self.source.len(), position % self.source.len());
        let Some(augment) = &self.augment else { return self.prepare(&self.source.sample(place)?) };
        let mut rng = self.rng(epoch, pass);
        let mut order: Vec<usize> = (0..self.source.len()).collect();
        order.shuffle(&mut rng);
        let mut rng = self.rng(epoch, position);
        // A stream of its own keeps variation apart from order.
        rng.set_stream(1);
        self.prepare(&augment.apply(&self.source.sample(order[place])?, &mut rng))
    }

    fn rng(&self, epoch: usize, position: usize) -> ChaCha8Rng {
        let mut seed = [0; 32];
        for (bytes, value) in seed.chunks_exact_mut(8).zip([self.seed, epoch as u64, position as u64]) {
            bytes.copy_from_slice(&value.to_le_bytes());
        }
        ChaCha8Rng::from_seed(seed)
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
        let targets = self.targets.iter().map(|spec| self.target(spec, inputs, width, height)).collect::<Result<_>>()?;
        Ok(Batch { images: (images, [inputs.len(), channels, height, width]), targets })
    }

    fn target(&self, spec: &TargetSpec, inputs: &[Input], width: usize, height: usize) -> Result<(Vec<f32>, [usize; 4])> {
        let skeleton = self.source.skeleton();
        let channels = match spec.kind {
            HeadKind::ConfidenceMaps => skeleton.nodes.len(),
            HeadKind::PartAffinityFields => 2 * skeleton.edges.len(),
            other => return Err(Error::Data(format!("there are no targets for {other:?}"))),
        };
        let (rows, columns) = (height.div_ceil(spec.stride_px), width.div_ceil(spec.stride_px));
        let mut maps = vec![0.0; inputs.len() * channels * rows * columns];
        for (out, input) in maps.chunks_exact_mut((channels * rows * columns).max(1)).zip(inputs) {
            match spec.kind {
                HeadKind::ConfidenceMaps => {
                    confidence_maps(&input.animals, channels, spec.sigma, spec.stride_px, width, height, out)?
                }
                HeadKind::PartAffinityFields => {
                    part_affinity_fields(&input.animals, &skeleton.edges, spec.sigma, spec.stride_px, width, height, out)?;
                }
                _ => {}
            }
        }
        Ok((maps, [inputs.len(), channels, rows, columns]))
    }
}
