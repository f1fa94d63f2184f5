//! `dormouse import-model` on folders of every kind of model: what the bundle says and finds, and what is refused.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail by panicking")]

use clap::Parser as _;
use dormouse::config::{HeadKind, ResizeFilter};
use dormouse::{Bundle, Estimator, Frame, ModelType, Options, Poses};
use dormouse_tests::keras_models::{network, training_config, write_model};
use dormouse_tests::poses::same_poses;
use dormouse_tests::tolerance::PLANTED_PART_PX;
use dormouse_tests::top_down::{self, Animal, HEIGHT, WIDTH, scene};
use dormouse_trainer::cli::{Cli, run};
use serde_json::json;
use std::path::{Path, PathBuf};

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn model(&self, name: &str) -> PathBuf {
        write_model(self.0.path(), name)
    }

    /// Imports folders into `out.dorm`.
    fn import(&self, models: &[&Path], options: &[&str]) -> Result<(), String> {
        self.import_to(&self.path("out.dorm"), models, options)
    }

    fn import_to(&self, out: &Path, models: &[&Path], options: &[&str]) -> Result<(), String> {
        let words = ["dormouse", "import-model"].map(std::ffi::OsString::from).into_iter();
        let words = words.chain(models.iter().map(|m| m.as_os_str().to_owned()));
        let words = words.chain(["-o".into(), out.as_os_str().to_owned()]).chain(options.iter().map(Into::into));
        run(Cli::try_parse_from(words).map_err(|e| e.to_string())?).map(|_| ()).map_err(|e| format!("{e:#}"))
    }

    fn bundle(&self) -> Bundle<'static> {
        Bundle::open(self.path("out.dorm")).unwrap()
    }
}

fn poses(bundle: &Bundle<'_>, pixels: &[u8]) -> Poses {
    let mut estimator = Estimator::new(bundle, &Options::default()).unwrap();
    estimator.estimate(&Frame::rgb8(pixels, WIDTH as u32, HEIGHT as u32).unwrap()).unwrap().clone()
}

fn animals() -> Vec<Animal> {
    [(30.0, 20.0), (85.4, 30.7), (60.2, 70.0)].map(|(x, y)| Animal::at(x, y)).into()
}

/// Panics unless these are the animals, in any order, each part at its place.
fn assert_found(found: &Poses, animals: &[Animal]) {
    assert_eq!(found.len(), animals.len());
    for animal in animals {
        let at = |pose: dormouse::Instance<'_>| {
            let parts = pose.keypoints.iter().zip(animal.parts);
            let away = parts.map(|(k, (x, y))| (k.position.x_px - x).abs().max((k.position.y_px - y).abs()));
            away.fold(0.0f32, f32::max)
        };
        let nearest = found.iter().map(at).fold(f32::INFINITY, f32::min);
        assert!(nearest <= PLANTED_PART_PX, "{animal:?}: {nearest} px");
    }
}

#[test]
fn a_model_of_one_animal_with_a_self_test() {
    let place = Place::new();
    let model = place.model("single_instance");
    let pixels = scene(&animals()[..1]);
    image::RgbImage::from_raw(WIDTH as u32, HEIGHT as u32, pixels.clone()).unwrap().save(place.path("frame.png")).unwrap();
    let frame = place.path("frame.png");
    place.import(&[&model], &["--name", "colours", "--self-test", frame.to_str().unwrap(), "--json"]).unwrap();
    let bundle = place.bundle();
    let config = bundle.config();
    assert_eq!((config.name.as_str(), config.model_type), ("colours", ModelType::SingleInstance));
    assert_eq!(config.skeleton.nodes, ["a", "b"]);
    let preprocess = config.networks[0].preprocess;
    assert_eq!((preprocess.input_scale, preprocess.pad_to_stride_px, preprocess.resize), (1.0, 8, ResizeFilter::Bilinear));
    assert_eq!((config.provenance.labels.as_str(), config.peaks.threshold), ("colours.slp", 0.2));
    assert!(config.provenance.producer.ends_with("imported from SLEAP 1.3.3"), "{}", config.provenance.producer);
    let card = bundle.card().unwrap().unwrap();
    assert!(card.contains("best_model.h5") && card.contains("(SHA-256): "), "{card}");
    let test = bundle.self_test().unwrap().unwrap();
    assert_eq!((test.width_px as usize, test.instances.len()), (WIDTH, 1));
    assert_found(&poses(&bundle, &pixels), &animals()[..1]);
    // What is there is replaced on request alone.
    assert!(place.import(&[&model], &[]).unwrap_err().contains("--force"));
    place.import(&[&model.join("training_config.json")], &["--force"]).unwrap();
    assert!(place.bundle().self_test().unwrap().is_none());
}

/// The hand-made bundle of the same networks is the oracle.
#[test]
fn two_folders_in_any_order_make_a_top_down_model() {
    let place = Place::new();
    let (centroid, plain, named) =
        (place.model("centroid"), place.model("centered_instance"), place.model("multi_class_topdown"));
    let herd = top_down::herd(5, 3);
    for (instance, identity) in [(&plain, false), (&named, true)] {
        let expected = top_down::bundle(&top_down::config(identity, 64), None);
        for models in [[&*centroid, &**instance], [&**instance, &*centroid]] {
            place.import(&models, &["--force"]).unwrap();
            let bundle = place.bundle();
            let config = bundle.config();
            assert_eq!(config.model_type.has_identity(), identity);
            let top_down = config.top_down.as_ref().unwrap();
            assert_eq!((top_down.crop_size_px, top_down.anchor_part, top_down.centroid_threshold), (32, None, 0.2));
            let [first, second] = &config.networks[..] else { panic!("{:?}", config.networks) };
            assert_eq!((first.preprocess.input_scale, first.heads.len(), first.heads[0].stride_px), (0.5, 1, 2));
            assert_eq!((second.preprocess.input_scale, second.heads[0].kind), (1.0, HeadKind::ConfidenceMaps));
            for animals in [&animals(), &herd] {
                let pixels = scene(animals);
                let (ours, by_hand) = (poses(&bundle, &pixels), poses(&Bundle::from_bytes(&expected).unwrap(), &pixels));
                assert!(same_poses(&ours, &by_hand, "imported") >= 2 * 3);
            }
        }
    }
}

#[test]
fn models_of_many_animals_in_whole_frames() {
    let place = Place::new();
    place.import(&[&place.model("multi_instance")], &[]).unwrap();
    let bundle = place.bundle();
    let heads: Vec<_> = bundle.config().networks[0].heads.iter().map(|h| (h.kind, h.stride_px)).collect();
    assert_eq!(heads, [(HeadKind::ConfidenceMaps, 1), (HeadKind::PartAffinityFields, 2)]);
    assert_eq!(bundle.config().skeleton.edges, [(0, 1)]);
    assert!(!poses(&bundle, &scene(&animals()[..1])).is_empty());
    place.import(&[&place.model("multi_class_bottomup")], &["--force"]).unwrap();
    let bundle = place.bundle();
    assert_eq!(bundle.config().identity.as_ref().unwrap().classes, ["red", "green"]);
    assert!(!poses(&bundle, &scene(&animals()[..1])).is_empty());
    place.import(&[&place.model("centroid")], &["--force"]).unwrap();
    let bundle = place.bundle();
    assert_eq!((bundle.config().model_type, bundle.config().skeleton.nodes.len()), (ModelType::Centroid, 1));
    let found = poses(&bundle, &scene(&animals()));
    assert_eq!(found.len(), 3);
}

#[test]
fn what_does_not_belong_together_is_refused_and_nothing_is_written() {
    let place = Place::new();
    let (single, centroid, instance) =
        (place.model("single_instance"), place.model("centroid"), place.model("centered_instance"));
    let refused = |models: &[&Path], part: &str| {
        let message = place.import(models, &[]).expect_err(part);
        assert!(message.contains(part), "lacks {part:?}: {message}");
        assert!(!place.path("out.dorm").exists());
    };
    refused(&[&instance], "give the folder of its centroid model");
    refused(&[&single, &centroid], "a single-instance model and a centroid model");
    refused(&[&instance, &instance], "one finds centroids");
    refused(&[&place.path("absent")], "absent");
    let odd = place.model("multi_instance");
    let config = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut config = training_config("multi_instance");
        change(&mut config);
        std::fs::write(odd.join("training_config.json"), config.to_string()).unwrap();
    };
    let head = "/model/heads/multi_instance";
    config(&|c| c.pointer_mut(&format!("{head}/confmaps")).unwrap()["part_names"] = json!(["a", "b", "c"]));
    refused(&[&odd], "MultiInstanceConfmapsHead_0 has 2 channels; the configuration asks for 3");
    config(&|c| c["model"]["heads"] = json!({ "single_instance": { "part_names": ["a", "b"] } }));
    refused(&[&odd], "no output is called SingleInstanceConfmapsHead, as a single-instance model needs; there is MultiInstance");
    config(&|c| c["data"]["preprocessing"]["input_scaling"] = json!(0.0));
    refused(&[&odd], "input_scale");
    std::fs::write(odd.join("training_config.json"), "{ broken").unwrap();
    refused(&[&odd], "training_config.json");
    std::fs::write(odd.join("best_model.h5"), b"no HDF5").unwrap();
    std::fs::write(odd.join("training_config.json"), training_config("multi_instance").to_string()).unwrap();
    refused(&[&odd], "best_model.h5");
    let text = network("multi_instance").model_config().to_string().replace("Conv2D", "Lambda");
    network("multi_instance").write_as(&text, &odd.join("best_model.h5"));
    refused(&[&odd], "(Lambda): Python code is not run");
    std::fs::write(odd.join("training_config.json"), " ".repeat((4 << 20) + 1)).unwrap();
    refused(&[&odd], "training_config.json: size: it has 4194305 bytes");
    std::fs::remove_file(odd.join("best_model.h5")).unwrap();
    std::fs::create_dir(odd.join("best_model.h5")).unwrap();
    refused(&[&odd], "best_model.h5: this is a folder");
}

#[test]
fn what_is_read_is_not_written_over() {
    let place = Place::new();
    let model = place.model("single_instance");
    let refused = |out: &Path, options: &[&str], part: &str| {
        let message = place.import_to(out, &[&model], options).expect_err(part);
        assert!(message.contains(part), "lacks {part:?}: {message}");
    };
    for name in ["best_model.h5", "training_config.json"] {
        let before = std::fs::read(model.join(name)).unwrap();
        refused(&model.join(name), &["--force"], "the ending must be .dorm");
        #[cfg(unix)]
        {
            let link = place.path("link.dorm");
            std::os::unix::fs::symlink(model.join(name), &link).unwrap();
            refused(&link, &["--force"], &format!("{name}, which is read: name another file to write"));
            std::fs::remove_file(link).unwrap();
        }
        assert_eq!(std::fs::read(model.join(name)).unwrap(), before);
    }
    for out in ["out", "out.onnx", ".dorm"] {
        refused(&place.path(out), &[], "the ending must be .dorm");
    }
    let long = "n".repeat(257);
    for (name, part) in
        [("", "1 to 256 characters, this one has 0"), (&long, "this one has 257"), ("a\u{1b}[2J", "control characters")]
    {
        refused(&place.path("out.dorm"), &["--name", name], part);
    }
    assert!(!place.path("out.dorm").exists());
    // Umlauts are characters, not bytes.
    place.import(&[&model], &["--name", &"ä".repeat(256)]).unwrap();
    assert_eq!(place.bundle().config().name.chars().count(), 256);
}

/// The configured size counts as it always did, the sides that the network was saved with are only told.
#[test]
fn crops_of_another_size_than_the_network_was_saved_for() {
    let place = Place::new();
    let (centroid, instance) = (place.model("centroid"), place.model("centered_instance"));
    let notes = |saved_px: u32, said: serde_json::Value| {
        let mut saved = network("centered_instance").model_config();
        saved["config"]["layers"][0]["config"]["batch_input_shape"] = json!([null, saved_px, saved_px, 3]);
        network("centered_instance").write_as(&saved.to_string(), &instance.join("best_model.h5"));
        let mut config = training_config("centered_instance");
        config["data"]["instance_cropping"]["crop_size"] = said;
        std::fs::write(instance.join("training_config.json"), config.to_string()).unwrap();
        let models = [&centroid, &instance].map(|path| dormouse_trainer::import::sleap_model::read_sleap_model(path).unwrap());
        let (config, _, notes) = dormouse_trainer::import::sleap_model::combine(&models[0], Some(&models[1]), "told").unwrap();
        (config.top_down.unwrap().crop_size_px, notes)
    };
    let note = "the configuration says crops of 1000 px, the network was saved for 96 px: the configuration counts";
    assert_eq!(notes(96, json!(1000)), (1000, vec![note.to_owned()]));
    assert_eq!(notes(96, json!(96)), (96, vec![]));
    assert_eq!(notes(96, json!(null)), (96, vec![]));
    let (crop_px, told) = notes(96, json!(90));
    assert_eq!((crop_px, told.len()), (96, 1), "{told:?}");
}

#[test]
fn an_anchor_that_the_animals_lack_is_told() {
    let place = Place::new();
    let (centroid, instance) = (place.model("centroid"), place.model("centered_instance"));
    for (folder, head) in [(&centroid, "centroid"), (&instance, "centered_instance")] {
        let mut config = training_config(head);
        config["model"]["heads"][head]["anchor_part"] = json!("c");
        std::fs::write(folder.join("training_config.json"), config.to_string()).unwrap();
    }
    let models = [&centroid, &instance].map(|path| dormouse_trainer::import::sleap_model::read_sleap_model(path).unwrap());
    let (config, _, notes) = dormouse_trainer::import::sleap_model::combine(&models[0], Some(&models[1]), "told").unwrap();
    assert_eq!(config.top_down.unwrap().anchor_part, None);
    let note = r#"the anchor part "c" is none of the skeleton's (a, b): none is taken"#;
    assert!(models[1].notes().iter().any(|told| told == note) && notes.iter().any(|told| told == note), "{notes:?}");
}

#[test]
fn what_differs_is_told() {
    let place = Place::new();
    let (centroid, instance) = (place.model("centroid"), place.model("centered_instance"));
    let mut config = training_config("centered_instance");
    config["data"]["instance_cropping"]["crop_size"] = json!(30);
    config["model"]["heads"]["centered_instance"]["output_stride"] = json!(4);
    config["model"]["heads"]["centered_instance"]["anchor_part"] = json!("b");
    config["data"]["preprocessing"]["ensure_rgb"] = json!(false);
    config["data"]["preprocessing"]["ensure_grayscale"] = json!(true);
    config["data"]["preprocessing"]["target_width"] = json!(640);
    std::fs::write(instance.join("training_config.json"), config.to_string()).unwrap();
    let models = [&centroid, &instance].map(|path| dormouse_trainer::import::sleap_model::read_sleap_model(path).unwrap());
    let (config, order, notes) = dormouse_trainer::import::sleap_model::combine(&models[1], Some(&models[0]), "told").unwrap();
    assert_eq!((order.len(), config.top_down.unwrap().crop_size_px), (2, 32));
    let all: Vec<&String> = models.iter().flat_map(|model| model.notes()).chain(&notes).collect();
    for part in [
        "OffsetRefinementHead is left out",
        "stride of 1 px; the configuration says 4",
        "says 1 channels, the network takes 3",
        "target_width = 640",
        "crops of 30 px become 32 px",
        "anchor part is none, that of the centered-instance model b",
    ] {
        assert!(all.iter().any(|note| note.contains(part)), "{part} is missing in {all:#?}");
    }
    assert_eq!(all.len(), 6, "{all:#?}");
}
