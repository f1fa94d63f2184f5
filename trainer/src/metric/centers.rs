//! Labels reduced to the centres of their animals, to judge a centroid model.

use crate::dataset::{Animal, LabelInstance, LabelPoint, LabeledFrame, Labels, MISSING};
use crate::targets::centroid;
use dormouse::Skeleton;

/// The one node of a centroid model.
const CENTER: &str = "centroid";

/// Whether the animals of these labels are centres alone.
pub fn holds_centers(labels: &Labels) -> bool {
    labels.skeleton.nodes == [CENTER]
}

/// The same frames with the centre of each animal as its only part: the part `anchor`, or the mean of the usable parts where that is
/// missing, as in training. Animals without a usable part are left out.
pub fn centers_of(labels: &Labels, anchor: Option<usize>) -> Labels {
    let center = |instance: &LabelInstance| -> Option<LabelInstance> {
        let point = |p: &LabelPoint| if p.is_usable() { [p.x_px as f32, p.y_px as f32] } else { MISSING };
        let animal = Animal { points: instance.points.iter().map(point).collect(), identity: instance.track };
        let [x, y] = centroid(&animal, anchor)?;
        let center = LabelPoint { x_px: x.into(), y_px: y.into(), visible: true, ..LabelPoint::MISSING };
        // Which prediction it comes from is a place in a list that has changed.
        Some(LabelInstance { points: vec![center], from_predicted: None, ..instance.clone() })
    };
    let frame = |frame: &LabeledFrame| LabeledFrame {
        video: frame.video,
        frame_index: frame.frame_index,
        instances: frame.instances.iter().filter_map(center).collect(),
    };
    let skeleton = Skeleton { name: CENTER.into(), nodes: vec![CENTER.into()], ..Skeleton::default() };
    Labels { skeleton, frames: labels.frames.iter().map(frame).collect(), ..labels.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::InstanceKind;

    #[test]
    fn anchor_or_mean_of_what_is_usable() {
        let at = |x: f64, y: f64, visible| LabelPoint { x_px: x, y_px: y, visible, ..LabelPoint::MISSING };
        let animal = |points| LabelInstance {
            kind: InstanceKind::User,
            points,
            track: Some(0),
            score: f32::NAN,
            tracking_score: f32::NAN,
            from_predicted: Some(3),
        };
        let instances = vec![
            animal(vec![at(1.0, 2.0, true), at(5.0, 6.0, true), at(90.0, 90.0, false)]),
            animal(vec![at(1.0, 2.0, true), LabelPoint::MISSING, at(3.0, 8.0, true)]),
            animal(vec![LabelPoint::MISSING; 3]),
        ];
        let skeleton = Skeleton { nodes: ["a", "b", "c"].map(String::from).to_vec(), ..Skeleton::default() };
        let labels = Labels { skeleton, frames: vec![LabeledFrame { video: 0, frame_index: 7, instances }], ..Labels::default() };
        let places = |anchor| -> Vec<(f64, f64)> {
            let centers = centers_of(&labels, anchor);
            assert!(holds_centers(&centers) && !holds_centers(&labels));
            assert_eq!(centers.frames[0].frame_index, 7);
            centers.frames[0].instances.iter().map(|i| (i.points[0].x_px, i.points[0].y_px)).collect()
        };
        assert_eq!(places(None), [(3.0, 4.0), (2.0, 5.0)]);
        assert_eq!(places(Some(1)), [(5.0, 6.0), (2.0, 5.0)]);
    }
}
