//! What must be known of the labels before networks can be built: skeleton, centre, individuals, size of crops.

use super::made_with::MadeWith;
use super::run_folder::RunFacts;
use super::sources::Sources;
use crate::config::{CropPadding, Stage, TrainConfig, TrainModelType};
use crate::dataset::views::Renamed;
use crate::dataset::{Animal, SampleSource};
use crate::error::{Error, Result};
use crate::prepare::{Centers, Extent, augmentation_padding_px, crop_size_px};
use dormouse::Skeleton;
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Checked samples and facts of a run.
pub(super) struct Setup {
    /// Training samples, with identities in the order of the classes.
    pub train: Arc<dyn SampleSource>,
    /// Validation samples, likewise; for centroid models already reduced to centres.
    pub val: Arc<dyn SampleSource>,
    /// Test samples, likewise.
    pub test: Option<Arc<dyn SampleSource>>,
    /// What export needs to know.
    pub facts: RunFacts,
    /// The part that is the centre of an animal.
    pub anchor: Option<usize>,
}

impl Setup {
    /// Checks that the labels have what the model needs, and tells what was found out.
    ///
    /// # Errors
    /// [`Error::Data`] when labels and model do not fit, [`Error::Config`] for an anchor part or crop size that cannot be.
    pub fn of(config: &TrainConfig, sources: Sources, say: &mut dyn FnMut(&str)) -> Result<Self> {
        let Sources { train, val, test, labels, .. } = sources;
        check_model(config, train.as_ref())?;
        let anchor = anchor_node(&config.top_down.anchor_part, train.skeleton())?;
        let mut setup = Self {
            facts: RunFacts {
                producer: format!("dormouse {}", env!("CARGO_PKG_VERSION")),
                labels,
                skeleton: train.skeleton().clone(),
                classes: Vec::new(),
                crop_size_px: 0,
                anchor_part: anchor.and_then(|node| u16::try_from(node).ok()),
                made_with: MadeWith::now(config),
            },
            train,
            val,
            test,
            anchor,
        };
        if config.model.runtime_type().has_identity() {
            let classes = classes(config, setup.train.as_ref())?;
            say(&format!("individuals: {}", classes.join(", ")));
            let known = |source| -> Arc<dyn SampleSource> { Arc::new(Renamed::new(source, classes.clone())) };
            (setup.train, setup.val) = (known(setup.train), known(setup.val));
            setup.test = setup.test.map(known);
            setup.facts.classes = classes;
        }
        if config.model.runtime_type().has_crops() {
            setup.facts.crop_size_px = setup.crop_size(config, say)?;
        }
        if config.model.model_type == TrainModelType::Centroid {
            let centers = |source| -> Arc<dyn SampleSource> { Arc::new(Centers::new(source, anchor)) };
            (setup.train, setup.val) = (centers(setup.train), centers(setup.val));
            setup.test = setup.test.map(centers);
            // The animal is its centre now.
            (setup.facts.skeleton, setup.anchor) = (setup.train.skeleton().clone(), Some(0));
            setup.facts.anchor_part = Some(0);
        }
        Ok(setup)
    }

    /// The configured crop size, or one that fits the animals; animals that would be cut are told.
    fn crop_size(&self, config: &TrainConfig, say: &mut dyn FnMut(&str)) -> Result<u32> {
        let instance = config.stage(Stage::Instance)?;
        let (scale, stride) = (instance.preprocess.input_scale, instance.model.max_stride);
        let extent = Extent::measure(self.train.as_ref(), self.anchor)?;
        let (padding, needed_by) = match config.top_down.crop_padding_px {
            CropPadding::Auto => (augmentation_padding_px(extent.largest_px * scale, &instance.augment), "the augmentation"),
            CropPadding::Px(px) => (px as f32, "top_down.crop_padding_px"),
        };
        let size = match config.top_down.crop_size_px as usize {
            0 => crop_size_px(extent.largest_px * scale, padding, stride),
            given if given.is_multiple_of(stride) => given,
            given => {
                let fault = format!(
                    "top_down.crop_size_px is {given}; it must be a multiple of the instance network's max_stride {stride}"
                );
                return Err(Error::Config(vec![fault]));
            }
        };
        let cut = extent.cut_by(size as f32 / scale);
        let origin = match config.top_down.crop_size_px {
            0 => format!("from the largest animal and {padding:.0} px for {needed_by}"),
            _ => "as configured".into(),
        };
        say(&format!(
            "crops: {size} x {size} px of the network input, {origin} (largest animal {:.0} px of the frame)",
            extent.largest_px
        ));
        if cut > 0 {
            say(&format!(
                "note: {cut} of {} animals reach out of their crop; {} px would hold all of them (top_down.crop_size_px), or a more \
                 central top_down.anchor_part",
                extent.reaches_px.len(),
                ((extent.holding_all_px() * scale).ceil() as usize).next_multiple_of(stride)
            ));
        }
        u32::try_from(size).map_err(|_| Error::Data("the animals are too large for crops".into()))
    }
}

/// The node called `name`; none for an empty name.
fn anchor_node(name: &str, skeleton: &Skeleton) -> Result<Option<usize>> {
    if name.is_empty() {
        return Ok(None);
    }
    let known = || format!("top_down.anchor_part: there is no node \"{name}\"; there are {}", skeleton.nodes.join(", "));
    skeleton.node_index(name).map(Some).ok_or_else(|| Error::Config(vec![known()]))
}

/// The configured individuals, or all that an animal of the training labels is.
fn classes(config: &TrainConfig, train: &dyn SampleSource) -> Result<Vec<String>> {
    let animals: Result<Vec<Vec<Animal>>> = (0..train.len()).into_par_iter().map(|i| train.animals(i)).collect();
    let borne: BTreeSet<usize> = animals?.iter().flatten().filter_map(|animal| animal.identity).collect();
    let names: Vec<String> = borne.iter().filter_map(|&i| train.identities().get(i).cloned()).collect();
    let kind = config.model.model_type.name();
    if names.is_empty() {
        return Err(Error::Data(format!(
            "a {kind} model learns who is who from the tracks of the labels, but no animal of the training labels bears one"
        )));
    }
    let wanted = &config.identity.classes;
    if wanted.is_empty() {
        return match names.len() {
            1..=255 => Ok(names),
            many => Err(Error::Data(format!("the labels have {many} tracks; name up to 255 individuals in identity.classes"))),
        };
    }
    let strangers: Vec<&str> = wanted.iter().filter(|name| !names.contains(name)).map(String::as_str).collect();
    if strangers.is_empty() {
        return Ok(wanted.clone());
    }
    Err(Error::Config(vec![format!(
        "identity.classes: no animal of the training labels is {}; there are {}",
        strangers.join(", "),
        names.join(", ")
    )]))
}

/// Refuses a combination of model and labels that cannot work, before any time is spent on it.
fn check_model(config: &TrainConfig, train: &dyn SampleSource) -> Result<()> {
    match config.model.model_type {
        TrainModelType::BottomUp if train.skeleton().edges.is_empty() => {
            Err(Error::Data("a bottom-up model needs a skeleton with edges; these labels have none".into()))
        }
        TrainModelType::SingleInstance => {
            for index in 0..train.len() {
                let animals = train.animals(index)?.len();
                if animals > 1 {
                    return Err(Error::Data(format!(
                        "training sample {index} shows {animals} animals, but a single_instance model finds one: use model.type = \
                         \"bottom_up\" or \"top_down\""
                    )));
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}
