use super::super::test_support::{shared, small_labels};
use super::*;
use crate::dataset::labels::{LabelInstance, Video, VideoSource};
use crate::dataset::slp::{VideoSearch, read_labels};
use std::process::Command;

/// NaN differs from itself, so labels are compared as text.
fn same(a: &[crate::dataset::LabeledFrame], b: &[crate::dataset::LabeledFrame]) -> bool {
    format!("{a:?}") == format!("{b:?}")
}

fn round_trip(labels: &Labels) -> Labels {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("out.slp");
    write_labels(&path, labels).unwrap();
    let leftovers = std::fs::read_dir(temp.path()).unwrap().count();
    assert_eq!(leftovers, 1, "no temporary file stays");
    read_labels(&path, &VideoSearch::default()).unwrap()
}

#[test]
fn what_is_written_is_read_back() {
    let labels = small_labels();
    let back = round_trip(&labels);
    assert_eq!(back.skeleton, labels.skeleton);
    assert_eq!(back.tracks, labels.tracks);
    assert_eq!(back.provenance, labels.provenance);
    assert!(same(&back.frames, &labels.frames), "{:?}\n{:?}", back.frames, labels.frames);
    assert_eq!((back.videos[0].stored_name.as_str(), back.videos[0].grayscale), ("a/b.mp4", Some(true)));
    let empty = round_trip(&Labels::default());
    assert!(empty.frames.is_empty() && empty.videos.is_empty() && empty.skeleton.nodes.is_empty());
}

#[test]
fn a_large_provenance_fits() {
    let mut labels = small_labels();
    labels.provenance.insert("long".into(), "x".repeat(200_000).into());
    assert_eq!(round_trip(&labels).provenance, labels.provenance);
}

#[test]
fn every_kind_of_video_is_written() {
    let mut labels = small_labels();
    let video =
        |source, name: &str| Video { source, stored_name: name.into(), grayscale: Some(false), shape: Some([3, 4, 5, 3]) };
    let unsupported = r#"{"backend":{"filename":"x.npy","type":"NumpyVideo"}}"#;
    let package = std::path::absolute("p.pkg.slp").unwrap();
    labels.videos = vec![
        video(VideoSource::Embedded { file: package.clone(), group: "video0".into() }, "orig.mp4"),
        video(VideoSource::Embedded { file: package, group: "video7".into() }, "orig.mp4"),
        video(VideoSource::Images(vec!["/a/1.png".into(), "/a/2.png".into()]), "1.png"),
        video(VideoSource::Array { file: "/a/x.h5".into(), dataset: "/box".into(), channels_first: true }, "/a/x.h5"),
        video(VideoSource::Unsupported(unsupported.into()), "x.npy"),
        video(VideoSource::Media("/here/m.mp4".into()), "there/m.mp4"),
    ];
    let entries: Vec<Value> = labels.videos.iter().enumerate().map(|(row, video)| video_entry(row, video)).collect();
    assert!(entries[0]["backend"]["filename"].as_str().unwrap().ends_with("p.pkg.slp"));
    assert_eq!(entries[0]["source_video"]["filename"], "orig.mp4");
    assert_eq!(entries[1]["backend"]["filename"], "orig.mp4", "its group is not its place in the list");
    assert_eq!(entries[2]["backend"]["filenames"][1], "/a/2.png");
    assert_eq!(entries[3]["backend"]["input_format"], "channels_first");
    assert_eq!(entries[4]["backend"]["type"], "NumpyVideo");
    assert_eq!(entries[5]["backend"]["filename"], "there/m.mp4");
    let back = round_trip(&labels);
    assert_eq!(back.videos.len(), 6);
    assert!(back.videos.iter().zip(&labels.videos).all(|(a, b)| a.shape == b.shape || a.stored_name == "x.npy"));
}

#[test]
fn faulty_labels_are_refused_and_the_old_file_stays() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("out.slp");
    std::fs::write(&path, b"old").unwrap();
    let spoil = |change: fn(&mut LabelInstance)| {
        let mut labels = small_labels();
        change(&mut labels.frames[1].instances[0]);
        labels
    };
    let mut no_video = small_labels();
    no_video.videos.clear();
    let faulty = [
        no_video,
        spoil(|instance| instance.points.truncate(2)),
        spoil(|instance| instance.track = Some(2)),
        spoil(|instance| instance.from_predicted = Some(3)),
    ];
    for labels in faulty {
        assert!(matches!(write_labels(&path, &labels), Err(Error::Data(_))));
    }
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
    assert!(write_labels(&temp.path().join("no folder/out.slp"), &small_labels()).is_err());
    write_labels(&path, &small_labels()).unwrap();
    assert!(std::fs::read(&path).unwrap().len() > 1000);
}

#[test]
#[ignore = "needs ../shared/data"]
fn real_predictions_survive_a_round_trip() {
    let search = VideoSearch::default();
    for name in ["flies/centered_pair.predictions.slp", "flies/flies.val.pkg.slp", "robot/small_robot_siv.slp"] {
        let labels = read_labels(&shared(name), &search).unwrap();
        let back = round_trip(&labels);
        assert_eq!((&back.skeleton, &back.tracks), (&labels.skeleton, &labels.tracks));
        assert!(same(&back.frames, &labels.frames), "{name}");
        assert_eq!(back.videos[0].stored_name, labels.videos[0].stored_name);
    }
}

/// The Python that has h5py and sleap-io: `DORMOUSE_PYTHON`, else `python3`.
fn python() -> std::ffi::OsString {
    std::env::var_os("DORMOUSE_PYTHON").unwrap_or_else(|| "python3".into())
}

#[test]
#[ignore = "needs python with h5py and sleap-io, and ../shared/data"]
fn h5py_and_sleap_io_read_what_is_written() {
    let temp = tempfile::tempdir().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/python/check_slp.py");
    let check = |name: &str, arguments: &[&Path]| {
        let output = Command::new(python()).arg(script).arg(name).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let small = temp.path().join("small.slp");
    write_labels(&small, &small_labels()).unwrap();
    check("small", &[&small]);
    for name in [
        "flies/centered_pair.predictions.slp",
        "flies/flies.val.pkg.slp",
        "robot/small_robot_siv.slp",
        "robot/small_robot_minimal.slp",
    ] {
        let copy = temp.path().join("copy.slp");
        write_labels(&copy, &read_labels(&shared(name), &VideoSearch::default()).unwrap()).unwrap();
        check("same", &[&shared(name), &copy]);
    }
}
