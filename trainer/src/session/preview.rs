//! What training shows its network: augmented samples, the network's input, and the maps it should answer.

use super::setup::Setup;
use super::sources::open_sources;
use super::stage::{stage_source, target_specs, training_crops};
use crate::augment::Augment;
use crate::batch::{Batch, BatchSource as _, Block};
use crate::config::{HeadPlan, Stage, TrainConfig};
use crate::dataset::{Animal, Image, Sample, SampleSource, VideoSearch};
use crate::error::{Error, Result};
use crate::prepare::SampleBatches;
use dormouse::Skeleton;
use dormouse::config::HeadKind;
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// The maps that one head should answer.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadView {
    /// Meaning.
    pub kind: HeadKind,
    /// Values, shape `[channels, height, width]`.
    pub values: Vec<f32>,
    /// Width and height in cells.
    pub size: [usize; 2],
    /// Input pixels per cell.
    pub stride_px: usize,
}

/// One training sample on its way into the network.
#[derive(Debug, Clone, PartialEq)]
pub struct PreviewRow {
    /// The network that it is shown to.
    pub stage: Stage,
    /// Number of the training sample, or of the crop.
    pub index: usize,
    /// The sample after augmentation: the frame with all its animals, or the crop with the one in its middle.
    pub augmented: Sample,
    /// The network's input as an image (scaled and padded).
    pub input: Image,
    /// What the targets are about, in input pixels: the parts of the animals or, for a centroid network, their centres.
    pub marks: Vec<Animal>,
    /// Name of the individual in a crop, where it is known.
    pub identity: Option<String>,
    /// Targets, in head order.
    pub heads: Vec<HeadView>,
}

/// Draws `count` training samples for each network of the model, varies them as training does, and prepares them with the very
/// code of training: rows of whole frames first, then, for models that have them, rows of crops. The same configuration always
/// gives the same rows.
///
/// # Errors
/// When the samples cannot be opened, or model, augmentation and labels do not fit together.
pub fn preview_rows(config: &TrainConfig, search: &VideoSearch, count: usize) -> Result<(Skeleton, Vec<PreviewRow>)> {
    let sources = open_sources(&config.data, search, &mut |_, _, _| {})?;
    let setup = Setup::of(config, sources, &mut |_| {})?;
    let mut rows = Vec::new();
    for &stage in config.model.model_type.stages() {
        let config = config.stage(stage)?;
        let heads = config.heads(stage, &setup.facts.skeleton, setup.facts.classes.len());
        rows.extend(match stage {
            Stage::Instance => crop_rows(&config, &setup, &heads, count)?,
            _ => frame_rows(&config, stage, &setup, &heads, count)?,
        });
    }
    Ok((setup.facts.skeleton, rows))
}

fn frame_rows(config: &TrainConfig, stage: Stage, setup: &Setup, heads: &[HeadPlan], count: usize) -> Result<Vec<PreviewRow>> {
    let train = &setup.train;
    let augment = Augment::new(config.augment.clone(), train.skeleton())?;
    let mut rng = ChaCha8Rng::seed_from_u64(config.train.seed);
    let mut order: Vec<usize> = (0..train.len()).collect();
    order.shuffle(&mut rng);
    let chosen: Vec<usize> = order.into_iter().cycle().take(count).collect();
    let samples = chosen.iter().map(|&i| Ok(augment.apply(&train.sample(i)?, &mut rng))).collect::<Result<Vec<_>>>()?;
    let (skeleton, names) = (train.skeleton().clone(), train.identities().to_vec());
    let prepared: Arc<dyn SampleSource> = Arc::new(Prepared { skeleton, names, samples: samples.clone() });
    let source = stage_source(stage, &prepared, setup);
    let preprocess = config.preprocess.to_runtime(config.model.max_stride);
    let batches = SampleBatches { source, augment: None, preprocess, targets: target_specs(heads), batch_size: 1, seed: 0 };
    let scale = preprocess.input_scale;
    let rows = chosen.into_iter().zip(samples).enumerate().map(|(place, (index, augmented))| {
        let batch = batches.batch(0, place)?;
        let marks = batches.source.animals(place)?.iter().map(|animal| animal.scaled(scale)).collect();
        let (input, heads) = (input_image(&batch)?, views(heads, &batch));
        Ok(PreviewRow { stage, index, augmented, input, marks, identity: None, heads })
    });
    rows.collect()
}

fn crop_rows(config: &TrainConfig, setup: &Setup, heads: &[HeadPlan], count: usize) -> Result<Vec<PreviewRow>> {
    let mut config = config.clone();
    config.train.batch_size = 1;
    let batches = training_crops(&config, setup, target_specs(heads))?;
    let rows = (0..count).map(|index| {
        let batch = batches.batch(0, index)?;
        let input = input_image(&batch)?;
        let animal = batches.animal_at(0, index)?;
        let identity = animal.identity.and_then(|known| setup.facts.classes.get(known).cloned());
        let augmented = Sample { image: input.clone(), animals: vec![animal.clone()] };
        let heads = views(heads, &batch);
        Ok(PreviewRow { stage: Stage::Instance, index, augmented, input, marks: vec![animal], identity, heads })
    });
    rows.collect()
}

fn views(heads: &[HeadPlan], batch: &Batch) -> Vec<HeadView> {
    let view = |(head, (values, [_, _, height, width])): (&HeadPlan, &Block)| HeadView {
        kind: head.spec.kind,
        values: values.clone(),
        size: [*width, *height],
        stride_px: head.spec.stride_px,
    };
    heads.iter().zip(&batch.targets).map(view).collect()
}

/// The first input of a batch, 0 to 1, as an image.
fn input_image(batch: &Batch) -> Result<Image> {
    let (values, [_, channels, height, width]) = &batch.images;
    let cells = height * width;
    let gray = |v: f32| (v.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
    let pixels = (0..cells).flat_map(|cell| (0..*channels).map(move |c| gray(values[c * cells + cell]))).collect();
    Image::new(*width, *height, *channels, pixels)
        .ok_or_else(|| Error::Data(format!("a network input of {width} x {height} x {channels} is no image")))
}

/// Samples that are there already.
struct Prepared {
    skeleton: Skeleton,
    names: Vec<String>,
    samples: Vec<Sample>,
}

impl SampleSource for Prepared {
    fn skeleton(&self) -> &Skeleton {
        &self.skeleton
    }

    fn identities(&self) -> &[String] {
        &self.names
    }

    fn len(&self) -> usize {
        self.samples.len()
    }

    fn sample(&self, index: usize) -> Result<Sample> {
        let missing = || Error::Data(format!("there is no sample {index} of {}", self.len()));
        self.samples.get(index).cloned().ok_or_else(missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crops_and_centres_are_marked_where_their_targets_peak() {
        let text = "[data]\ntrain = [\"synth:fly\"]\n[data.synth]\nsamples = 4\nval_samples = 1\nindividuals = 4\n\
                    [model]\ntype = \"top_down_id\"\nconfmaps = { stride = 2, sigma = 1.5 }\n[augment]\nrotation_deg = [-180.0, 180.0]\n\
                    [centroid.preprocess]\ninput_scale = 0.5\n[top_down]\nanchor_part = \"thorax\"";
        let config = TrainConfig::parse(text, &[]).unwrap();
        let rows = preview_rows(&config, &VideoSearch::default(), 4).unwrap().1;
        let mut checked = 0;
        for row in &rows {
            assert_eq!(row.identity.is_some(), row.stage == Stage::Instance);
            let [width, height] = row.heads[0].size;
            for animal in &row.marks {
                for (part, point) in animal.points.iter().enumerate() {
                    let cell = point.map(|v| (v / 2.0).round());
                    let last = [width as f32 - 1.0, height as f32 - 1.0];
                    if !(cell[0] > 0.0 && cell[1] > 0.0 && cell[0] < last[0] && cell[1] < last[1]) {
                        continue;
                    }
                    let map = &row.heads[0].values[part * width * height..(part + 1) * width * height];
                    // At most half a cell away on each axis: exp(-0.5 (0.5 / 1.5)^2 * 2) = 0.89.
                    assert!(map[cell[1] as usize * width + cell[0] as usize] > 0.88, "{:?} {part}", row.stage);
                    checked += 1;
                }
            }
        }
        assert!(checked > 40, "{checked}");
    }

    #[test]
    fn targets_peak_where_the_augmented_parts_are() {
        let text = "[data]\ntrain = [\"synth:fly\"]\n[data.synth]\nsamples = 3\nval_samples = 1\n[preprocess]\ninput_scale = 0.5\n\
                    [model]\nconfmaps = { stride = 2 }\npafs = { stride = 4 }\n[augment]\nrotation_deg = [-180.0, 180.0]";
        let config = TrainConfig::parse(text, &[]).unwrap();
        let (skeleton, rows) = preview_rows(&config, &VideoSearch::default(), 5).unwrap();
        assert_eq!(rows.len(), 5);
        for row in &rows {
            let [width, height] = row.heads[0].size;
            assert_eq!((row.input.width_px(), width * 2, height * 2), (96, 96, 96));
            assert_eq!(row.heads[0].values.len(), skeleton.nodes.len() * width * height);
            assert_eq!(row.heads[1].kind, HeadKind::PartAffinityFields);
            for animal in &row.augmented.animals {
                for (map, point) in row.heads[0].values.chunks_exact(width * height).zip(&animal.points) {
                    let cell = point.map(|v| (v / 4.0).round());
                    let inside = cell[0] > 0.0 && cell[1] > 0.0 && cell[0] < width as f32 - 1.0 && cell[1] < height as f32 - 1.0;
                    if inside {
                        // At most half a cell away on each axis: exp(-0.5 (0.5 / 2.5)^2 * 2) = 0.96.
                        assert!(map[cell[1] as usize * width + cell[0] as usize] > 0.95);
                    }
                }
            }
        }
        let again = preview_rows(&config, &VideoSearch::default(), 5).unwrap().1;
        assert_eq!(format!("{again:?}"), format!("{rows:?}"));
        // Three samples, five rows: the first sample comes again, in another variation.
        assert!(rows[0].index == rows[3].index && rows[0].input != rows[3].input);
    }
}
