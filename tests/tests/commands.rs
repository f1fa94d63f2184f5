//! The commands with input that is missing, damaged or of the wrong kind: each says what is wrong with which file, and writes nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail by panicking")]

use clap::Parser as _;
use dormouse_tests::onnx::{Onnx, numbers};
use dormouse_trainer::cli::{Cli, run};
use std::path::{Path, PathBuf};

static DEMO: &[u8] = include_bytes!("../../model-zoo/demo/demo.dorm");

/// A folder with sound and damaged files.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.write("ok.dorm", DEMO);
        place.write("cut.dorm", &DEMO[..DEMO.len() / 2]);
        let mut damaged = DEMO.to_vec();
        damaged[DEMO.len() / 3] ^= 1;
        place.write("damaged.dorm", &damaged);
        for name in ["empty.dorm", "empty.onnx", "empty.slp", "empty.toml", "empty.png", "empty.mp4"] {
            place.write(name, b"");
        }
        place.write("open.toml", b"x = [");
        let conv = |weight| Onnx::new(17).input("x", &[-1, 1, -1, -1]).floats("w", &[1, 1, 1, 1], &[weight]).output("y");
        place.write("nan.onnx", &conv(f32::NAN).node("Conv", &["x", "w"], "y", &[]).bytes());
        place.write("erf.onnx", &conv(1.0).node("Conv", &["x", "w"], "c", &[]).node("Erf", &["c"], "y", &[]).bytes());
        place.write("two.onnx", &conv(1.0).input("z", &[-1, 1, -1, -1]).node("Add", &["x", "z"], "y", &[]).bytes());
        std::fs::create_dir(place.path("folder.slp")).unwrap();
        let pixels: Vec<u8> = numbers(64 * 48, 5).iter().map(|v| (v * 100.0) as u8).collect();
        image::GrayImage::from_raw(64, 48, pixels).unwrap().save(place.path("frame.png")).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: &[u8]) {
        std::fs::write(self.path(name), content).unwrap();
    }

    /// Names of all that is there.
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Runs a command; words with a dot are files of this place.
    fn run(&self, line: &str) -> Result<u8, String> {
        let word = |word: &str| match word.contains('.') && !word.contains('=') {
            true => self.path(word).to_str().unwrap().to_owned(),
            false => word.to_owned(),
        };
        let words = ["dormouse".to_owned()].into_iter().chain(line.split(' ').map(word));
        let cli = Cli::try_parse_from(words).map_err(|e| e.to_string())?;
        run(cli).map_err(|e| format!("{e:#}"))
    }
}

/// Commands, and what their message must say.
const REFUSED: &[(&str, &[&str])] = &[
    ("inspect absent.dorm", &["absent.dorm", "cannot read"]),
    ("inspect cut.dorm", &["cut.dorm", "cut off"]),
    ("inspect damaged.dorm", &["damaged.dorm", "CRC-32C"]),
    ("inspect empty.dorm", &["empty.dorm", "magic"]),
    ("inspect empty.onnx", &["empty.onnx", "no graph"]),
    ("inspect empty.slp", &["empty.slp", "HDF5"]),
    ("inspect folder.slp", &["folder.slp"]),
    ("inspect frame.png", &["frame.png", ".dorm, .slp or .onnx"]),
    ("inspect --graph empty.onnx --size 8x8", &["empty.onnx", "not an ONNX file"]),
    ("inspect --graph nan.onnx --size 8x8", &["nan.onnx", "\"y/Conv\"", "NaN"]),
    ("inspect --graph erf.onnx --size 8x8", &["erf.onnx", "Erf"]),
    ("inspect --graph ok.dorm --size 0x8", &["1 to 16384"]),
    ("unpack cut.dorm", &["cut.dorm", "cut off"]),
    ("unpack ok.dorm -o frame.png", &["frame.png"]),
    ("bench empty.onnx --size 8x8", &["empty.onnx", "not an ONNX file"]),
    ("bench nan.onnx --size 8x8", &["nan.onnx", "NaN"]),
    ("bench nan.onnx --size 8x8 --backend tract", &["nan.onnx", "NaN"]),
    ("bench two.onnx --size 8x8", &["two.onnx", "exactly one input"]),
    ("bench erf.onnx --size 8x8 --backend cpu", &["erf.onnx", "Erf"]),
    ("bench ok.dorm --size 8x8 --threads 0", &["--threads", "1..=256"]),
    ("bench ok.dorm --size 8x8 --network other", &["\"other\"", "pose"]),
    ("bench ok.dorm --size 8x8 --backend gpu", &["auto, cpu, tract, wgpu"]),
    ("bench ok.dorm --size 8x8 --backend tract --pipeline-cache", &["--pipeline-cache", "engine tract compiles nothing"]),
    ("predict -m ok.dorm frame.png -o a.slp --backend cpu --pipeline-cache", &["engine cpu compiles nothing"]),
    ("predict -m absent.dorm frame.png -o a.slp", &["absent.dorm", "cannot read"]),
    ("predict -m cut.dorm frame.png -o a.slp", &["cut.dorm", "cut off"]),
    ("predict -m ok.dorm absent.mp4 -o a.slp", &["absent.mp4", "cannot read"]),
    ("predict -m ok.dorm empty.png -o a.slp", &["empty.png"]),
    ("predict -m ok.dorm empty.slp -o a.slp", &["empty.slp", "HDF5"]),
    ("predict -m ok.dorm frame.png -o a.txt", &["a.txt", ".slp, .json or .csv"]),
    ("predict -m ok.dorm frame.png -o absent/a.slp", &["absent/a.slp", "cannot write"]),
    ("predict -m ok.dorm frame.png -o folder.slp", &["folder.slp", "is a directory"]),
    ("predict -m ok.dorm frame.png -o a.slp --threads 1000", &["--threads", "1..=256"]),
    ("predict -m ok.dorm frame.png -o a.slp --frames 5", &["frame.png", "no frame"]),
    ("predict -m ok.dorm frame.png -o a.slp --frames 5-1", &["not understood"]),
    ("predict -m ok.dorm frame.png -o a.slp --overlay ok.dorm", &["create folder", "ok.dorm"]),
    ("eval absent.slp empty.slp", &["absent.slp", "cannot read"]),
    ("eval empty.slp empty.slp", &["empty.slp", "HDF5"]),
    ("compare cut.dorm --labels empty.slp", &["empty.slp"]),
    ("compare ok.dorm", &["--labels"]),
    ("compare ok.dorm --labels empty.slp -o absent/a.png", &["absent/a.png", "cannot write"]),
    ("labels absent.slp", &["absent.slp", "cannot read"]),
    ("new empty.slp", &["empty.slp", "HDF5"]),
    ("new empty.slp -o ok.dorm", &["ok.dorm", "--force"]),
    ("train absent.toml", &["absent.toml", "cannot read"]),
    ("train empty.toml --out run.d", &["data.train is empty"]),
    ("train open.toml --out run.d", &["TOML", "line 1"]),
    ("preview empty.toml -o pictures.d", &["data.train is empty"]),
    ("receptive-field open.toml", &["TOML", "line 1"]),
    ("export absent.d", &["absent.d"]),
    ("plot absent.d", &["absent.d"]),
];

#[test]
fn faults_are_told_and_nothing_is_written() {
    let place = Place::new();
    let before = place.names();
    for (line, parts) in REFUSED {
        let message = place.run(line).expect_err(line);
        for part in *parts {
            assert!(message.contains(part), "{line}\nlacks {part:?}: {message}");
        }
        assert!(!message.contains("panic"), "{line}: {message}");
        assert_eq!(place.names(), before, "{line} leaves something behind");
    }
}

#[test]
fn predictions_do_not_replace_what_they_come_from() {
    let place = Place::new();
    assert_eq!(place.run("predict -m ok.dorm frame.png -o found.slp --json"), Ok(0));
    let found = std::fs::read(place.path("found.slp")).unwrap();
    for line in ["predict -m ok.dorm found.slp -o found.slp", "predict -m ok.dorm found.slp -o folder.slp/../found.slp"] {
        let message = place.run(line).expect_err(line);
        assert!(message.contains("is the input"), "{message}");
        assert_eq!(std::fs::read(place.path("found.slp")).unwrap(), found);
    }
    // A file that is neither may be replaced.
    assert_eq!(place.run("predict -m ok.dorm frame.png -o found.slp --json"), Ok(0));
    assert!(!place.names().iter().any(|name| name.ends_with(".tmp")), "{:?}", place.names());
}

#[test]
fn networks_that_only_tract_knows_are_timed() {
    let place = Place::new();
    for backend in ["auto", "tract"] {
        assert_eq!(place.run(&format!("bench erf.onnx --size 8x8 --frames 3 --json --backend {backend}")), Ok(0));
    }
}

#[test]
fn a_bundle_is_taken_apart() {
    let place = Place::new();
    assert_eq!(place.run("unpack ok.dorm -o parts.d --json"), Ok(0));
    let is_file = |name: &str| Path::is_file(&place.path("parts.d").join(name));
    assert!(is_file("pose.onnx") && is_file("config.json"));
}
