use super::*;
use crate::dataset::labels::{LabelInstance, LabelPoint, LabeledFrame, Video, VideoSource};
use crate::dataset::slp::{VideoSearch, read_labels};
use std::path::Path;

fn shared(path: &str) -> std::path::PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")).join(path)
}

fn instance(kind: InstanceKind, points: [(f64, bool); 2]) -> LabelInstance {
    let points = points.map(|(x_px, visible)| LabelPoint { x_px, y_px: 2.0, visible, complete: false, score: f64::NAN });
    LabelInstance { kind, points: points.to_vec(), track: None, score: f32::NAN, tracking_score: 0.0, from_predicted: None }
}

/// Five images of which frames 4, 2 and 1 count.
fn labels(folder: &Path) -> Labels {
    let files: Vec<_> = (0..5u8)
        .map(|shade| {
            let path = folder.join(format!("{shade}.png"));
            image::GrayImage::from_pixel(4, 3, image::Luma([shade])).save(&path).unwrap();
            path
        })
        .collect();
    let nan = f64::NAN;
    let frame = |frame_index, instances| LabeledFrame { video: 0, frame_index, instances };
    Labels {
        skeleton: Skeleton { nodes: vec!["a".into(), "b".into()], ..Skeleton::default() },
        videos: vec![Video { source: VideoSource::Images(files), stored_name: "0.png".into(), grayscale: None, shape: None }],
        frames: vec![
            frame(
                4,
                vec![
                    instance(InstanceKind::User, [(1.5, true), (3.0, false)]),
                    instance(InstanceKind::Predicted, [(9.0, true); 2]),
                ],
            ),
            frame(3, vec![instance(InstanceKind::Predicted, [(9.0, true); 2])]),
            frame(
                2,
                vec![
                    instance(InstanceKind::User, [(nan, true), (3.0, true)]),
                    instance(InstanceKind::User, [(nan, true), (3.0, false)]),
                ],
            ),
            frame(0, vec![instance(InstanceKind::User, [(nan, true), (3.0, false)])]),
            frame(
                1,
                vec![
                    instance(InstanceKind::User, [(1.0, true), (2.0, true)]),
                    instance(InstanceKind::User, [(5.0, true), (6.0, true)]),
                ],
            ),
        ],
        ..Labels::default()
    }
}

fn shades(samples: &LabeledSamples) -> Vec<u8> {
    (0..samples.len()).map(|i| samples.sample(i).unwrap().image.pixels()[0]).collect()
}

#[test]
fn only_usable_user_instances_count() {
    let temp = tempfile::tempdir().unwrap();
    let mut steps = Vec::new();
    let samples =
        LabeledSamples::open(labels(temp.path()), &SampleOptions::default(), &mut |done, all| steps.push((done, all))).unwrap();
    assert_eq!(shades(&samples), [4, 2, 1]);
    assert_eq!(steps, [(0, 3), (1, 3), (2, 3), (3, 3)]);
    let animals: Vec<usize> = (0..3).map(|i| samples.sample(i).unwrap().animals.len()).collect();
    assert_eq!(animals, [1, 1, 2]);
    let first = samples.sample(0).unwrap().animals[0].points.clone();
    assert_eq!(first[0], [1.5, 2.0]);
    assert!(first[1][0].is_nan() && first[1][1].is_nan(), "placed but not visible");
    assert_eq!((samples.frame_of(2), samples.frame_of(3), samples.cached()), (Some((0, 1)), None, 3));
    assert!(samples.sample(3).is_err());
}

#[test]
fn empty_frames_are_negatives_and_tracks_are_identities() {
    let temp = tempfile::tempdir().unwrap();
    let mut labels = labels(temp.path());
    labels.tracks = vec!["anna".into(), "bert".into()];
    labels.frames[4].instances[1].track = Some(1);
    labels.frames[1].instances.clear();
    let options = SampleOptions { negatives: true, ..SampleOptions::default() };
    let samples = LabeledSamples::open(labels.clone(), &options, &mut |_, _| {}).unwrap();
    assert_eq!(shades(&samples), [4, 3, 2, 1], "frame 3 is empty, frame 0 has an instance without usable parts");
    assert!(samples.animals(1).unwrap().is_empty() && samples.sample(1).unwrap().animals.is_empty());
    let identities: Vec<_> = samples.animals(3).unwrap().iter().map(|a| a.identity).collect();
    assert_eq!((identities, samples.identities().len()), (vec![None, Some(1)], 2));
    let without = LabeledSamples::open(labels, &SampleOptions::default(), &mut |_, _| {}).unwrap();
    assert_eq!(shades(&without), [4, 2, 1]);
}

#[test]
fn memory_is_bounded_and_a_missing_video_is_told() {
    let temp = tempfile::tempdir().unwrap();
    let options = SampleOptions { cache_bytes: 25, ..SampleOptions::default() };
    let samples = LabeledSamples::open(labels(temp.path()), &options, &mut |_, _| {}).unwrap();
    assert_eq!(samples.cached(), 2);
    assert_eq!(shades(&samples), [4, 2, 1]);
    let mut missing = labels(temp.path());
    missing.videos[0].source = VideoSource::Missing { entry: "{}".into(), tried: vec!["/looked/here.mp4".into()] };
    let error = LabeledSamples::open(missing, &options, &mut |_, _| {}).err().unwrap();
    assert!(error.to_string().contains("/looked/here.mp4"));
}

/// Reference T, sections 8 and 12.
#[test]
fn splits_as_sleap_counts() {
    let sizes = |count, fraction| {
        let parts = split(count, fraction, 1);
        (parts.training.len(), parts.validation.len())
    };
    assert_eq!(sizes(25, 0.1), (23, 2));
    assert_eq!(sizes(35, 0.1), (31, 4), "3.5 rounds to even");
    assert_eq!(sizes(10, 0.0), (9, 1));
    assert_eq!(sizes(10, 1.0), (1, 9));
    assert_eq!(sizes(2, 0.5), (1, 1));
    assert_eq!(sizes(10, f64::NAN), (9, 1));
    assert_eq!(split(1, 0.1, 0), Split { training: vec![0], validation: vec![0] });
    assert_eq!(split(0, 0.1, 0), Split { training: vec![], validation: vec![] });
    let parts = split(100, 0.2, 7);
    let mut all = [parts.training.clone(), parts.validation.clone()].concat();
    all.sort_unstable();
    assert_eq!(all, (0..100).collect::<Vec<_>>());
    assert_eq!(parts, split(100, 0.2, 7));
    assert_ne!(parts, split(100, 0.2, 8));
}

#[test]
#[ignore = "needs ../shared/data"]
fn real_training_set() {
    let labels = read_labels(&shared("flies/flies.train.pkg.slp"), &VideoSearch::default()).unwrap();
    let began = std::time::Instant::now();
    let samples = LabeledSamples::open(labels, &SampleOptions::default(), &mut |_, _| {}).unwrap();
    eprintln!("100 images decoded in {:.2} s", began.elapsed().as_secs_f64());
    assert_eq!((samples.len(), samples.cached(), samples.skeleton().nodes.len()), (100, 100, 24));
    for index in 0..samples.len() {
        let sample = samples.sample(index).unwrap();
        assert_eq!((sample.image.width_px(), sample.image.height_px(), sample.image.channels()), (384, 384, 1));
        assert!(sample.animals.len() == 2 && sample.animals.iter().all(|animal| animal.points.len() == 24));
    }
}

#[test]
#[ignore = "needs ffmpeg and ../shared/data"]
fn real_labels_by_reference() {
    let labels = read_labels(&shared("robot/small_robot_minimal.slp"), &VideoSearch::default()).unwrap();
    let samples = LabeledSamples::open(labels, &SampleOptions::default(), &mut |_, _| {}).unwrap();
    assert_eq!((samples.len(), samples.sample(1).unwrap().image.channels(), samples.frame_of(1)), (2, 3, Some((0, 79))));
    let labels = read_labels(&shared("robot/small_robot_siv.slp"), &VideoSearch::default()).unwrap();
    let samples = LabeledSamples::open(labels, &SampleOptions::default(), &mut |_, _| {}).unwrap();
    assert_eq!((samples.len(), samples.sample(2).unwrap().image.width_px()), (3, 560));
}
