//! Whether two engines find the same animals.

use crate::tolerance::SAME_POSE_PX;
use dormouse::Poses;

/// Number of visible keypoints; panics unless both hold the same animals, in the same order, at the same places.
pub fn same_poses(ours: &Poses, expected: &Poses, what: &str) -> usize {
    assert_eq!(ours.len(), expected.len(), "{what}");
    assert_eq!(ours.overflow(), expected.overflow(), "{what}");
    let mut visible = 0;
    for (a, b) in ours.iter().zip(expected.iter()) {
        for (a, b) in a.keypoints.iter().zip(b.keypoints) {
            assert_eq!(a.is_visible(), b.is_visible(), "{what}");
            if a.is_visible() {
                let away = (a.position.x_px - b.position.x_px).hypot(a.position.y_px - b.position.y_px);
                assert!(away <= SAME_POSE_PX, "{what}: {away} px apart");
                visible += 1;
            }
        }
    }
    visible
}
