//! The recommended configuration as a whole.

use super::view::View;
use super::{data, model, top_down};
use crate::config::{TrainConfig, TrainModelType, commented_toml};
use crate::error::{Error, Result};
use crate::report::{AnimalSizes, FrameSize, LabelStatistics};

/// Fewer labelled frames than this rarely suffice, and from the second number on results are usually good (reference
/// sleap-training.md, section 10).
const FEW_FRAMES: usize = 50;
const GOOD_FRAMES: usize = 200;
/// Size of an animal that shows one part only, as a share of the frame's shorter side: most of an animal should be in the field, too.
const ASSUMED_SHARE: f64 = 0.25;

/// What the person knows better than the labels do.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Wishes {
    /// Model type; `None`: from the number of animals and the skeleton.
    pub model_type: Option<TrainModelType>,
    /// Camera position; `None`: unknown.
    pub view: Option<View>,
    /// Node that is the centre of an animal in top-down models; `None`: the mean of the visible parts.
    pub anchor: Option<String>,
    /// Minutes of training; `None`: until the validation loss stops falling.
    pub minutes: Option<f64>,
}

/// A configuration, and why each setting is as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Recommendation {
    /// The configuration.
    pub config: TrainConfig,
    /// Dotted keys with reasons.
    pub reasons: Vec<(String, String)>,
    /// Sentences on the labels for the head of the file.
    pub header: String,
}

impl Recommendation {
    /// The configuration file.
    ///
    /// # Errors
    /// As [`commented_toml`].
    pub fn to_toml(&self) -> Result<String> {
        commented_toml(&self.config, &self.header, &self.reasons)
    }

    /// Adds the reason of a setting.
    pub(super) fn because(&mut self, key: &str, reason: impl Into<String>) {
        self.reasons.push((key.to_owned(), reason.into()));
    }
}

/// What the rules look at.
pub(super) struct Facts<'a> {
    pub statistics: &'a LabelStatistics,
    pub sizes: AnimalSizes,
    /// Largest frame, where any is known.
    pub frame: Option<FrameSize>,
    pub wishes: &'a Wishes,
}

/// Recommends settings for labels stored as `labels`: SLEAP-NN's rules (reference sleap-training.md, section 2.3), and a
/// receptive field as large as 95 % of the animals.
///
/// # Errors
/// [`Error::Data`] when no animal was placed by a person, when neither animals nor frames have a size, or when the model type does not fit
/// the labels.
pub fn recommend(labels: &str, statistics: &LabelStatistics, wishes: &Wishes) -> Result<Recommendation> {
    let frame = statistics.frame_sizes.iter().flatten().copied().max_by_key(|f| f.width_px * f.height_px);
    let sizes = sizes(statistics, frame)?;
    let facts = Facts { statistics, sizes, frame, wishes };
    let mut found = Recommendation { config: TrainConfig::default(), reasons: Vec::new(), header: header(labels, &facts) };
    found.config.data.train = vec![labels.to_owned()];
    data::preprocess(&facts, &mut found);
    model::network(&facts, &mut found)?;
    top_down::networks(&facts, &mut found);
    data::augment(&facts, &mut found);
    data::train(&facts, &mut found);
    let faults = found.config.faults();
    if faults.is_empty() { Ok(found) } else { Err(Error::Config(faults)) }
}

/// Sizes of the animals. Those of one part have none: they are assumed to be as large as a share of the frame.
fn sizes(statistics: &LabelStatistics, frame: Option<FrameSize>) -> Result<AnimalSizes> {
    if let Some(sizes) = statistics.sizes {
        return Ok(sizes);
    }
    let refuse = |what: String| Err(Error::Data(what));
    if statistics.animals == 0 {
        return refuse(match statistics.predicted_instances {
            0 => "no animal is labelled: there is nothing to train on".into(),
            predicted => {
                format!("all {predicted} instances were predicted; training learns only from those that a person placed")
            }
        });
    }
    let Some(frame) = frame else {
        return refuse("no animal has two usable parts and no video can be opened, so that no size is known to go by".into());
    };
    let side_px = ASSUMED_SHARE * frame.width_px.min(frame.height_px) as f64;
    Ok(AnimalSizes {
        count: 0,
        diagonal_median_px: side_px,
        diagonal_p95_px: side_px,
        diagonal_max_px: side_px,
        longest_side_px: side_px,
    })
}

fn header(labels: &str, facts: &Facts<'_>) -> String {
    let (s, sizes) = (facts.statistics, &facts.sizes);
    let animals = match sizes.count {
        0 => {
            format!("one part each, so that they are taken to measure {:.0} px, a quarter of the frame", sizes.diagonal_median_px)
        }
        _ => format!("box diagonal median {:.0} px, 95 % below {:.0} px", sizes.diagonal_median_px, sizes.diagonal_p95_px),
    };
    let mut text = format!(
        "Recommended for {labels}: {} labelled frames with {} animals (at most {} in one), {} nodes.\nAnimals: {animals}. Every key that is not here has its default; `dormouse new --all-keys` explains all of them.",
        s.labelled_frames,
        s.animals,
        s.most_animals(),
        s.nodes.len(),
    );
    if s.labelled_frames < FEW_FRAMES {
        text.push_str(&format!(
            "\nFew frames are labelled: {FEW_FRAMES} to 100 are a usual start, {GOOD_FRAMES} give good results."
        ));
    }
    for warning in s.warnings() {
        text.push_str(&format!("\nLook at: {warning}."));
    }
    text
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
