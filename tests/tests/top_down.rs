//! Top-down models from the frame to the poses, through the shipped runtime and its engine.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use dormouse::bundle::{ExpectedInstance, SelfTest};
use dormouse::{
    Backend, Bundle, Error, Estimator, Frame, ImagePoint, OnSizeChange, Options, Overflow, PixelFormat, Poses, Stage,
};
use dormouse_tests::tolerance::{PLANTED_PART_PX, SAME_CROP_PX};
use dormouse_tests::top_down::{Animal, HEIGHT, WIDTH, bundle, config, scene};

/// Poses that a GPU, if there were one, would give to other last digits.
fn on_cpu() -> Options {
    Options { backend: Backend::Cpu, ..Options::default() }
}

fn estimator(identity: bool, max_instances: u32) -> Estimator {
    let file = bundle(&config(identity, max_instances), None);
    Estimator::new(&Bundle::from_bytes(&file).unwrap(), &on_cpu()).unwrap()
}

fn frame(pixels: &[u8]) -> Frame<'_> {
    Frame::rgb8(pixels, WIDTH as u32, HEIGHT as u32).unwrap()
}

fn places(poses: &Poses) -> Vec<[(f32, f32); 2]> {
    let place = |k: &dormouse::Keypoint| (k.position.x_px, k.position.y_px);
    poses.iter().map(|i| [place(&i.keypoints[0]), place(&i.keypoints[1])]).collect()
}

fn assert_close(got: [(f32, f32); 2], expected: [(f32, f32); 2], tolerance_px: f32) {
    for (g, e) in got.into_iter().zip(expected) {
        assert!((g.0 - e.0).abs() <= tolerance_px && (g.1 - e.1).abs() <= tolerance_px, "{got:?} for {expected:?}");
    }
}

#[test]
fn planted_animals_come_back_those_at_the_border_too() {
    // The crops of the first and the last overhang two edges each.
    let animals = [Animal::at(8.0, 5.5), Animal::at(60.0, 40.25), Animal::at(112.4, 82.0)];
    let mut estimator = estimator(false, 8);
    let poses = estimator.estimate(&frame(&scene(&animals))).unwrap();
    assert_eq!((poses.len(), poses.overflow()), (3, Overflow::default()));
    for (found, animal) in places(poses).into_iter().zip(&animals) {
        assert_close(found, animal.parts, PLANTED_PART_PX);
    }
    // Values of the grid: up to half a cell of 4 px off the centre.
    assert!(poses.iter().all(|i| i.score > 0.7 && i.score <= 1.0 && i.identity.is_none()));
    assert_eq!(estimator.centroids().len(), 3);
}

#[test]
fn no_fraction_of_the_centroid_gets_into_the_keypoints() {
    let mut estimator = estimator(false, 2);
    let still = Animal::at(60.0, 40.0);
    let expected = {
        let pixels = scene(&[still]);
        places(estimator.estimate(&frame(&pixels)).unwrap())[0]
    };
    let mut crops = std::collections::BTreeSet::new();
    for quarter in 0..17 {
        // Never halfway between two cells of the centroid map: equal neighbours are no peak.
        let shift = 0.25 * quarter as f32 - 1.9;
        let pixels = scene(&[Animal { centre: (60.0 + shift, 40.0 - shift), ..still }]);
        let found = places(estimator.estimate(&frame(&pixels)).unwrap());
        assert_eq!(found.len(), 1);
        assert_close(found[0], expected, SAME_CROP_PX);
        crops.insert(estimator.centroids()[0].position.x_px.round() as i32);
    }
    assert!(crops.len() >= 4, "the crop must move for the test to tell anything: {crops:?}");
}

#[test]
fn known_centroids_give_the_second_stage_alone() {
    let animals = [Animal::at(30.0, 40.0), Animal::at(80.0, 40.0)];
    let mut estimator = estimator(false, 3);
    let pixels = scene(&animals);
    let whole = places(estimator.estimate(&frame(&pixels)).unwrap());
    let at = |x_px, y_px| ImagePoint { x_px, y_px };
    // Any order, a point that is nowhere, one where nothing is, and parts of one animal seen from beside its centre.
    let points = [at(83.0, 38.0), ImagePoint::MISSING, at(30.0, 40.0), at(55.0, 75.0)];
    let poses = estimator.estimate_at(&frame(&pixels), &points).unwrap();
    let found = places(poses);
    assert_eq!((found.len(), poses.overflow()), (2, Overflow::default()));
    assert!(poses.iter().all(|i| i.score == 1.0));
    assert_close(found[0], whole[1], SAME_CROP_PX);
    assert_close(found[1], whole[0], SAME_CROP_PX);
    let many = [at(30.0, 40.0); 5];
    let poses = estimator.estimate_at(&frame(&pixels), &many).unwrap();
    assert_eq!((poses.len(), poses.overflow().instances), (3, 2));
    assert!(estimator.estimate_at(&frame(&pixels), &[]).unwrap().is_empty());
}

#[test]
fn the_first_stage_alone_gives_centres() {
    let mut estimator = estimator(false, 2);
    let pixels = scene(&[Animal::at(30.0, 40.0), Animal::at(80.5, 41.0)]);
    let found: Vec<_> = estimator.find_centroids(&frame(&pixels)).unwrap().iter().map(|c| c.position).collect();
    assert_eq!(found.len(), 2);
    // 0.1 cells of 4 frame pixels, and half a pixel between the halved image and plain scaling (reference, section 1.2).
    assert!((found[0].x_px - 30.0).abs() < 1.0 && (found[1].x_px - 80.5).abs() < 1.0, "{found:?}");
}

#[test]
fn all_animals_of_a_frame_are_one_batch_and_none_changes_another() {
    let animals: Vec<_> = (0..7).map(|i| Animal::at(18.0 + 27.0 * (i % 4) as f32, 20.0 + 30.0 * (i / 4) as f32)).collect();
    let pixels = scene(&animals);
    let mut estimator = estimator(false, 7);
    let together = places(estimator.estimate(&frame(&pixels)).unwrap());
    let centres: Vec<_> = estimator.centroids().iter().map(|c| c.position).collect();
    assert_eq!((together.len(), centres.len()), (7, 7));
    for (index, centre) in centres.into_iter().enumerate() {
        let alone = places(estimator.estimate_at(&frame(&pixels), &[centre]).unwrap());
        assert_eq!(alone, together[index..=index], "animal {index}");
    }
}

#[test]
fn what_does_not_fit_is_counted_and_nothing_is_no_error() {
    let mut estimator = estimator(false, 2);
    let pixels = scene(&[Animal::at(20.0, 40.0), Animal::at(60.25, 41.0), Animal::at(100.0, 40.0)]);
    let poses = estimator.estimate(&frame(&pixels)).unwrap();
    assert_eq!((poses.len(), poses.overflow()), (2, Overflow { peaks: 0, instances: 1 }));
    let mut stages = Vec::new();
    let black = scene(&[]);
    let poses = estimator.estimate_observed(&frame(&black), &mut |stage| stages.push(stage)).unwrap();
    assert!(poses.is_empty() && poses.overflow() == Overflow::default());
    assert_eq!(stages, [Stage::Preprocess, Stage::Infer, Stage::Decode], "the second network must not run");
}

#[test]
fn individuals_are_told_apart_within_a_frame() {
    let red = |x, y| Animal { light: [1.0, 0.5], ..Animal::at(x, y) };
    let green = |x, y| Animal { light: [0.5, 1.0], ..Animal::at(x, y) };
    let mut estimator = estimator(true, 4);
    let names = |estimator: &mut Estimator, animals: &[Animal]| -> Vec<Option<String>> {
        let pixels = scene(animals);
        let poses = estimator.estimate(&frame(&pixels)).unwrap();
        assert!(poses.iter().all(|i| i.identity.is_none_or(|id| id.score > 0.3 && id.score <= 1.0)));
        poses.iter().map(|i| i.identity.map(|id| id.name.to_owned())).collect()
    };
    let some = |name: &str| Some(name.to_owned());
    assert_eq!(names(&mut estimator, &[red(30.0, 40.0), green(80.0, 40.0)]), [some("red"), some("green")]);
    assert_eq!(names(&mut estimator, &[green(30.0, 40.0), red(80.0, 40.0)]), [some("green"), some("red")]);
    // Three animals and two classes: the least sure one has no name.
    let dim = Animal { light: [0.5, 0.4], ..Animal::at(100.0, 60.0) };
    assert_eq!(names(&mut estimator, &[green(30.0, 20.0), red(60.0, 20.0), dim]), [some("green"), some("red"), None]);
}

#[test]
fn another_frame_size_is_refused_or_prepared_for() {
    let file = bundle(&config(false, 2), None);
    let bundle = Bundle::from_bytes(&file).unwrap();
    let pixels = scene(&[Animal::at(20.0, 40.0)]);
    let cut = &pixels[..WIDTH * 60 * 3];
    let cut = Frame::rgb8(cut, WIDTH as u32, 60).unwrap();
    let prepared = Options { frame_px: Some((WIDTH as u32, HEIGHT as u32)), ..on_cpu() };
    let mut strict = Estimator::new(&bundle, &prepared).unwrap();
    assert!(matches!(strict.estimate(&cut), Err(Error::SizeChanged { .. })));
    assert!(matches!(strict.estimate_at(&cut, &[ImagePoint { x_px: 1.0, y_px: 1.0 }]), Err(Error::SizeChanged { .. })));
    let lenient = Options { on_size_change: OnSizeChange::Reprepare, ..prepared };
    let mut lenient = Estimator::new(&bundle, &lenient).unwrap();
    assert_eq!((lenient.estimate(&cut).unwrap().len(), lenient.estimate(&frame(&pixels)).unwrap().len()), (1, 1));
}

#[test]
fn the_self_test_covers_both_networks_and_the_classes() {
    let animal = Animal { light: [0.5, 1.0], ..Animal::at(60.0, 40.0) };
    let part = |(x_px, y_px)| Some(ImagePoint { x_px, y_px });
    let mut test = SelfTest {
        format: PixelFormat::Rgb8,
        width_px: WIDTH as u32,
        height_px: HEIGHT as u32,
        pixels: scene(&[animal]),
        instances: vec![ExpectedInstance { keypoints: animal.parts.map(part).to_vec(), class: Some(1) }],
        tolerance_px: PLANTED_PART_PX * 1.5,
    };
    let open = |test: &SelfTest| {
        let file = bundle(&config(true, 2), Some(test));
        Estimator::new(&Bundle::from_bytes(&file).unwrap(), &on_cpu()).map(|_| ())
    };
    assert_eq!(open(&test), Ok(()));
    test.instances[0].class = Some(0);
    assert!(matches!(open(&test), Err(Error::SelfTest { what: "an animal was taken for another one", .. })));
    test.instances[0].class = Some(1);
    test.instances[0].keypoints[1] = part((60.0, 40.0));
    assert!(matches!(open(&test), Err(Error::SelfTest { .. })));
}
