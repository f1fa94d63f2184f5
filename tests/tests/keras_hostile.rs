//! Keras files that are damaged, of another kind, or ask for the impossible: errors that name the place, never a panic.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use dormouse_tests::keras::{KerasBuilder, Weights};
use dormouse_tests::onnx::numbers;
use dormouse_trainer::import::keras::KerasModel;
use serde_json::json;
use std::path::{Path, PathBuf};

fn weights(name: &'static str, dims: &[usize]) -> Weights {
    (name, dims.to_vec(), numbers(dims.iter().product(), 1))
}

/// Two convolutions and a pool.
fn small() -> KerasBuilder {
    let conv = |filters: usize| json!({ "filters": filters, "kernel_size": [3, 3], "padding": "same" });
    KerasBuilder::new(1)
        .layer("Conv2D", "one", conv(4), &["input"], vec![weights("kernel", &[3, 3, 1, 4]), weights("bias", &[4])])
        .layer("MaxPooling2D", "pool", json!({ "padding": "same" }), &["one"], vec![])
        .layer("Conv2D", "two", conv(2), &["pool"], vec![weights("kernel", &[3, 3, 4, 2]), weights("bias", &[2])])
        .output("two")
}

/// Opens and converts.
fn import(path: &Path) -> Result<usize, String> {
    let network = KerasModel::open(path, |_| true).and_then(|model| model.to_onnx(&[]));
    network.map(|network| network.onnx.len()).map_err(|e| e.to_string())
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("best_model.h5")
    }

    /// The message that a model is refused with.
    fn refused(&self, model: &KerasBuilder) -> String {
        model.write(&self.path());
        import(&self.path()).unwrap_err()
    }

    /// The message for the small model with its description changed.
    fn changed(&self, from: &str, to: &str) -> String {
        let text = small().model_config().to_string();
        assert!(text.contains(from), "{from} is not in {text}");
        small().write_as(&text.replace(from, to), &self.path());
        import(&self.path()).unwrap_err()
    }
}

#[test]
fn files_that_end_early_or_are_changed() {
    let folder = Folder::new();
    small().write(&folder.path());
    let whole = std::fs::read(folder.path()).unwrap();
    assert!(import(&folder.path()).is_ok());
    for len in (0..whole.len()).step_by(37) {
        std::fs::write(folder.path(), &whole[..len]).unwrap();
        assert!(import(&folder.path()).is_err(), "{len} of {} bytes", whole.len());
    }
    let mut state = 7u32;
    for _ in 0..400 {
        let mut bytes = whole.clone();
        for _ in 0..4 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = state as usize % bytes.len();
            bytes[at] ^= 1 << (state >> 29);
        }
        std::fs::write(folder.path(), &bytes).unwrap();
        // Weights may be other numbers now; anything else is an error.
        let _ = import(&folder.path());
    }
}

#[test]
fn files_of_another_kind() {
    let folder = Folder::new();
    std::fs::write(folder.path(), b"PK\x03\x04 not HDF5").unwrap();
    assert!(import(&folder.path()).unwrap_err().contains("not a complete HDF5 file"));
    let mut file = hdf5_pure::FileBuilder::new();
    file.create_dataset("x").with_f32_data(&[1.0]);
    file.write(folder.path()).unwrap();
    assert!(import(&folder.path()).unwrap_err().contains("no Keras model"));
    assert!(folder.refused(&small().version("3.0.5")).contains("3.0.5"));
    let missing = folder.0.path().join("none.h5");
    assert!(import(&missing).unwrap_err().contains("cannot read"));
}

#[test]
fn layers_that_do_not_fit() {
    let folder = Folder::new();
    for (from, to, expected) in [
        ("\"MaxPooling2D\"", "\"Magic\"", "layer \"pool\" (Magic): layers of this class are not read; known are"),
        ("\"MaxPooling2D\"", "\"Lambda\"", "layer \"pool\" (Lambda): Python code is not run"),
        ("\"MaxPooling2D\"", "\"Functional\"", "must name its inputs and outputs"),
        ("[\"pool\",0,0,{}]", "[\"pool\",0,1,{}]", "reads result 1 of pool, which has one"),
        ("[\"pool\",0,0,{}]", "[\"two\",0,0,{}]", "circle"),
        ("[\"pool\",0,0,{}]", "[\"pool\",2,0,{}]", "the first call"),
        ("[\"pool\",0,0,{}]", "[\"none\",0,0,{}]", "no layer \"none\""),
        ("[[\"pool\",0,0,{}]]", "{\"args\":[],\"kwargs\":{}}", "Keras 3"),
        ("[[\"pool\",0,0,{}]]", "[[\"pool\",0,0,{}]],[[\"pool\",0,0,{}]]", "several places"),
        ("\"filters\":4", "\"filters\":5", "shape is [3, 3, 1, 4]; the layer's settings ask for [3, 3, 1, 5]"),
        ("\"filters\":4", "\"filters\":0", "filters = 0"),
        ("\"filters\":4", "\"filters\":999999999999", "filters = 999999999999"),
        ("\"kernel_size\":[3,3]", "\"kernel_size\":[3,-3]", "kernel_size"),
        ("\"padding\":\"same\"", "\"padding\":\"causal\"", "\"same\" or \"valid\""),
        ("\"padding\":\"same\"", "\"padding\":\"same\",\"data_format\":\"channels_first\"", "channels_last"),
        (
            "\"padding\":\"same\"",
            "\"padding\":\"same\",\"activation\":\"gelu\"",
            "activation = \"gelu\" is not supported; it must be one of",
        ),
        ("\"name\":\"one\"", "\"name\":\"two\"", "two layers have this name"),
        ("[[\"two\",0,0]]", "[]", "output_layers"),
        ("\"Functional\"", "\"Sequential\"", "Sequential"),
        ("[null,null,null,1]", "[null,null,null,null]", "1 or 3 channels"),
        ("[[\"one\",0,0,{}]]", "[[\"one\",0,0,{}],[\"input\",0,0,{}]]", "2 inputs do not fit"),
    ] {
        let message = folder.changed(from, to);
        assert!(message.contains(expected) && message.contains("best_model.h5"), "{from} -> {to}: {message}");
    }
    let deep = "[".repeat(100_000);
    small().write_as(&deep, &folder.path());
    assert!(import(&folder.path()).unwrap_err().contains("model_config"));
}

#[test]
fn models_within_models_that_do_not_fit() {
    let folder = Folder::new();
    let inner = small();
    let model = |inputs: &[&str]| KerasBuilder::new(1).model("encoder", &inner, inputs);
    let head = |model: KerasBuilder, from: &str| model.layer("ReLU", "head", json!({}), &[from], vec![]).output("head");
    head(model(&["input"]), "encoder#0").write(&folder.path());
    assert!(import(&folder.path()).is_ok());
    for (model, expected) in [
        (head(model(&["input"]), "encoder#3"), "reads result 3 of encoder"),
        (head(model(&["input", "input"]), "encoder#0"), "1 inputs is given 2"),
        (head(model(&["encoder#0"]), "encoder#0"), "circle"),
        (head(model(&["head"]), "encoder#0"), "circle"),
    ] {
        let message = folder.refused(&model);
        assert!(message.contains(expected), "{expected}: {message}");
    }
    // A model whose result is its own input's, within and without.
    let through = KerasBuilder::new(1).output("input");
    let model = KerasBuilder::new(1).model("a", &through, &["b#0"]).model("b", &through, &["a#0"]);
    assert!(folder.refused(&head(model, "b#0")).contains("reads itself"));
}

#[test]
fn weights_that_are_missing_or_meet_in_wrong_sizes() {
    let folder = Folder::new();
    let conv = json!({ "filters": 2, "kernel_size": [3, 3], "padding": "same" });
    let model = KerasBuilder::new(1).layer("Conv2D", "one", conv.clone(), &["input"], vec![weights("bias", &[2])]).output("one");
    assert!(folder.refused(&model).contains("no weights \"kernel\""));
    let flat = vec![weights("kernel", &[9, 1, 2]), weights("bias", &[2])];
    let model = KerasBuilder::new(1).layer("Conv2D", "one", conv, &["input"], flat).output("one");
    assert!(folder.refused(&model).contains("[9, 1, 2]"));
    let pool = json!({ "padding": "same" });
    let model = KerasBuilder::new(1).layer("MaxPooling2D", "p", pool.clone(), &["input"], vec![]);
    let joined = model.clone().layer("Concatenate", "c", json!({ "axis": -1 }), &["p", "input"], vec![]).output("c");
    assert!(folder.refused(&joined).contains("different strides"));
    let axis = model.clone().layer("Concatenate", "c", json!({ "axis": 1 }), &["p", "p"], vec![]).output("c");
    assert!(folder.refused(&axis).contains("axis = 1"));
    let flat = model.clone().layer("Flatten", "f", json!({}), &["p"], vec![]).output("f");
    assert!(folder.refused(&flat).contains("global pooling"));
    let finer = KerasBuilder::new(1).layer("UpSampling2D", "u", json!({ "size": [2, 2] }), &["input"], vec![]).output("u");
    assert!(folder.refused(&finer).contains("0.5 x 0.5 px"));
}
