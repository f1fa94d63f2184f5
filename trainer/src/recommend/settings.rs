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
/// [`Error::Data`] when no animal has two usable parts, or the model type does not fit the labels.
pub fn recommend(labels: &str, statistics: &LabelStatistics, wishes: &Wishes) -> Result<Recommendation> {
    let Some(sizes) = statistics.sizes else {
        return Err(Error::Data("no labelled animal has two usable parts, so that nothing can be recommended".into()));
    };
    let frame = statistics.frame_sizes.iter().flatten().copied().max_by_key(|f| f.width_px * f.height_px);
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

fn header(labels: &str, facts: &Facts<'_>) -> String {
    let (s, sizes) = (facts.statistics, &facts.sizes);
    let mut text = format!(
        "Recommended for {labels}: {} labelled frames with {} animals (at most {} in one), {} nodes.\nAnimals: box diagonal median \
         {:.0} px, 95 % below {:.0} px. Every key that is not here has its default; `dormouse new --all-keys` explains all of them.",
        s.labelled_frames,
        s.animals,
        s.most_animals(),
        s.nodes.len(),
        sizes.diagonal_median_px,
        sizes.diagonal_p95_px
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
