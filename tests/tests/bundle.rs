//! The bundle format: its exact bytes, and that a whole bundle is read as it was written.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use dormouse::bundle::{Bundle, BundleWriter, ExpectedInstance, SelfTest, crc32c};
use dormouse::config::*;
use dormouse::{Error, ImagePoint, Keypoint, PixelFormat, Poses};
use dormouse_tests::bundles::{Section, build, forge, naive_crc32c, small_config};
use proptest::prelude::*;

const ONNX: &[u8] = b"not a network, but the bundle does not look inside";

/// postcard of `small_config`, written down from postcard's specification (varints, length-prefixed texts and lists).
fn small_config_bytes() -> Vec<u8> {
    let parts: [&[u8]; 21] = [
        b"\x01m",                // name
        b"\x00",                 // single instance
        b"\x01s",                // skeleton name
        b"\x02\x01a\x01b",       // nodes
        b"\x01\x00\x01",         // edges
        b"\x01\x01\x00",         // symmetries
        b"\x01\x04pose",         // one network
        b"\x00\x00\x00\x00\x3f", // gray, scale 0.5
        b"\x00\x10",             // bilinear, stride 16
        b"\x01\x00\x01c\x04",    // one head: confidence maps, output c, stride 4
        b"\xcd\xcc\x4c\x3e\x01", // threshold 0.2, integral
        b"\x0a",                 // line samples 10
        b"\x00\x00\x80\x3e",     // max edge length ratio 0.25
        b"\x00\x00\x80\x3f",     // penalty weight 1
        b"\x00\x00\x80\x3e",     // min line score 0.25
        b"\x00\x00",             // min instance peaks: count 0
        b"\x40\x80\x01",         // 64 instances, 128 peaks
        b"\x01p",                // producer
        b"\x01h",                // configuration hash
        b"\x01l",                // labels
        b"\xac\x02",             // seed 300
    ];
    parts.concat()
}

fn small_bundle() -> Vec<u8> {
    BundleWriter::new(&small_config()).unwrap().network("pose", ONNX.to_vec()).card("for people").finish().unwrap()
}

#[test]
fn bytes_of_a_small_configuration_never_change() {
    let file = small_bundle();
    let bundle = Bundle::from_bytes(&file).unwrap();
    assert_eq!(bundle.section("config").unwrap(), small_config_bytes());
}

#[test]
fn every_enum_variant_keeps_its_number() {
    // Byte positions in `small_config_bytes`.
    let (model, color, resize, refinement, peaks) = (2, 22, 27, 38, 52);
    let cases: [(fn(&mut Config), &[(usize, u8)]); 4] = [
        (|c| c.networks[0].preprocess.color = InputColor::Rgb, &[(color, 1)]),
        (|c| c.networks[0].preprocess.resize = ResizeFilter::BilinearAntialias, &[(resize, 1)]),
        (|c| c.peaks.refinement = Refinement::None, &[(refinement, 0)]),
        (|c| c.peaks.refinement = Refinement::QuarterPixel, &[(refinement, 2)]),
    ];
    for (change, bytes) in cases {
        let mut expected = small_config_bytes();
        bytes.iter().for_each(|&(at, value)| expected[at] = value);
        assert_eq!(config_section(change), expected);
    }
    let fraction = config_section(|c| c.grouping.min_instance_peaks = MinInstancePeaks::Fraction(0.5));
    assert_eq!(fraction[peaks..peaks + 5], [1, 0, 0, 0, 0x3f]);
    let bottom_up = config_section(|c| {
        c.model_type = ModelType::BottomUp;
        c.networks[0].heads.push(HeadConfig { kind: HeadKind::PartAffinityFields, output: "p".into(), stride_px: 8 });
    });
    assert_eq!(bottom_up[model], 1);
    assert_eq!(bottom_up[29..38], *b"\x02\x00\x01c\x04\x01\x01p\x08");
    let formats = [PixelFormat::Gray8, PixelFormat::Rgb8, PixelFormat::Bgr8, PixelFormat::Rgba8, PixelFormat::Bgra8];
    for (number, format) in formats.into_iter().enumerate() {
        let pixels = vec![9; format.bytes_per_pixel()];
        let test = SelfTest { format, width_px: 1, height_px: 1, pixels, instances: vec![], tolerance_px: 1.0 };
        let writer = BundleWriter::new(&small_config()).unwrap().network("pose", vec![]).self_test(&test).unwrap();
        let file = writer.finish().unwrap();
        assert_eq!(usize::from(Bundle::from_bytes(&file).unwrap().section("selftest").unwrap()[0]), number);
    }
}

fn config_section(change: impl Fn(&mut Config)) -> Vec<u8> {
    let mut config = small_config();
    change(&mut config);
    let file = BundleWriter::new(&config).unwrap().network("pose", vec![]).finish().unwrap();
    Bundle::from_bytes(&file).unwrap().section("config").unwrap().to_vec()
}

#[test]
fn layout_is_that_of_the_format_page() {
    let sections =
        [Section::new("config", &small_config_bytes()), Section::new("network/pose", ONNX), Section::new("card", b"for people")];
    assert_eq!(small_bundle(), build(&sections));
    // And the header once more in plain numbers: version 1.0, no flags, 3 sections; header and table 4 x 64 bytes, the
    // configuration in 2 x 64, the network in 64, the card's 10 bytes: 458.
    assert_eq!(small_bundle()[..32], *b"DORMOUSE\x01\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\xca\x01\0\0\0\0\0\0");
    assert_eq!((small_bundle().len(), small_bundle()[32..56].iter().all(|&b| b == 0)), (458, true));
}

#[test]
fn checksum_is_the_naive_one() {
    for len in [0, 1, 15, 16, 17, 64, 1000] {
        let bytes: Vec<u8> = (0..len).map(|i| (i * 37 % 251) as u8).collect();
        assert_eq!(crc32c(&bytes), naive_crc32c(&bytes), "{len}");
    }
}

#[test]
fn everything_comes_back() {
    let test = self_test();
    let writer = BundleWriter::new(&small_config()).unwrap().network("pose", ONNX.to_vec()).card("é").self_test(&test).unwrap();
    let file = writer.finish().unwrap();
    let bundle = Bundle::from_bytes(&file).unwrap();
    assert_eq!(bundle.config(), &small_config());
    assert_eq!(bundle.network("pose").unwrap(), ONNX);
    assert_eq!(bundle.card().unwrap(), Some("é"));
    assert_eq!(bundle.self_test().unwrap(), Some(test));
    let names: Vec<&str> = bundle.sections().iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["config", "network/pose", "card", "selftest"]);
    assert!(bundle.sections().iter().all(|s| s.offset % 64 == 0 && s.crc32c == naive_crc32c(&file[s.offset..][..s.len])));
    assert!(matches!(bundle.network("other"), Err(Error::MissingSection(_))));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.dorm");
    std::fs::write(&path, &file).unwrap();
    assert_eq!(Bundle::open(&path).unwrap().network("pose").unwrap(), ONNX);
    assert_eq!(Bundle::open(folder.path().join("none")).unwrap_err(), Error::Io(std::io::ErrorKind::NotFound));
}

#[test]
fn a_borrowed_network_is_not_copied() {
    let file = small_bundle();
    let bundle = Bundle::from_bytes(&file).unwrap();
    assert!(file.as_ptr_range().contains(&bundle.network("pose").unwrap().as_ptr()));
    let start = file.as_ptr();
    let owned = Bundle::from_vec(file).unwrap();
    assert_eq!(owned.network("pose").unwrap().as_ptr(), start.wrapping_add(owned.sections()[1].offset));
}

#[test]
fn bytes_after_the_end_and_unknown_sections_are_skipped() {
    let mut file = build(&[
        Section::new("a later idea", b"\xff\xff"),
        Section::new("config", &small_config_bytes()),
        Section::new("network/pose", ONNX),
        Section::new("network/other", b""),
    ]);
    file.extend([0xee; 100]);
    let bundle = Bundle::from_bytes(&file).unwrap();
    assert_eq!((bundle.sections().len(), bundle.network("pose").unwrap()), (4, ONNX));
    assert_eq!((bundle.card().unwrap(), bundle.self_test().unwrap()), (None, None));
}

#[test]
fn minor_versions_are_read_and_major_ones_refused() {
    let file = small_bundle();
    assert!(Bundle::from_bytes(&forge(&file, 10, &[9, 0])).is_ok());
    let error = Bundle::from_bytes(&forge(&file, 8, &[2, 0, 7, 0])).unwrap_err();
    assert_eq!(error, Error::UnsupportedVersion { major: 2, minor: 7, supported: 1 });
    assert!(Bundle::from_bytes(&forge(&file, 8, &[0, 0])).is_err());
    // Lower flags are hints; upper ones must be understood.
    assert!(Bundle::from_bytes(&forge(&file, 12, &[0xff, 0xff, 0, 0])).is_ok());
    assert!(matches!(Bundle::from_bytes(&forge(&file, 12, &[0, 0, 1, 0])), Err(Error::InvalidTable(_))));
}

#[test]
fn the_writer_refuses_what_the_reader_would() {
    let writer = BundleWriter::new(&small_config()).unwrap();
    assert!(writer.clone().network("pose", vec![]).network("pose", vec![]).finish().is_err());
    assert!(writer.clone().network(&"n".repeat(33), vec![]).finish().is_err());
    assert!(writer.clone().network(&"n".repeat(32), vec![]).finish().is_ok());
    assert!((0..64).fold(writer, |w, i| w.network(&i.to_string(), vec![])).finish().is_err());
    let mut config = small_config();
    config.networks.clear();
    assert!(BundleWriter::new(&config).is_err());
}

fn self_test() -> SelfTest {
    let point = |x_px, y_px| Some(ImagePoint { x_px, y_px });
    let instances = vec![
        ExpectedInstance { keypoints: vec![point(1.0, 2.0), None], class: None },
        ExpectedInstance { keypoints: vec![point(10.0, 2.0), point(12.0, 2.0)], class: None },
    ];
    SelfTest {
        format: PixelFormat::Rgb8,
        width_px: 2,
        height_px: 1,
        pixels: vec![1, 2, 3, 4, 5, 6],
        instances,
        tolerance_px: 0.5,
    }
}

fn poses(animals: &[[Option<(f32, f32)>; 2]]) -> Poses {
    let mut poses = Poses::with_capacity(2, 4);
    for animal in animals {
        for (slot, place) in poses.push(1.0).iter_mut().zip(animal) {
            if let &Some((x_px, y_px)) = place {
                *slot = Keypoint { position: ImagePoint { x_px, y_px }, score: 1.0 };
            }
        }
    }
    poses
}

#[test]
fn self_test_accepts_any_order_within_tolerance() {
    let (first, second) = ([Some((1.3, 2.3)), None], [Some((10.0, 2.0)), Some((12.0, 2.5))]);
    assert_eq!(self_test().check(&poses(&[first, second])), Ok(()));
    assert_eq!(self_test().check(&poses(&[second, first])), Ok(()));
}

#[test]
fn self_test_says_what_differs() {
    let (first, second) = ([Some((1.0, 2.0)), None], [Some((10.0, 2.0)), Some((12.0, 2.0))]);
    let worst = |animals: &[[Option<(f32, f32)>; 2]]| match self_test().check(&poses(animals)) {
        Err(Error::SelfTest { worst_px, tolerance_px: 0.5, .. }) => worst_px,
        other => panic!("{other:?}"),
    };
    assert!(worst(&[first]).is_nan() && worst(&[first, second, second]).is_nan());
    assert_eq!(worst(&[first, [Some((10.0, 2.0)), Some((12.0, 2.75))]]), 0.75);
    assert_eq!(worst(&[first, [Some((10.0, 2.0)), None]]), f32::INFINITY);
    assert_eq!(worst(&[[Some((1.0, 2.0)), Some((3.0, 3.0))], second]), f32::INFINITY);
}

#[test]
fn self_tests_that_cannot_be_right_are_refused() {
    let nan = Some(ImagePoint { x_px: f32::NAN, y_px: 0.0 });
    let changes: [fn(&mut SelfTest); 6] = [
        |t| t.tolerance_px = f32::NAN,
        |t| t.tolerance_px = 0.0,
        |t| t.instances[0].keypoints.truncate(1),
        |t| t.width_px = 3,
        |t| t.height_px = 0,
        |t| t.pixels.clear(),
    ];
    let read = |test: &SelfTest| {
        let writer = BundleWriter::new(&small_config()).unwrap().network("pose", vec![]).self_test(test).unwrap();
        Bundle::from_vec(writer.finish().unwrap()).unwrap().self_test().map(|_| ())
    };
    assert_eq!(read(&self_test()), Ok(()));
    for (index, change) in changes.iter().enumerate() {
        let mut test = self_test();
        change(&mut test);
        assert!(read(&test).is_err(), "change {index}");
    }
    let mut test = self_test();
    test.instances[0].keypoints[0] = nan;
    assert!(read(&test).is_err(), "a place that is not a number would fit everything");
}

proptest! {
    #[test]
    fn any_content_comes_back(onnx in proptest::collection::vec(any::<u8>(), 0..300), card in ".{0,40}", seed: u64) {
        let mut config = small_config();
        config.provenance.seed = seed;
        let file = BundleWriter::new(&config).unwrap().network("pose", onnx.clone()).card(&card).finish().unwrap();
        let bundle = Bundle::from_bytes(&file).unwrap();
        prop_assert_eq!(bundle.config(), &config);
        prop_assert_eq!(bundle.network("pose").unwrap(), onnx);
        prop_assert_eq!(bundle.card().unwrap(), Some(card.as_str()));
    }
}
