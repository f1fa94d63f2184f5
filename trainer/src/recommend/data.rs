//! Scale, augmentation and training.

use super::settings::{Facts, Recommendation};
use super::view::View;
use crate::train::Schedule;

/// Frames with a longer side than these are halved and quartered (SLEAP-NN).
const HALVE_ABOVE_PX: usize = 1024;
const QUARTER_ABOVE_PX: usize = 2048;
/// Animals are not made smaller than this: their parts would run into each other.
const LEAST_ANIMAL_PX: f64 = 48.0;
/// Input pixels above which batches get smaller (SLEAP-NN: 8, 4 above 1 MP, 2 above 2 MP).
const BATCHES: [(f64, usize); 2] = [(2e6, 2), (1e6, 4)];
/// Starting rate: Adam on these networks is stable there and ten times faster than SLEAP's 1e-4.
const LEARNING_RATE: f64 = 1e-3;

/// Scale and colour.
pub(super) fn preprocess(facts: &Facts<'_>, found: &mut Recommendation) {
    let animal_px = facts.sizes.diagonal_median_px;
    let longest_px = facts.frame.map_or(0, |f| f.width_px.max(f.height_px));
    let (mut scale, mut reason): (f32, String) = match longest_px {
        0 => (1.0, "The size of the frames is not known.".into()),
        px if px > QUARTER_ABOVE_PX => (0.25, format!("Frames are {px} px long; at full size every step would be slow.")),
        px if px > HALVE_ABOVE_PX => (0.5, format!("Frames are {px} px long; at full size every step would be slow.")),
        px => (1.0, format!("Frames of {px} px need not be made smaller.")),
    };
    while scale < 1.0 && animal_px * f64::from(scale) < LEAST_ANIMAL_PX {
        scale *= 2.0;
        reason = format!("Frames are {longest_px} px long, but animals of {animal_px:.0} px must not become smaller.");
    }
    found.config.preprocess.input_scale = scale;
    found.because("preprocess.input_scale", format!("Network input pixels per frame pixel. {reason}"));
    found.because("preprocess.color", "gray, or rgb where colour tells parts or animals apart.");
}

/// Rotation by view, mirroring where the skeleton allows it.
pub(super) fn augment(facts: &Facts<'_>, found: &mut Recommendation) {
    let augment = &mut found.config.augment;
    let (range, reason) = match facts.wishes.view {
        Some(View::Top) => (180.0, "Seen from above, every direction is as likely."),
        Some(View::Side) => (15.0, "Seen from the side, up stays up."),
        None => (15.0, "It could not be told from where the camera looks; for a view from above use [-180.0, 180.0]."),
    };
    augment.rotation_deg = [-range, range];
    let mirrors = facts.statistics.symmetries > 0 && facts.wishes.view == Some(View::Top);
    augment.flip_horizontal_probability = if mirrors { 0.5 } else { 0.0 };
    found.because("augment.rotation_deg", format!("Degrees. {reason}"));
    let flip = match (facts.statistics.symmetries, mirrors) {
        (0, _) => "Mirroring would need left-right symmetries in the skeleton; there are none.".to_owned(),
        (pairs, true) => format!("The skeleton has {pairs} left-right pairs, which are exchanged in a mirrored sample."),
        (pairs, false) => {
            format!("The skeleton has {pairs} left-right pairs: 0.5 doubles the data if mirrored animals can occur.")
        }
    };
    found.because("augment.flip_horizontal_probability", flip);
}

/// Batch, learning rate and end.
pub(super) fn train(facts: &Facts<'_>, found: &mut Recommendation) {
    let scale = f64::from(found.config.preprocess.input_scale);
    let pixels = facts.frame.map_or(0.0, |f| f.width_px as f64 * f.height_px as f64 * scale * scale);
    let batch = BATCHES.iter().find(|(above, _)| pixels > *above).map_or(8, |(_, batch)| *batch);
    let train = &mut found.config.train;
    // A batch larger than the set would show the same frame twice in a step.
    train.batch_size = batch.min(facts.statistics.labelled_frames.max(1));
    train.learning_rate = LEARNING_RATE;
    found.because("train.batch_size", "Images per step; halve it when memory runs out.");
    found.because("train.learning_rate", "First learning rate.");
    match facts.wishes.minutes {
        Some(minutes) => {
            let train = &mut found.config.train;
            (train.max_minutes, train.schedule, train.epochs) = (minutes, Schedule::Cosine, 1_000_000);
            train.early_stopping.patience = 0;
            found.because("train.max_minutes", "Time limit.");
            found.because("train.schedule", "The learning rate falls to its end just when the time is over.");
            found.because("train.early_stopping.patience", "The whole time is used.");
        }
        None => {
            found.because("train.schedule", "The learning rate is halved whenever the validation loss stops falling.");
            found.because("train.epochs", "At most; training ends earlier when the validation loss no longer falls.");
        }
    }
}
