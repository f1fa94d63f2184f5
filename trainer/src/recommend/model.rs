//! Model type, network and targets.

use super::settings::{Facts, Recommendation};
use crate::config::TrainModelType;
use crate::error::{Error, Result};
use crate::report::FieldAdvice;

/// Largest max stride that is recommended: deeper networks are mostly parameters.
const LARGEST_STRIDE: usize = 64;
/// Animals smaller than this in the network input need the finer confidence maps.
const FINE_BELOW_PX: f64 = 150.0;
/// A part affinity field is as wide to either side, at half its height, as this share of the animal: SLEAP's 75 gives 9.4 px
/// (reference sleap-training.md, section 5) for flies of about 120 px.
const PAF_HALF_WIDTH: f64 = 1.0 / 13.0;
/// Animals above this, or frames above the other, get the wider-spaced channel counts of SLEAP's large-field networks.
const LARGE_ANIMAL_PX: f64 = 200.0;
const LARGE_FRAME_PX: usize = 1024;

/// Everything under `[model]`.
pub(super) fn network(facts: &Facts<'_>, found: &mut Recommendation) -> Result<()> {
    model_type(facts, found)?;
    width(facts, found);
    depth(facts, found);
    heads(facts, found);
    Ok(())
}

fn model_type(facts: &Facts<'_>, found: &mut Recommendation) -> Result<()> {
    use TrainModelType::{BottomUp, BottomUpId, Centroid, SingleInstance, TopDown, TopDownId};
    let (most, statistics) = (facts.statistics.most_animals(), facts.statistics);
    let own = match (most, statistics.edges) {
        (0 | 1, _) => SingleInstance,
        (_, 0) if statistics.nodes.len() == 1 => Centroid,
        (_, 0) => TopDown,
        _ => BottomUp,
    };
    let chosen = facts.wishes.model_type.unwrap_or(own);
    let refuse = |what: String| Err(Error::Data(what));
    if matches!(chosen, BottomUpId | TopDownId) && statistics.tracks.iter().all(|track| track.animals == 0) {
        return refuse("an identity model learns from tracks; in these labels no animal is on a track".into());
    }
    let reason = match chosen {
        SingleInstance if most > 1 => {
            let what =
                format!("up to {most} animals in a frame, but a single_instance model finds one; use bottom_up or top_down");
            return refuse(format!("the labels show {what}"));
        }
        BottomUp if statistics.edges == 0 => {
            return refuse("a bottom-up model needs a skeleton with edges; these labels have none: use top_down".into());
        }
        SingleInstance => {
            "There is one animal per frame. Use bottom_up if videos will show more of them than the labels do.".into()
        }
        BottomUp => format!(
            "Up to {most} animals per frame: parts are found first and then joined along the skeleton's edges. Try top_down, too, and \
             compare both."
        ),
        TopDown => format!(
            "Up to {most} animals per frame: a network finds their centres, a second one the parts in a crop around each."
        ),
        BottomUpId | TopDownId => "Known individuals, learned from the tracks of the labels.".into(),
        Centroid if statistics.nodes.len() == 1 => {
            "Several animals of one part each: points are all that there is to find.".into()
        }
        Centroid => "Only the centres of animals.".into(),
    };
    found.config.model.model_type = chosen;
    found.because("model.type", reason);
    Ok(())
}

/// Channels.
fn width(facts: &Facts<'_>, found: &mut Recommendation) {
    let longest_px = facts.frame.map_or(0, |f| f.width_px.max(f.height_px));
    let large = facts.sizes.diagonal_p95_px > LARGE_ANIMAL_PX || longest_px > LARGE_FRAME_PX;
    let model = &mut found.config.model;
    (model.filters, model.filters_rate) = if large { (24, 1.5) } else { (16, 1.5) };
    let size = if large { "large" } else { "small" };
    found.because(
        "model.filters",
        format!("Channels of the first block; animals and frames are {size}. More learn more and cost more."),
    );
    found.because("model.filters_rate", "Factor from block to block; 2 makes a network of several times the parameters.");
}

/// Smallest max stride whose field holds 95 % of the animals.
fn depth(facts: &Facts<'_>, found: &mut Recommendation) {
    let wanted_px = facts.sizes.diagonal_p95_px;
    let mut stride = 8;
    loop {
        found.config.model.max_stride = stride;
        let advice = FieldAdvice::new(&found.config, Some(facts.sizes));
        if advice.side_px as f64 >= wanted_px || stride >= LARGEST_STRIDE {
            let fits = if advice.side_px as f64 >= wanted_px {
                "as large as 95 % of the animals"
            } else {
                "the largest that is recommended"
            };
            let reason = format!("Depth. The receptive field is {} px of the frame, {fits} ({wanted_px:.0} px).", advice.side_px);
            found.because("model.max_stride", reason);
            return;
        }
        stride *= 2;
    }
}

fn heads(facts: &Facts<'_>, found: &mut Recommendation) {
    let animal_px = facts.sizes.diagonal_median_px * f64::from(found.config.preprocess.input_scale);
    let model = &mut found.config.model;
    let single = model.model_type == TrainModelType::SingleInstance;
    model.confmaps.stride = if animal_px < FINE_BELOW_PX { 2 } else { 4 };
    // SLEAP-NN's rule is 2.5 for bottom-up and small animals, else 5 and 7.5. For one animal they are taken as input pixels:
    // with stride 2 an animal of 50 to 150 px then gets the 2.5 cells of SLEAP's own profile.
    model.confmaps.sigma = match animal_px {
        _ if !single => 2.5,
        px if px < 50.0 => 2.5,
        px if px < 150.0 => 5.0,
        _ => 7.5,
    } / if single { model.confmaps.stride as f32 } else { 1.0 };
    let (stride, sigma) = (model.confmaps.stride, model.confmaps.sigma);
    let reach = f64::from(sigma) * stride as f64;
    found.because(
        "model.confmaps.stride",
        format!("Input pixels per cell; animals measure about {animal_px:.0} px of the input."),
    );
    found.because(
        "model.confmaps.sigma",
        format!(
            "Peak width in cells, so {reach:.0} px of the input: small is precise but hard to learn, large is easy but vague."
        ),
    );
    if model_is_without_fields(found) {
        return;
    }
    let half_width_px = (animal_px * PAF_HALF_WIDTH).max(2.0);
    // Half height at d with d^4 = 2 sigma^2 ln 2.
    let sigma = (half_width_px * half_width_px / (2.0 * std::f64::consts::LN_2).sqrt()).round().clamp(2.0, 300.0);
    let pafs = &mut found.config.model.pafs;
    (pafs.sigma, pafs.stride) = (sigma as f32, stride * 2);
    found.because("model.pafs.stride", "Fields are smooth, so that half the resolution of the confidence maps suffices.");
    found.because(
        "model.pafs.sigma",
        format!("Width of the edges' fields: about {half_width_px:.0} px of the input to either side."),
    );
}

fn model_is_without_fields(found: &Recommendation) -> bool {
    found.config.model.model_type != TrainModelType::BottomUp
}
