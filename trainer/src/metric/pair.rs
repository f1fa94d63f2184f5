//! What is compared: the true and the predicted animals of one frame.

/// One predicted animal.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictedPose {
    /// One `[x, y]` per node in frame pixels, NaN where the part was not found.
    pub points: Vec<[f32; 2]>,
    /// Confidence of the animal; predictions are ranked by it, NaN comes last.
    pub score: f32,
}

/// The animals of one frame. Animals without a single finite part say nothing and are left out everywhere.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FramePair {
    /// True animals: one `[x, y]` per node in frame pixels, NaN where the part is not visible.
    pub truth: Vec<Vec<[f32; 2]>>,
    /// Predicted animals, in any order.
    pub predicted: Vec<PredictedPose>,
}

/// Part `node` if it is there and finite.
pub(super) fn part(points: &[[f32; 2]], node: usize) -> Option<[f64; 2]> {
    let [x, y] = *points.get(node)?;
    (x.is_finite() && y.is_finite()).then_some([f64::from(x), f64::from(y)])
}

/// Whether any part is there.
pub(super) fn has_parts(points: &[[f32; 2]]) -> bool {
    (0..points.len()).any(|node| part(points, node).is_some())
}

/// Euclidean distance of part `node` in pixels; `None` if it is missing on either side.
pub(super) fn part_distance_px(truth: &[[f32; 2]], predicted: &[[f32; 2]], node: usize) -> Option<f64> {
    let (t, p) = (part(truth, node)?, part(predicted, node)?);
    Some((t[0] - p[0]).hypot(t[1] - p[1]))
}
