//! Compiled pipelines in a file: taken when they fit, never trusted, never in the way of poses.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use dormouse::bundle::crc32c;
use dormouse::engine::PipelineCacheReport;
use dormouse::{Backend, Bundle, Estimator, Options, Poses};
use std::fs;
use std::path::{Path, PathBuf};

static DEMO: &[u8] = include_bytes!("../../model-zoo/demo/demo.dorm");

/// Behind the checksum; the version comes first.
const SUMMED_FROM: usize = 12;
/// The key, which names the adapter.
const KEY_AT: usize = 28;

/// Prepares the demo's model with this file and finds the animals of its self-test.
fn start(file: &Path) -> (PipelineCacheReport, Poses) {
    let bundle = Bundle::from_bytes(DEMO).unwrap();
    let test = bundle.self_test().unwrap().unwrap();
    let options = Options {
        backend: Backend::Wgpu,
        allow_software: true,
        frame_px: Some((test.width_px, test.height_px)),
        pipeline_cache: Some(file.to_str().unwrap().to_owned()),
        ..Options::default()
    };
    let mut estimator = Estimator::new(&bundle, &options).unwrap();
    let poses = estimator.estimate(&test.frame().unwrap()).unwrap().clone();
    let report = estimator.pipeline_cache().unwrap();
    // Known when the networks are gone, too.
    estimator.release_networks().unwrap();
    assert_eq!(estimator.pipeline_cache(), Some(report.clone()));
    (report, poses)
}

fn text(poses: &Poses) -> String {
    assert!(!poses.is_empty());
    format!("{poses:?}")
}

/// A folder, the file in it, and what the first start says, which writes it.
fn place() -> (tempfile::TempDir, PathBuf, PipelineCacheReport, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("demo.dorm.pipelines");
    let (report, poses) = start(&file);
    eprintln!("{report}");
    assert_eq!(report, PipelineCacheReport { written_bytes: report.written_bytes, ..PipelineCacheReport::default() });
    assert!(report.written_bytes > 0 && fs::metadata(&file).unwrap().len() > report.written_bytes as u64);
    let poses = text(&poses);
    (folder, file, report, poses)
}

#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn the_second_preparation_takes_the_file() {
    let (folder, file, first, poses) = place();
    let before = fs::read(&file).unwrap();
    let (second, same) = start(&file);
    eprintln!("{second}");
    assert_eq!((second.read_bytes, second.fault, text(&same)), (first.written_bytes, None, poses));
    assert_eq!(fs::read(&file).unwrap() == before, second.written_bytes == 0);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "something is left beside the file");
}

#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn files_that_do_not_fit_are_written_anew() {
    let (_folder, file, first, poses) = place();
    let sound = fs::read(&file).unwrap();
    let damaged = |at: usize| {
        let mut bytes = sound.clone();
        bytes[at] ^= 1;
        bytes
    };
    let last = sound.len() - 1;
    // A sound file for another adapter.
    let mut other = damaged(KEY_AT);
    let sum = crc32c(&other[SUMMED_FROM..]);
    other[SUMMED_FROM - 4..SUMMED_FROM].copy_from_slice(&sum.to_le_bytes());
    for (bytes, what) in [
        (sound[..last].to_vec(), "cut off"),
        (sound[..20].to_vec(), "cut off"),
        (damaged(last), "damaged"),
        (damaged(KEY_AT), "damaged"),
        (damaged(SUMMED_FROM), "another version"),
        (other, "another adapter, driver or version"),
    ] {
        fs::write(&file, bytes).unwrap();
        let (report, same) = start(&file);
        assert!(report.fault.as_ref().is_some_and(|fault| fault.contains(what)), "{what}: {report}");
        assert_eq!((report.read_bytes, report.written_bytes > 0, text(&same)), (0, true, poses.clone()), "{what}");
        assert_eq!(start(&file).0.fault, None, "{what}");
    }
    assert!(first.written_bytes > 0);
}

/// Somebody's file by a slip, one that others may write, and places where nothing can be written.
#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver: set DORMOUSE_TEST_GPU=1")]
fn files_of_others_are_left_alone() {
    let (folder, file, _, poses) = place();
    let video = folder.path().join("video.mp4");
    fs::write(&video, b"a video, not pipelines").unwrap();
    let nowhere = folder.path().join("no/such/folder/pipelines");
    let mut cases = vec![(video, "not a file of pipelines"), (nowhere, "not written"), (folder.path().to_path_buf(), "no file")];
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
        cases.push((file, "others may write it (mode 666)"));
    }
    for (path, what) in cases {
        let before = fs::read(&path).ok();
        let (report, same) = start(&path);
        assert!(report.fault.as_ref().is_some_and(|fault| fault.contains(what)), "{what}: {report}");
        assert_eq!((report.read_bytes, report.written_bytes, text(&same)), (0, 0, poses.clone()), "{what}");
        assert_eq!(fs::read(&path).ok(), before, "{what}");
    }
}
