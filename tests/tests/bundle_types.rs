//! Bundles of the model types that have sections of their own: exact bytes, and what is refused.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use dormouse::bundle::{Bundle, BundleWriter, ExpectedInstance, SelfTest};
use dormouse::config::*;
use dormouse::{Error, ImagePoint, Keypoint, PixelFormat, Poses};
use dormouse_tests::bundles::{Section, build, config_of};

const TYPES: [ModelType; 6] = [
    ModelType::SingleInstance,
    ModelType::BottomUp,
    ModelType::TopDown,
    ModelType::BottomUpId,
    ModelType::TopDownId,
    ModelType::Centroid,
];

fn file_of(config: &Config) -> Vec<u8> {
    let writer = BundleWriter::new(config).unwrap();
    config.networks.iter().fold(writer, |writer, n| writer.network(&n.name, n.name.clone().into_bytes())).finish().unwrap()
}

/// The sections of a bundle, to be built again with changes.
fn sections_of(config: &Config) -> Vec<Section> {
    let file = file_of(config);
    let bundle = Bundle::from_bytes(&file).unwrap();
    bundle.sections().iter().map(|s| Section::new(&s.name, bundle.section(&s.name).unwrap())).collect()
}

fn names(config: &Config) -> Vec<String> {
    sections_of(config).into_iter().map(|s| String::from_utf8(s.name).unwrap()).collect()
}

/// Reads the bundle with the section called `name` replaced, or left out.
fn with(config: &Config, name: &str, bytes: Option<&[u8]>) -> Result<Config, Error> {
    let mut sections = sections_of(config);
    sections.retain(|s| s.name != name.as_bytes());
    sections.extend(bytes.map(|b| Section::new(name, b)));
    Bundle::from_vec(build(&sections)).map(|b| b.config().clone())
}

#[test]
fn every_model_type_comes_back() {
    for (number, model_type) in TYPES.into_iter().enumerate() {
        let config = config_of(model_type);
        let file = file_of(&config);
        let bundle = Bundle::from_bytes(&file).unwrap();
        assert_eq!(bundle.config(), &config);
        // The byte behind the name, `\x01m`.
        assert_eq!(usize::from(bundle.section("config").unwrap()[2]), number, "{model_type:?}");
        for network in &config.networks {
            assert_eq!(bundle.network(&network.name).unwrap(), network.name.as_bytes());
        }
    }
    assert_eq!(names(&config_of(ModelType::BottomUp)), ["config", "network/pose"]);
    let top_down = ["config", "config/top_down", "config/identity", "network/centroid", "network/instance"];
    assert_eq!(names(&config_of(ModelType::TopDownId)), top_down);
}

#[test]
fn bytes_of_the_new_sections_never_change() {
    let mut config = config_of(ModelType::TopDownId);
    let section =
        |config: &Config, name: &str| sections_of(config).into_iter().find(|s| s.name == name.as_bytes()).unwrap().bytes;
    // No anchor; 48 px; thresholds 0.5 and 2 as little-endian floats.
    assert_eq!(section(&config, "config/top_down"), b"\x00\x30\x00\x00\x00\x3f\x00\x00\x00\x40");
    assert_eq!(section(&config, "config/identity"), b"\x02\x01f\x01m");
    let anchored = TopDownConfig { anchor_part: Some(1), crop_size_px: 160, ..config.top_down.unwrap() };
    config.top_down = Some(anchored);
    assert_eq!(section(&config, "config/top_down"), b"\x01\x01\xa0\x01\x00\x00\x00\x3f\x00\x00\x00\x40");
}

#[test]
fn numbers_of_the_new_head_kinds_never_change() {
    for (kind, number) in [(HeadKind::Centroids, 2), (HeadKind::ClassMaps, 3), (HeadKind::ClassVectors, 4)] {
        let mut config = config_of(ModelType::SingleInstance);
        config.networks[0].heads.push(HeadConfig { kind, output: "zz".into(), stride_px: 8 });
        let bytes = &sections_of(&config)[0].bytes;
        assert!(bytes.windows(5).any(|w| w == [number, 2, b'z', b'z', 8]), "{kind:?}");
    }
}

#[test]
fn a_missing_section_is_named() {
    for (model_type, section) in [
        (ModelType::TopDown, "config/top_down"),
        (ModelType::Centroid, "config/top_down"),
        (ModelType::TopDownId, "config/identity"),
        (ModelType::BottomUpId, "config/identity"),
        (ModelType::TopDown, "network/instance"),
        (ModelType::TopDown, "network/centroid"),
    ] {
        let error = with(&config_of(model_type), section, None).unwrap_err();
        assert_eq!(error.to_string(), format!("bundle has no section \"{section}\""));
    }
}

#[test]
fn damaged_sections_are_refused() {
    let config = config_of(ModelType::TopDownId);
    for (section, whole) in
        [("config/top_down", &b"\x00\x30\x00\x00\x00\x3f\x00\x00\x00\x40"[..]), ("config/identity", b"\x02\x01f\x01m")]
    {
        assert_eq!(with(&config, section, Some(whole)).unwrap(), config);
        for len in 0..whole.len() {
            let error = with(&config, section, Some(&whole[..len])).unwrap_err();
            assert!(matches!(error, Error::Decode { section: s, .. } if s == section), "{error}");
        }
        let error = with(&config, section, Some(&[whole, b"\x00"].concat())).unwrap_err();
        assert!(matches!(error, Error::Decode { section: s, .. } if s == section), "{error}");
    }
    // A count of 2^32 names that are not there.
    assert!(with(&config, "config/identity", Some(b"\xff\xff\xff\xff\x0f")).is_err());
}

#[test]
fn sections_that_the_model_type_does_not_need_are_skipped() {
    for section in ["config/top_down", "config/identity", "config/a later idea"] {
        let config = config_of(ModelType::SingleInstance);
        assert_eq!(with(&config, section, Some(b"\xff\xff")), Ok(config));
    }
}

#[test]
fn contradictions_are_named() {
    let cases: [(ModelType, &str, fn(&mut Config)); 19] = [
        (ModelType::TopDown, "networks", |c| c.networks.truncate(1)),
        (ModelType::TopDown, "networks", |c| c.networks.reverse()),
        (ModelType::TopDown, "networks.heads", |c| c.networks[1].heads[0].kind = HeadKind::ClassMaps),
        (ModelType::TopDown, "networks.heads", |c| c.networks[0].heads[0].kind = HeadKind::ConfidenceMaps),
        (ModelType::TopDown, "networks.heads.stride_px", |c| c.networks[1].heads[0].stride_px = 5),
        (ModelType::TopDownId, "networks.heads", |c| c.networks[1].heads.truncate(1)),
        (ModelType::BottomUpId, "networks.heads", |c| c.networks[0].heads.truncate(1)),
        (ModelType::Centroid, "networks.name", |c| c.networks[0].name = "pose".into()),
        (ModelType::Centroid, "skeleton.nodes", |c| c.skeleton.nodes.push("b".into())),
        (ModelType::Centroid, "top_down.crop_size_px", |c| c.top_down.as_mut().unwrap().crop_size_px = 16),
        (ModelType::TopDown, "top_down", |c| c.top_down = None),
        (ModelType::SingleInstance, "top_down", |c| c.top_down = config_of(ModelType::TopDown).top_down),
        (ModelType::TopDown, "top_down.anchor_part", |c| c.top_down.as_mut().unwrap().anchor_part = Some(2)),
        (ModelType::TopDown, "top_down.crop_size_px", |c| c.top_down.as_mut().unwrap().crop_size_px = 50),
        (ModelType::TopDown, "top_down.crop_size_px", |c| c.top_down.as_mut().unwrap().crop_size_px = 1 << 14),
        (ModelType::TopDown, "top_down.centroid_threshold", |c| c.top_down.as_mut().unwrap().centroid_threshold = f32::NAN),
        (ModelType::TopDown, "top_down.min_centroid_distance_px", |c| {
            c.top_down.as_mut().unwrap().min_centroid_distance_px = -1.0;
        }),
        (ModelType::BottomUpId, "identity.classes", |c| c.identity.as_mut().unwrap().classes.clear()),
        (ModelType::BottomUpId, "identity.classes", |c| c.identity.as_mut().unwrap().classes[1] = "f".into()),
    ];
    for (index, (model_type, field, change)) in cases.into_iter().enumerate() {
        let mut config = config_of(model_type);
        assert_eq!(config.validate(), Ok(()));
        change(&mut config);
        let error = config.validate().unwrap_err();
        assert!(matches!(error, Error::InvalidConfig { field: f, .. } if f == field), "case {index}: {error}");
        assert!(BundleWriter::new(&config).is_err(), "case {index}");
    }
}

/// Two animals of the classes given, in one column of a frame.
fn self_test(classes: [Option<u16>; 2]) -> SelfTest {
    let instance = |(index, class): (usize, Option<u16>)| ExpectedInstance {
        keypoints: vec![Some(ImagePoint { x_px: 1.0, y_px: 9.0 * index as f32 }), None],
        class,
    };
    SelfTest {
        format: PixelFormat::Gray8,
        width_px: 2,
        height_px: 1,
        pixels: vec![1, 2],
        instances: classes.into_iter().enumerate().map(instance).collect(),
        tolerance_px: 0.5,
    }
}

fn file_with_test(test: &SelfTest) -> Vec<u8> {
    let config = config_of(ModelType::BottomUpId);
    BundleWriter::new(&config).unwrap().network("pose", vec![]).self_test(test).unwrap().finish().unwrap()
}

#[test]
fn classes_of_the_self_test_have_a_section_of_their_own() {
    for (classes, bytes) in [
        ([Some(1), None], Some(&b"\x02\x01\x01\x00"[..])),
        ([Some(1), Some(0)], Some(b"\x02\x01\x01\x01\x00")),
        ([None, None], None),
    ] {
        let file = file_with_test(&self_test(classes));
        let bundle = Bundle::from_bytes(&file).unwrap();
        assert_eq!(bundle.section("selftest/classes").ok(), bytes);
        assert_eq!(bundle.self_test().unwrap(), Some(self_test(classes)));
    }
    // Numbers and classes that cannot be.
    for damaged in [&b"\x01\x00"[..], b"\x02\x00", b"\x02\x01\x02\x00", b"\x02\x00\x00\x00", b""] {
        let bundle = Bundle::from_vec(file_with_test(&self_test([Some(1), None]))).unwrap();
        let mut sections: Vec<_> =
            bundle.sections().iter().map(|s| Section::new(&s.name, bundle.section(&s.name).unwrap())).collect();
        sections.last_mut().unwrap().bytes = damaged.to_vec();
        let error = Bundle::from_vec(build(&sections)).unwrap().self_test().unwrap_err();
        assert!(matches!(error, Error::Decode { section: "selftest/classes", .. }), "{damaged:?}: {error}");
    }
}

#[test]
fn the_self_test_notices_exchanged_animals() {
    let poses = |classes: [Option<usize>; 2]| {
        let mut poses = Poses::with_classes(2, 2, &["f".into(), "m".into()]);
        for (index, class) in classes.into_iter().enumerate() {
            let position = ImagePoint { x_px: 1.25, y_px: 9.0 * index as f32 };
            poses.push(1.0)[0] = Keypoint { position, score: 1.0 };
            class.into_iter().for_each(|class| poses.set_class(index, class, 0.9));
        }
        poses
    };
    let test = self_test([Some(1), None]);
    assert_eq!(test.check(&poses([Some(1), None])), Ok(()));
    for other in [[Some(0), None], [None, None], [Some(1), Some(0)], [None, Some(1)]] {
        assert!(matches!(test.check(&poses(other)), Err(Error::SelfTest { worst_px: 0.25, .. })), "{other:?}");
    }
}
