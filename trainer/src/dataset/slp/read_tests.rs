use super::super::test_support::{PlainFile, shared, small_labels};
use super::*;
use crate::dataset::labels::{InstanceKind, VideoSource};
use crate::dataset::slp::write_labels;

fn read(path: &Path) -> Result<Labels> {
    read_labels(path, &VideoSearch::default())
}

fn read_plain(file: &PlainFile) -> Result<Labels> {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("plain.slp");
    file.write(&path);
    read(&path)
}

#[test]
fn plain_tables_old_tracks_and_links() {
    let labels = read_plain(&PlainFile::default()).unwrap();
    assert_eq!(labels.skeleton.nodes, ["A", "B"]);
    assert_eq!(labels.tracks, ["old style"]);
    assert_eq!((labels.frames.len(), labels.frames[0].frame_index), (1, 5));
    let [user, predicted] = labels.frames[0].instances.as_slice() else { panic!("two instances") };
    assert_eq!((user.kind, user.track, user.from_predicted), (InstanceKind::User, Some(0), Some(1)));
    assert_eq!((user.points[0].x_px, user.points[0].y_px), (1.0, 2.0));
    assert!(user.points[0].is_usable() && !user.points[1].is_usable(), "visible but not finite");
    assert_eq!((predicted.kind, predicted.track, predicted.score), (InstanceKind::Predicted, None, 0.5));
    assert_eq!((predicted.points[1].x_px, predicted.points[1].score, predicted.points[1].visible), (3.0, 0.25, false));
    assert!(user.score.is_nan() && user.points[0].score.is_nan());
    assert_eq!(user.tracking_score, 0.0);
    let VideoSource::Missing { tried, .. } = &labels.videos[0].source else { panic!("the video is not there") };
    assert!(tried.iter().any(|place| place.ends_with("no/such.mp4")), "{tried:?}");
}

/// Reference T, section 1.2: only user points, only below format 1.1 or without a format.
#[test]
fn old_coordinates_are_shifted() {
    for (format, shift) in [(Some(1.0), 0.5), (None, 0.5), (Some(1.1), 0.0), (Some(1.9), 0.0), (Some(2.8), 0.0)] {
        let labels = read_plain(&PlainFile { format, ..PlainFile::default() }).unwrap();
        let instances = &labels.frames[0].instances;
        assert_eq!((instances[0].points[0].x_px, instances[0].points[0].y_px), (1.0 - shift, 2.0 - shift), "{format:?}");
        assert_eq!(instances[1].points[0].x_px, 1.0, "predictions stay");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of faults")]
fn faults_name_dataset_and_row() {
    let good = PlainFile::default;
    let mut one = good();
    one.frames = vec![0.0, 3.0, 5.0, 0.0, 2.0];
    let cases = [
        (one, "/frames row 0"),
        (PlainFile { frames: vec![0.0, 0.0, 5.0, 1.0, 9.0], ..good() }, "/frames row 0"),
        (PlainFile { frames: vec![0.0, 0.0, 5.0, 2.0, 1.0], ..good() }, "/frames row 0"),
        (PlainFile { frames: vec![0.0, 0.0, -1.0, 0.0, 2.0], ..good() }, "/frames row 0"),
        (PlainFile { frames: vec![0.0, 0.0, 1.5, 0.0, 2.0], ..good() }, "/frames row 0"),
        (PlainFile { frames: [[0.0, 0.0, 1.0, 0.0, 2.0], [1.0, 0.0, 2.0, 1.0, 2.0]].concat(), ..good() }, "/frames row 1"),
        (
            PlainFile {
                instances: vec![0.0, 7.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 2.0],
                frames: vec![0.0, 0.0, 5.0, 0.0, 1.0],
                ..good()
            },
            "/instances row 0",
        ),
        (
            PlainFile {
                instances: vec![0.0, 0.0, 0.0, 0.0, 4.0, -1.0, 0.0, 0.0, 2.0],
                frames: vec![0.0, 0.0, 5.0, 0.0, 1.0],
                ..good()
            },
            "/instances row 0",
        ),
        (
            PlainFile {
                instances: vec![0.0, 0.0, 0.0, 0.0, 0.0, 9.0, 0.0, 0.0, 2.0],
                frames: vec![0.0, 0.0, 5.0, 0.0, 1.0],
                ..good()
            },
            "/instances row 0",
        ),
        (
            PlainFile {
                instances: vec![0.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 1.0],
                frames: vec![0.0, 0.0, 5.0, 0.0, 1.0],
                ..good()
            },
            "/instances row 0",
        ),
        (
            PlainFile {
                instances: vec![0.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 1.0, 3.0],
                frames: vec![0.0, 0.0, 5.0, 0.0, 1.0],
                ..good()
            },
            "/instances row 0",
        ),
        (
            PlainFile {
                instances: vec![0.0, 0.0, 0.0, 3.0, 0.0, -1.0, 0.0, 0.0, 2.0],
                frames: vec![0.0, 0.0, 5.0, 0.0, 1.0],
                ..good()
            },
            "/metadata json",
        ),
        (PlainFile { points: vec![1.0, 2.0, 1.0, 0.0], ..good() }, "/instances row"),
        (PlainFile { tracks: vec!["{}"], ..good() }, "/tracks_json row 0"),
        (PlainFile { videos: vec!["{\"backend\": {}}".into()], ..good() }, "/videos_json row 0"),
        (PlainFile { videos: vec!["{".into()], ..good() }, "/videos_json row 0"),
        (PlainFile { format: Some(3.0), ..good() }, "format_id"),
        (PlainFile { format: Some(f64::NAN), ..good() }, "format_id"),
        (PlainFile { json: "{\"skeletons\":[{\"nodes\":[{\"id\":9}]}]}".into(), ..good() }, "skeleton"),
        (PlainFile { json: "nonsense".into(), ..good() }, "/metadata json"),
    ];
    for (number, (file, place)) in cases.iter().enumerate() {
        let message = read_plain(file).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(message.contains("plain.slp") && message.contains(place), "case {number}: {message:?} lacks {place:?}");
    }
    let two_skeletons = PlainFile {
        instances: [[0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 2.0], [1.0, 1.0, 0.0, 1.0, -1.0, -1.0, 0.5, 0.0, 2.0]].concat(),
        ..good()
    };
    let message = read_plain(&two_skeletons).unwrap_err().to_string();
    assert!(message.contains("/instances row 1") && message.contains("skeleton"), "{message}");
}

#[test]
fn a_frame_without_instances_may_begin_anywhere() {
    let labels = read_plain(&PlainFile { frames: vec![0.0, 0.0, 5.0, 77.0, 77.0], ..PlainFile::default() }).unwrap();
    assert!(labels.frames[0].instances.is_empty());
    let negative = PlainFile { frames: vec![0.0, 0.0, -4.0, 0.0, 1.0], ..PlainFile::default() };
    let message = read_plain(&negative).unwrap_err().to_string();
    assert!(message.contains("/frames row 0: frame_idx is -4; it must not be negative"), "{message}");
}

#[test]
fn other_files_are_refused_kindly() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("x.slp");
    assert!(matches!(read(&path), Err(Error::Io { .. })));
    std::fs::write(&path, b"not HDF5 at all").unwrap();
    assert!(matches!(read(&path), Err(Error::BadFile { .. })));
    let mut file = hdf5_pure::FileBuilder::new();
    file.create_dataset("x").with_f64_data(&[1.0]);
    file.write(&path).unwrap();
    assert!(read(&path).unwrap_err().to_string().contains("not a SLEAP labels file"));
    assert!(read(temp.path()).is_err());
}

/// Every damaged file must give labels or an error; a panic that escaped would fail the test.
fn survive(bytes: &[u8], lengths: usize, flips: usize) {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("damaged.slp");
    for cut in 0..lengths {
        std::fs::write(&path, &bytes[..bytes.len() * cut / lengths]).unwrap();
        assert!(read(&path).is_err(), "cut at {cut} of {lengths}");
    }
    // For a long night: DORMOUSE_FUZZ=1000 tries a thousand times as many.
    let flips = flips * std::env::var("DORMOUSE_FUZZ").ok().and_then(|factor| factor.parse().ok()).unwrap_or(1);
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..flips {
        let mut damaged = bytes.to_vec();
        for _ in 0..3 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let place = (state >> 20) as usize % damaged.len();
            damaged[place] = (state >> 12) as u8;
        }
        std::fs::write(&path, &damaged).unwrap();
        let _ = read(&path);
    }
}

#[test]
fn damaged_files_never_panic() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("whole.slp");
    write_labels(&path, &small_labels()).unwrap();
    survive(&std::fs::read(&path).unwrap(), 60, 600);
    PlainFile::default().write(&path);
    survive(&std::fs::read(&path).unwrap(), 60, 600);
}

#[test]
#[ignore = "needs ../shared/data"]
fn damaged_real_files_never_panic() {
    for name in ["flies/minimal_instance.slp", "flies/minimal_instance.pkg.slp", "robot/small_robot_siv.slp"] {
        survive(&std::fs::read(shared(name)).unwrap(), 40, 400);
    }
    survive(&std::fs::read(shared("flies/centered_pair.predictions.slp")).unwrap(), 10, 30);
}

fn instances(labels: &Labels, kind: InstanceKind) -> usize {
    labels.frames.iter().flat_map(|frame| &frame.instances).filter(|instance| instance.kind == kind).count()
}

/// Figures of h5py in reference T, section 1.5, and stack, section 7.
#[test]
#[ignore = "needs ../shared/data"]
fn predictions_of_flies() {
    let labels = read(&shared("flies/centered_pair.predictions.slp")).unwrap();
    assert_eq!((labels.frames.len(), labels.tracks.len()), (1100, 27));
    assert_eq!((instances(&labels, InstanceKind::User), instances(&labels, InstanceKind::Predicted)), (0, 2274));
    assert_eq!((labels.skeleton.nodes.len(), labels.skeleton.edges.len()), (24, 23));
    assert_eq!(labels.skeleton.nodes[..4], ["head", "neck", "thorax", "abdomen"]);
    // By edge_insert_idx: 8->18, 18->3, 8->12, 8->21 in the file's global numbers (sleap-io keeps the stored order instead).
    assert_eq!(labels.skeleton.edges[..4], [(2, 1), (1, 0), (2, 3), (2, 4)]);
    let points: Vec<_> = labels.frames.iter().flat_map(|f| &f.instances).flat_map(|i| &i.points).collect();
    let finite: Vec<f64> = points.iter().map(|point| point.x_px).filter(|x| x.is_finite()).collect();
    assert_eq!((points.len(), finite.len()), (54576, 48620));
    assert!((finite.iter().sum::<f64>() - 9_404_603.0).abs() < 0.5);
    assert!(points.iter().all(|point| point.visible));
    assert_eq!(points.iter().filter(|point| point.is_usable()).count(), 48620);
    assert_eq!(labels.tracks[..2], ["1", "2"]);
    let per_frame: Vec<usize> = labels.frames.iter().map(|frame| frame.instances.len()).collect();
    assert_eq!((per_frame.iter().min(), per_frame.iter().max()), (Some(&2), Some(&5)));
}

#[test]
#[ignore = "needs ../shared/data"]
fn packages_and_references() {
    for name in ["flies/minimal_instance.slp", "flies/minimal_instance.pkg.slp"] {
        let labels = read(&shared(name)).unwrap();
        assert_eq!(
            (labels.skeleton.nodes.as_slice(), labels.skeleton.edges.as_slice()),
            (&["A".into(), "B".into()][..], &[(0, 1)][..])
        );
        assert_eq!(instances(&labels, InstanceKind::User), 2);
        let point = labels.frames[0].instances[0].points[0];
        assert!((point.x_px - 92.652).abs() < 1e-3 && (point.y_px - 202.726).abs() < 1e-3, "{point:?}");
        let point = labels.frames[0].instances[0].points[1];
        assert!((point.x_px - 152.342).abs() < 1e-3 && (point.y_px - 158.424).abs() < 1e-3, "{point:?}");
        assert_eq!(labels.videos[0].stored_name, "tests/data/json_format_v1/centered_pair_low_quality.mp4");
        assert_eq!(labels.videos[0].grayscale, Some(true));
    }
    for (name, frames) in [("flies/flies.train.pkg.slp", 100), ("flies/flies.val.pkg.slp", 20)] {
        let labels = read(&shared(name)).unwrap();
        assert_eq!((labels.frames.len(), instances(&labels, InstanceKind::User)), (frames, 2 * frames));
        assert_eq!((labels.skeleton.nodes.len(), labels.skeleton.edges.len()), (24, 23));
        let embedded = VideoSource::Embedded { file: shared(name), group: "video0".into() };
        assert_eq!(labels.videos[0].source, embedded);
        assert_eq!(labels.videos[0].shape, Some([frames as u64, 384, 384, 1]));
        assert!(labels.videos[0].stored_name.ends_with("centered_pair.mp4"));
    }
}

#[test]
#[ignore = "needs ../shared/data"]
fn robots_and_models() {
    let labels = read(&shared("robot/small_robot_minimal.slp")).unwrap();
    let numbers: Vec<u64> = labels.frames.iter().map(|frame| frame.frame_index).collect();
    assert_eq!((numbers, instances(&labels, InstanceKind::User)), (vec![0, 79], 2));
    // The stored path does not exist here; the video lies beside the labels.
    assert_eq!(labels.videos[0].source, VideoSource::Media(shared("robot/small_robot.mp4")));
    let labels = read(&shared("robot/small_robot_siv.slp")).unwrap();
    let images = ["robot/robot0.jpg", "robot/robot1.jpg", "robot/robot2.jpg"].map(shared).to_vec();
    assert_eq!(labels.videos[0].source, VideoSource::Images(images));
    assert_eq!((labels.frames.len(), labels.skeleton.nodes.as_slice()), (3, &["1".to_string()][..]));
    let mut count = 0;
    for folder in std::fs::read_dir(shared("models")).unwrap() {
        for name in ["labels_gt.train.slp", "labels_pr.train.slp"] {
            let path = folder.as_ref().unwrap().path().join(name);
            if path.exists() {
                assert!(!read(&path).unwrap().frames.is_empty(), "{path:?}");
                count += 1;
            }
        }
    }
    assert_eq!(count, 7);
}
