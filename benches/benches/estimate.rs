//! A whole frame, from the camera's pixels to the poses, with the demo's network of the model zoo.

#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]
#![allow(clippy::unwrap_used, reason = "a bench may fail by panicking")]

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use dormouse::bundle::SelfTest;
use dormouse::{Backend, Bundle, Estimator, Frame, Options, Poses};
use std::hint::black_box;

static BUNDLE: &[u8] = include_bytes!("../../model-zoo/demo/demo.dorm");

/// Every expected animal must be there with all its parts, within the tolerance of the self-test.
fn check(poses: &Poses, expected: &SelfTest) {
    assert_eq!(poses.len(), expected.instances.len());
    for (found, wanted) in poses.iter().zip(&expected.instances) {
        for (keypoint, point) in found.keypoints.iter().zip(&wanted.keypoints) {
            assert_eq!(keypoint.is_visible(), point.is_some());
            let Some(point) = point else { continue };
            let away = (keypoint.position.x_px - point.x_px).hypot(keypoint.position.y_px - point.y_px);
            assert!(away <= expected.tolerance_px, "{away} px away");
        }
    }
}

fn estimate(c: &mut Criterion) {
    let bundle = Bundle::from_bytes(BUNDLE).unwrap();
    let expected = bundle.self_test().unwrap().unwrap();
    let frame = Frame::packed(expected.format, &expected.pixels, expected.width_px, expected.height_px).unwrap();
    let mut group = c.benchmark_group("estimate");
    for threads in [1, 2] {
        let mut estimator = Estimator::new(&bundle, &Options { backend: Backend::Cpu, threads, ..Options::default() }).unwrap();
        check(estimator.estimate(&frame).unwrap(), &expected);
        group.bench_function(BenchmarkId::new("demo_threads", threads), |b| {
            b.iter(|| estimator.estimate(black_box(&frame)).unwrap().len());
        });
    }
}

criterion_group!(benches, estimate);
criterion_main!(benches);
