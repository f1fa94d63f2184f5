//! Labelled frames with their images, ready to train on.

use super::image::Image;
use super::labels::{InstanceKind, LabelInstance, LabelPoint, Labels, Video};
use super::sample::{Animal, MISSING, Point, Sample, SampleSource};
use super::video::{ChannelOrder, FrameSource, VideoOptions, open_video_with};
use crate::error::{Error, Result};
use dormouse::Skeleton;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, PoisonError};

/// How labelled images are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleOptions {
    /// Images are kept in memory up to this many bytes; later ones are decoded again whenever they are asked for.
    pub cache_bytes: usize,
    /// Overrides the order of colours in packages.
    pub channel_order: Option<ChannelOrder>,
    /// Also takes frames that the file lists without any instance: a person looked and found no animal.
    pub negatives: bool,
}

impl Default for SampleOptions {
    fn default() -> Self {
        Self { cache_bytes: 4 << 30, channel_order: None, negatives: false }
    }
}

struct Labelled {
    video: usize,
    frame_index: u64,
    animals: Vec<Animal>,
    image: Option<Image>,
}

/// The frames of a labels file in which a person placed at least one part and, if asked, those marked as empty.
pub struct LabeledSamples {
    labels: Labels,
    options: VideoOptions,
    samples: Vec<Labelled>,
    /// Open videos of the images that are not in memory.
    videos: Mutex<HashMap<usize, Box<dyn FrameSource>>>,
}

impl LabeledSamples {
    /// Picks the frames and decodes their images; `progress` is told how many of how many are done.
    ///
    /// Only user instances with at least one usable part count, and frames without any are left out, but for negatives if the
    /// options ask for them. A sample's animals keep the order of the file, and samples that of its frames. Tracks are identities.
    ///
    /// # Errors
    /// When a video that is needed cannot be opened or lacks a frame.
    pub fn open(labels: Labels, options: &SampleOptions, progress: &mut dyn FnMut(usize, usize)) -> Result<Self> {
        let mut samples = Vec::new();
        for frame in &labels.frames {
            let users = frame.instances.iter().filter(|instance| instance.kind == InstanceKind::User);
            let animals: Vec<Animal> = users.map(animal).filter(Animal::has_parts).collect();
            if !animals.is_empty() || (options.negatives && frame.instances.is_empty()) {
                samples.push(Labelled { video: frame.video, frame_index: frame.frame_index, animals, image: None });
            }
        }
        let video_options = VideoOptions { channel_order: options.channel_order };
        let mut source = Self { labels, options: video_options, samples, videos: Mutex::default() };
        source.fill_cache(options.cache_bytes, progress)?;
        Ok(source)
    }

    /// Decodes video by video in the order of time, which is the fast way through a video file.
    fn fill_cache(&mut self, cache_bytes: usize, progress: &mut dyn FnMut(usize, usize)) -> Result<()> {
        let mut order: Vec<usize> = (0..self.samples.len()).collect();
        order.sort_by_key(|&sample| (self.samples[sample].video, self.samples[sample].frame_index));
        let mut used_bytes = 0usize;
        for (done, &sample) in order.iter().enumerate() {
            progress(done, order.len());
            let image = self.decode(sample)?;
            used_bytes = used_bytes.saturating_add(image.pixels().len());
            if used_bytes > cache_bytes {
                break;
            }
            self.samples[sample].image = Some(image);
        }
        progress(order.len(), order.len());
        if self.samples.iter().all(|sample| sample.image.is_some()) {
            // Nothing will be decoded any more, so no decoder need stay.
            self.videos = Mutex::default();
        }
        Ok(())
    }

    fn decode(&self, sample: usize) -> Result<Image> {
        let Labelled { video, frame_index, .. } = self.samples[sample];
        let mut videos = self.videos.lock().unwrap_or_else(PoisonError::into_inner);
        let source = match videos.entry(video) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(slot) => {
                let entry = self.labels.videos.get(video).ok_or_else(|| Error::Data(format!("there is no video {video}")))?;
                slot.insert(open_video_with(entry, &self.options)?)
            }
        };
        source.frame(frame_index)
    }

    /// The labels that the samples come from.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// Video (index into [`Labels::videos`]) and frame number of sample `index`.
    pub fn frame_of(&self, index: usize) -> Option<(usize, u64)> {
        self.samples.get(index).map(|sample| (sample.video, sample.frame_index))
    }

    /// How many images are held in memory.
    pub fn cached(&self) -> usize {
        self.samples.iter().filter(|sample| sample.image.is_some()).count()
    }
}

fn animal(instance: &LabelInstance) -> Animal {
    let point = |part: &LabelPoint| -> Point { if part.is_usable() { [part.x_px as f32, part.y_px as f32] } else { MISSING } };
    Animal { points: instance.points.iter().map(point).collect(), identity: instance.track }
}

impl SampleSource for LabeledSamples {
    fn skeleton(&self) -> &Skeleton {
        &self.labels.skeleton
    }

    fn identities(&self) -> &[String] {
        &self.labels.tracks
    }

    fn origin(&self, index: usize) -> Option<(&Video, u64)> {
        let (video, frame_index) = self.frame_of(index)?;
        Some((self.labels.videos.get(video)?, frame_index))
    }

    fn animals(&self, index: usize) -> Result<Vec<Animal>> {
        let sample = self.samples.get(index).map(|sample| sample.animals.clone());
        sample.ok_or_else(|| Error::Data(format!("there is no sample {index} of {}", self.len())))
    }

    fn len(&self) -> usize {
        self.samples.len()
    }

    fn sample(&self, index: usize) -> Result<Sample> {
        let sample =
            self.samples.get(index).ok_or_else(|| Error::Data(format!("there is no sample {index} of {}", self.len())))?;
        let image = sample.image.clone().map_or_else(|| self.decode(index), Ok)?;
        Ok(Sample { image, animals: sample.animals.clone() })
    }
}

/// Which samples train and which validate; both rising.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Indices of the training samples.
    pub training: Vec<usize>,
    /// Indices of the validation samples.
    pub validation: Vec<usize>,
}

/// Draws `round(count * validation_fraction)` validation samples (half to even, as Python rounds), but at least one and never all;
/// a single sample is used for both (SLEAP's `split_labels_train_val`).
pub fn split(count: usize, validation_fraction: f64, seed: u64) -> Split {
    let mut order: Vec<usize> = (0..count).collect();
    if count < 2 {
        return Split { training: order.clone(), validation: order };
    }
    let wanted = (count as f64 * validation_fraction).round_ties_even().clamp(1.0, (count - 1) as f64) as usize;
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let mut training = order.split_off(wanted.clamp(1, count - 1));
    training.sort_unstable();
    order.sort_unstable();
    Split { training, validation: order }
}

#[cfg(test)]
#[path = "labeled_samples_tests.rs"]
mod tests;
