//! `[top_down]`: from centroids to crops, for models with a centroid network.

use super::CropPadding;
use serde::{Deserialize, Serialize};

/// Centres of animals, crops around them, and how the time is shared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TopDownSection {
    /// Node that is the centre of an animal: one in the middle of the body that is nearly always visible. Where it is not, and
    /// with an empty name always, the centre is the mean of the visible parts. Default empty.
    pub anchor_part: String,
    /// Side of the crops in pixels of the instance network's input (so after its `input_scale`), a multiple of its `max_stride`
    /// up to 4096; 0: from the largest animal of the training labels and the augmentation. Default 0.
    pub crop_size_px: u32,
    /// Pixels of the instance network's input that are added to the largest animal where `crop_size_px` is 0: `"auto"` (what rotation and
    /// scale of the augmentation need) or 0 to 4096 for both sides together (classic SLEAP: 16). Default `"auto"`.
    pub crop_padding_px: CropPadding,
    /// Training crops are shifted by up to so many input pixels along each axis, because centroids are not found exactly, 0 to
    /// 256. Default 3.
    pub center_jitter_px: f32,
    /// Share of `train.max_minutes` that the centroid network gets, above 0 and below 1. Default 0.3.
    pub centroid_time_share: f32,
    /// Centroids must be above it, 0 to 1. Default 0.2.
    pub centroid_threshold: f32,
    /// Of two centroids closer than this in frame pixels the weaker one is dropped; 0 keeps all. Default 0.
    pub min_centroid_distance_px: f32,
}

impl Default for TopDownSection {
    fn default() -> Self {
        Self {
            anchor_part: String::new(),
            crop_size_px: 0,
            crop_padding_px: CropPadding::Auto,
            center_jitter_px: 3.0,
            centroid_time_share: 0.3,
            centroid_threshold: 0.2,
            min_centroid_distance_px: 0.0,
        }
    }
}

impl TopDownSection {
    pub(super) fn faults(&self, faults: &mut Vec<String>) {
        let mut check = |ok: bool, what: &str| {
            if !ok {
                faults.push(format!("top_down.{what}"));
            }
        };
        check(self.crop_size_px <= 4096, "crop_size_px must be at most 4096");
        check((0.0..=256.0).contains(&self.center_jitter_px), "center_jitter_px must be 0 to 256");
        let share = self.centroid_time_share;
        check(share > 0.0 && share < 1.0, "centroid_time_share must be above 0 and below 1");
        check((0.0..=1.0).contains(&self.centroid_threshold), "centroid_threshold must be 0 to 1");
        let distance = self.min_centroid_distance_px;
        check(distance >= 0.0 && distance.is_finite(), "min_centroid_distance_px must be finite and not negative");
    }
}
