use super::*;
use crate::dataset::{LabelPoint, LabeledFrame};
use dormouse::Skeleton;

fn point(x_px: f64, y_px: f64) -> LabelPoint {
    LabelPoint { x_px, y_px, visible: true, complete: false, score: f64::NAN }
}

fn animal(kind: InstanceKind, points: Vec<LabelPoint>, track: Option<usize>) -> LabelInstance {
    LabelInstance { kind, points, track, score: f32::NAN, tracking_score: 0.0, from_predicted: None }
}

fn labels() -> Labels {
    use InstanceKind::{Predicted, User};
    let hidden = LabelPoint { visible: false, ..point(5.0, 5.0) };
    let frame = |frame_index, instances| LabeledFrame { video: 0, frame_index, instances };
    let frames = vec![
        // Box 30 x 40, diagonal 50; the third part hidden.
        frame(0, vec![animal(User, vec![point(0.0, 0.0), point(30.0, 40.0), hidden], Some(0))]),
        // Box 6 x 8, diagonal 10; and the same animal again, a pixel beside it; and one without a usable part.
        frame(
            1,
            vec![
                animal(User, vec![point(1.0, 1.0), point(7.0, 9.0), LabelPoint::MISSING], Some(1)),
                animal(User, vec![point(2.0, 1.0), point(8.0, 9.0), LabelPoint::MISSING], None),
                animal(User, vec![hidden, LabelPoint::MISSING, LabelPoint::MISSING], None),
            ],
        ),
        frame(1, vec![animal(User, vec![point(60.0, 5.0), LabelPoint::MISSING, LabelPoint::MISSING], Some(0))]),
        frame(2, vec![animal(Predicted, vec![point(1.0, 1.0), point(4.0, 5.0), point(2.0, 2.0)], None)]),
        frame(3, vec![]),
    ];
    Labels {
        skeleton: Skeleton { nodes: ["a", "b", "c"].map(String::from).to_vec(), edges: vec![(0, 1)], ..Skeleton::default() },
        tracks: ["one", "two"].map(String::from).to_vec(),
        frames,
        ..Labels::default()
    }
}

const SIZE: Option<FrameSize> = Some(FrameSize { width_px: 50, height_px: 50 });

#[test]
fn hand_counted() {
    let s = LabelStatistics::of(&labels(), TruthKind::User, vec![SIZE]);
    assert_eq!((s.frames, s.labelled_frames, s.empty_frames, s.predicted_only_frames), (5, 3, 1, 1));
    assert_eq!((s.user_instances, s.predicted_instances, s.animals, s.blank_instances), (5, 1, 4, 1));
    assert_eq!(s.frames_by_animals, BTreeMap::from([(0, 2), (1, 2), (2, 1)]));
    let sizes = s.sizes.unwrap();
    // Diagonals 10, 10 and 50: p95 lies at position 1.9, so 10 + 0.9 * 40.
    assert_eq!((sizes.count, sizes.diagonal_median_px, sizes.diagonal_max_px, sizes.longest_side_px), (3, 10.0, 50.0, 40.0));
    assert!((sizes.diagonal_p95_px - 46.0).abs() < 1e-9);
    let counts: Vec<_> = s.nodes.iter().map(|n| (n.usable, n.hidden, n.missing, n.outside)).collect();
    assert_eq!(counts, [(4, 0, 0, 1), (3, 0, 1, 0), (0, 1, 3, 0)]);
    assert_eq!(s.repeats.frames, [crate::report::RepeatedFrame { video: 0, frame_index: 1, times: 2 }]);
    assert_eq!(s.repeats.animals, [(0, 1)]);
    assert_eq!(s.tracks.iter().map(|t| t.animals).collect::<Vec<_>>(), [2, 1]);
    assert_eq!((s.untracked, s.points_outside, s.most_animals()), (1, 1, 2));
}

#[test]
fn predictions_count_when_asked_for() {
    let s = LabelStatistics::of(&labels(), TruthKind::Any, vec![None]);
    assert_eq!((s.animals, s.labelled_frames, s.points_outside), (5, 4, 0));
    assert_eq!(s.sizes.unwrap().count, 4);
}

#[test]
fn text_names_what_is_odd() {
    let text = LabelStatistics::of(&labels(), TruthKind::User, vec![SIZE]).to_string();
    for part in
        ["1 usable parts lie outside", "frame 1 of video 0", "node \"c\" is usable in 0 of 4", "1 animals are on no track"]
    {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    let empty = LabelStatistics::of(&Labels::default(), TruthKind::User, vec![]);
    assert_eq!((empty.sizes, empty.most_animals()), (None, 0));
    assert_eq!(empty.warnings(), ["no animal is labelled: there is nothing to train on"]);
}

#[test]
fn places_that_no_camera_has_are_told_and_not_used() {
    let mut absurd = labels();
    let point = &mut absurd.frames[0].instances[0].points[0];
    assert!(point.is_usable());
    (point.x_px, point.y_px) = (1e30, 3.0);
    assert!(!point.is_usable() && point.is_placed());
    let s = LabelStatistics::of(&absurd, TruthKind::User, vec![SIZE]);
    assert_eq!(s.points_absurd, 1);
    assert!(s.sizes.is_none_or(|sizes| sizes.diagonal_max_px < 100.0));
    assert!(s.to_string().contains("1 parts lie more than a million pixels away"), "{s}");
}
