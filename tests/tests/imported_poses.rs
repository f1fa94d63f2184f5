//! SLEAP's own models, imported, on real frames through the shipped runtime: SLEAP's recorded predictions, and the same poses by tract.
//!
//! The recordings were made by SLEAP-NN from the same weights, on frames that ffmpeg decoded as ours (`rgb24`; the first channel of
//! gray videos): frame 0 of both videos is equal to the last bit.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use dormouse::config::{Refinement, ResizeFilter};
use dormouse::{Backend, Bundle, Estimator, Frame, ImagePoint, Keypoint, Options, Poses};
use dormouse_tests::golden::{GoldenAnimal, data_path, golden_frame};
use dormouse_tests::imported::{BOTTOM_UP, ROBOT, TOP_DOWN, imported};
use dormouse_tests::poses::same_poses;
use dormouse_tests::tolerance::{
    IMPORTED_ANIMAL_SCORE, IMPORTED_POSE_PX, IMPORTED_SCORE, OTHER_CROP_PX, OTHER_RESIZE_PX, OTHER_RESIZE_SCORE,
};
use dormouse_trainer::dataset::video::open_path;
use dormouse_trainer::dataset::{Image, VideoSearch};
use dormouse_trainer::predict::{FrameReader, PredictInput};

fn estimator(file: &[u8], backend: Backend) -> Estimator {
    Estimator::new(&Bundle::from_bytes(file).unwrap(), &Options { backend, ..Options::default() }).unwrap()
}

/// The first frames of a video.
fn frames(video: &str, count: u64) -> Vec<Image> {
    let mut video = open_path(data_path(video)).unwrap();
    (0..count).map(|index| video.frame(index).unwrap()).collect()
}

/// The labelled frame of the package.
fn labelled() -> Vec<Image> {
    let input = PredictInput::open(&data_path("flies/minimal_instance.pkg.slp"), None, &VideoSearch::default()).unwrap();
    let mut reader = FrameReader::default();
    input.frames.iter().map(|&(video, index)| reader.frame(&input.videos, video, index).unwrap()).collect()
}

/// How far poses are from recorded ones.
#[derive(Debug, Default)]
struct Differences {
    /// Whether peaks are refined.
    refined: bool,
    /// Parts for which the recordings divide by a sum of no meaning: there ours stay where they are (`runtime/src/decode/refine.rs`).
    unrefined: usize,
    parts_px: Vec<f32>,
    score: f32,
    animal_score: f32,
}

impl Differences {
    fn parts(&mut self, found: &[Keypoint], expected: &GoldenAnimal, shift: (f32, f32)) {
        assert_eq!(found.len(), expected.points.len());
        for (keypoint, point) in found.iter().zip(&expected.points) {
            assert_eq!(keypoint.is_visible(), point.is_some());
            if let &Some([x, y, score]) = point {
                let (dx, dy) = (keypoint.position.x_px + shift.0 - x, keypoint.position.y_px + shift.1 - y);
                self.score = self.score.max((keypoint.score - score).abs());
                // Refined peaks do not meet whole pixels, both at once; those that stay have surroundings that add up to nothing or less.
                let stays = keypoint.position.x_px.fract() == 0.0 && keypoint.position.y_px.fract() == 0.0;
                if stays && self.refined { self.unrefined += 1 } else { self.parts_px.push(dx.hypot(dy)) }
            }
        }
    }

    /// Animals in the same order.
    fn animals(&mut self, poses: &Poses, golden: &[GoldenAnimal]) {
        assert_eq!(poses.len(), golden.len());
        for (animal, expected) in poses.iter().zip(golden) {
            self.parts(animal.keypoints, expected, (0.0, 0.0));
            self.animal_score = self.animal_score.max((animal.score - expected.score).abs());
        }
    }

    /// Median and largest distance of a part.
    fn median_and_worst_px(&self) -> [f32; 2] {
        let mut sorted = self.parts_px.clone();
        sorted.sort_by(f32::total_cmp);
        [sorted[sorted.len() / 2], *sorted.last().unwrap()]
    }
}

fn compare(name: &str, file: &[u8], frames: &[Image]) -> Differences {
    let mut estimator = estimator(file, Backend::Cpu);
    let refined = estimator.config().peaks.refinement != Refinement::None;
    let mut found = Differences { refined, ..Differences::default() };
    for (index, image) in frames.iter().enumerate() {
        let poses = estimator.estimate(&image.frame().unwrap()).unwrap();
        found.animals(poses, &golden_frame(name, index).unwrap());
    }
    let [median, worst] = found.median_and_worst_px();
    let parts = found.parts_px.len();
    assert_eq!(found.unrefined, 0);
    println!("{name}: {parts} parts, median {median} px, worst {worst} px, scores {} and {}", found.score, found.animal_score);
    found
}

#[test]
#[ignore = "needs ../shared/data and ffmpeg"]
fn bottom_up_gives_the_recorded_poses() {
    let cases = [
        ("bottomup.centered_pair_small.json", Refinement::Integral, frames("flies/centered_pair_small.mp4", 20)),
        ("bottomup.centered_pair_small.norefine.json", Refinement::None, frames("flies/centered_pair_small.mp4", 20)),
        ("bottomup.minimal_instance.json", Refinement::Integral, labelled()),
    ];
    for (name, refinement, frames) in cases {
        let found = compare(name, &imported(BOTTOM_UP, |config| config.peaks.refinement = refinement), &frames);
        assert!(found.parts_px.len() >= 3 * frames.len());
        assert!(found.median_and_worst_px()[1] <= IMPORTED_POSE_PX, "{name}");
        assert!(found.score <= IMPORTED_SCORE && found.animal_score <= IMPORTED_ANIMAL_SCORE, "{name}");
    }
}

/// The network learned from frames scaled without antialias, and so they are scaled here; the recording scaled them with it, which turns
/// one of two equally high peaks into the highest. With antialias the poses are the recorded ones.
#[test]
#[ignore = "needs ../shared/data and ffmpeg"]
fn a_robot_gives_the_recorded_poses() {
    let images = frames("robot/small_robot.mp4", 40);
    let with = |filter| imported(ROBOT, |config| config.networks[0].preprocess.resize = filter);
    let found = compare("single.small_robot.json", &with(ResizeFilter::BilinearAntialias), &images);
    assert_eq!(found.parts_px.len(), 80);
    assert!(found.median_and_worst_px()[1] <= OTHER_RESIZE_PX && found.score <= OTHER_RESIZE_SCORE);
    let shipped = Bundle::from_vec(imported(ROBOT, |_| {})).unwrap();
    assert_eq!(shipped.config().networks[0].preprocess.resize, ResizeFilter::Bilinear);
}

/// Where SLEAP-NN cuts the crop around a centroid, and which place it takes for the crop's corner (reference
/// sleap-inference.md, section 4): the corner is moved to a whole pixel, and the fraction is added back to the parts.
struct RecordedCrop {
    start: f32,
    fraction: f32,
}

impl RecordedCrop {
    fn around(center: f32, size: f32) -> Self {
        let corner = center - size / 2.0 + 0.5;
        let start = (corner + size / 2.0).trunc() - size / 2.0;
        Self { start, fraction: corner - start }
    }

    /// The centroid whose crop begins there in our runtime.
    fn center(&self, size: f32) -> f32 {
        self.start + (size - 1.0) / 2.0
    }
}

#[test]
#[ignore = "needs ../shared/data and ffmpeg"]
fn top_down_gives_the_recorded_poses_from_the_recorded_crops() {
    let file = imported(TOP_DOWN, |_| {});
    let mut estimator = estimator(&file, Backend::Cpu);
    let size = 96.0;
    for (name, frames) in [
        ("topdown.centered_pair_small.json", frames("flies/centered_pair_small.mp4", 20)),
        ("topdown.minimal_instance.json", labelled()),
    ] {
        let new = || Differences { refined: true, ..Differences::default() };
        let (mut recorded, mut shipped) = (new(), new());
        for (index, image) in frames.iter().enumerate() {
            let frame = image.frame().unwrap();
            let golden = golden_frame(name, index).unwrap();
            let centroids = estimator.find_centroids(&frame).unwrap().to_vec();
            assert_eq!(centroids.len(), golden.len(), "{name}, frame {index}");
            for centroid in centroids {
                let score = |animal: &&GoldenAnimal| (animal.score - centroid.score).abs();
                let expected = golden.iter().min_by(|a, b| score(a).total_cmp(&score(b))).unwrap();
                recorded.animal_score = recorded.animal_score.max(score(&expected));
                let crops = [centroid.position.x_px, centroid.position.y_px].map(|c| RecordedCrop::around(c, size));
                let point = ImagePoint { x_px: crops[0].center(size), y_px: crops[1].center(size) };
                recorded.parts(one(&mut estimator, &frame, point).as_slice(), expected, (crops[0].fraction, crops[1].fraction));
                shipped.parts(one(&mut estimator, &frame, centroid.position).as_slice(), expected, (0.0, 0.0));
            }
        }
        let ([median, worst], own) = (recorded.median_and_worst_px(), shipped.median_and_worst_px());
        println!(
            "{name}: {} parts, median {median} px, worst {worst} px; scores {} and {}; own crops: {own:?} px",
            recorded.parts_px.len(),
            recorded.score,
            recorded.animal_score
        );
        assert!(recorded.parts_px.len() >= 4 * frames.len() && recorded.unrefined <= 2, "{recorded:?}");
        assert!(worst <= IMPORTED_POSE_PX && recorded.score <= IMPORTED_SCORE && recorded.animal_score <= IMPORTED_SCORE);
        // The fraction that the recordings add moves each part by up to 1 px per axis; peaks of another crop may be others.
        assert!(own[0] <= OTHER_CROP_PX, "{own:?}");
    }
}

/// Parts of the animal in the crop around a place.
fn one(estimator: &mut Estimator, frame: &Frame<'_>, center: ImagePoint) -> Vec<Keypoint> {
    let poses = estimator.estimate_at(frame, &[center]).unwrap();
    poses.iter().next().unwrap().keypoints.to_vec()
}

#[test]
#[ignore = "needs ../shared/data and ffmpeg"]
fn the_cpu_engine_finds_the_poses_of_tract() {
    let flies = frames("flies/centered_pair_small.mp4", 12);
    for (models, images) in [(BOTTOM_UP, &flies), (TOP_DOWN, &flies), (ROBOT, &frames("robot/small_robot.mp4", 12))] {
        let file = imported(models, |_| {});
        let [mut cpu, mut tract] = [Backend::Cpu, Backend::Tract].map(|backend| estimator(&file, backend));
        let mut visible = 0;
        for (index, image) in images.iter().enumerate() {
            let frame = image.frame().unwrap();
            let what = format!("{models:?}, frame {index}");
            visible += same_poses(cpu.estimate(&frame).unwrap(), tract.estimate(&frame).unwrap(), &what);
        }
        assert!(visible >= 2 * images.len(), "{models:?}: {visible} parts");
    }
}
