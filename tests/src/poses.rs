//! Whether two engines find the same animals.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test may fail by panicking")]

use crate::tolerance::SAME_POSE_PX;
use dormouse::{Error, Estimator, Frame, Poses};

/// Number of visible keypoints; panics unless both hold the same animals, in the same order, at the same places.
pub fn same_poses(ours: &Poses, expected: &Poses, what: &str) -> usize {
    let distances_px = distances_px(ours, expected, what);
    for away_px in &distances_px {
        assert!(*away_px <= SAME_POSE_PX, "{what}: {away_px} px apart");
    }
    distances_px.len()
}

/// How far apart the visible keypoints are; panics unless both hold the same animals with the same parts, in the same order.
pub fn distances_px(ours: &Poses, expected: &Poses, what: &str) -> Vec<f32> {
    assert_eq!(ours.len(), expected.len(), "{what}");
    assert_eq!(ours.overflow(), expected.overflow(), "{what}");
    let mut distances_px = Vec::new();
    for (a, b) in ours.iter().zip(expected.iter()) {
        for (a, b) in a.keypoints.iter().zip(b.keypoints) {
            assert_eq!(a.is_visible(), b.is_visible(), "{what}");
            if a.is_visible() {
                distances_px.push((a.position.x_px - b.position.x_px).hypot(a.position.y_px - b.position.y_px));
            }
        }
    }
    distances_px
}

/// Panics unless frames that are submitted while others are on their way give the very poses that they give one by one, in order, and
/// what is out of order is refused. Gives the number of animals.
pub fn same_when_submitted(estimator: &mut Estimator, frames: &[Frame<'_>]) -> usize {
    let refused = |result: Result<(), Error>| assert!(matches!(result, Err(Error::InFlight(_))), "{result:?}");
    let expected: Vec<Poses> = frames.iter().map(|frame| estimator.estimate(frame).unwrap().clone()).collect();
    let mut waiting = std::collections::VecDeque::new();
    let finish = |estimator: &mut Estimator, waiting: &mut std::collections::VecDeque<_>| {
        let (index, ticket) = waiting.pop_front().unwrap();
        let (finished, poses) = estimator.finish().unwrap();
        assert_eq!(finished, ticket);
        // As text, in which parts that are missing are equal too.
        assert_eq!(format!("{poses:?}"), format!("{:?}", expected[index]), "frame {index}");
    };
    refused(estimator.finish().map(|_| ()));
    for (index, frame) in frames.iter().enumerate() {
        if waiting.len() == 2 {
            refused(estimator.submit(frame).map(|_| ()));
            refused(estimator.estimate(frame).map(|_| ()));
            refused(estimator.prepare(64, 64));
            finish(estimator, &mut waiting);
        }
        waiting.push_back((index, estimator.submit(frame).unwrap()));
        assert_eq!(estimator.in_flight(), waiting.len());
    }
    while !waiting.is_empty() {
        finish(estimator, &mut waiting);
    }
    refused(estimator.finish().map(|_| ()));
    expected.iter().map(Poses::len).sum()
}
