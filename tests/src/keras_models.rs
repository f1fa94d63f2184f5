//! Model folders as classic SLEAP leaves them, with networks that look at colours: scenes of [`crate::top_down`] have animals for them.

use crate::keras::{KerasBuilder, Weights};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Red, green and blue.
const COLORS: usize = 3;

/// A 1x1 convolution: each result is a weighted sum of the colours of every `stride`-th pixel.
fn colors(model: KerasBuilder, name: &str, stride: usize, colors: &[[f32; COLORS]], function: &str) -> KerasBuilder {
    let config = json!({ "filters": colors.len(), "kernel_size": [1, 1], "strides": [stride, stride], "padding": "same",
        "data_format": "channels_last", "activation": function, "use_bias": true });
    let kernel = (0..COLORS).flat_map(|color| colors.iter().map(move |weights| weights[color])).collect();
    let weights: Vec<Weights> =
        vec![("kernel", vec![1, 1, COLORS, colors.len()], kernel), ("bias", vec![colors.len()], vec![0.0; colors.len()])];
    model.layer("Conv2D", name, config, &["input"], weights).output(name)
}

const RED: [f32; COLORS] = [1.0, 0.0, 0.0];
const GREEN: [f32; COLORS] = [0.0, 1.0, 0.0];
const BLUE: [f32; COLORS] = [0.0, 0.0, 1.0];

/// A model of that head's name, in the folder `<root>/<name>`: parts `a` (red) and `b` (green), centres blue at half scale.
///
/// # Panics
/// For a name that is not one of SLEAP's heads, or where files cannot be written.
pub fn write_model(root: &Path, name: &str) -> PathBuf {
    let folder = root.join(name);
    std::fs::create_dir_all(&folder).unwrap();
    network(name).write(&folder.join("best_model.h5"));
    std::fs::write(folder.join("training_config.json"), training_config(name).to_string()).unwrap();
    folder
}

/// Its network.
///
/// # Panics
/// For a name that is not one of SLEAP's heads.
pub fn network(name: &str) -> KerasBuilder {
    let model = KerasBuilder::new(COLORS);
    let parts = |model, head: &str| colors(model, head, 1, &[RED, GREEN], "linear");
    match name {
        "single_instance" => parts(model, "SingleInstanceConfmapsHead"),
        "centroid" => {
            let model = colors(model, "CentroidConfmapsHead", 2, &[BLUE], "linear");
            colors(model, "OffsetRefinementHead", 2, &[RED, GREEN], "linear")
        }
        "centered_instance" => parts(model, "CenteredInstanceConfmapsHead_0"),
        "multi_instance" => {
            let model = parts(model, "MultiInstanceConfmapsHead_0");
            // Everywhere from left to right where anything shines.
            colors(model, "PartAffinityFieldsHead_0", 2, &[[9.0; COLORS], [0.0; COLORS]], "linear")
        }
        "multi_class_bottomup" => colors(parts(model, "MultiInstanceConfmapsHead"), "ClassMapsHead", 2, &[RED, GREEN], "sigmoid"),
        "multi_class_topdown" => {
            let dense = json!({ "units": 2, "activation": "softmax", "use_bias": false });
            parts(model, "CenteredInstanceConfmapsHead")
                .layer("GlobalMaxPooling2D", "pre_classification_global_pool", json!({}), &["input"], vec![])
                .layer("Flatten", "pre_classification_flatten", json!({}), &["pre_classification_global_pool"], vec![])
                .layer(
                    "Dense",
                    "ClassVectorsHead",
                    dense,
                    &["pre_classification_flatten"],
                    vec![("kernel", vec![COLORS, 2], vec![9.0, 0.0, 0.0, 9.0, 0.0, 0.0])],
                )
                .output("ClassVectorsHead")
        }
        other => panic!("there is no head {other}"),
    }
}

/// Its `training_config.json`.
///
/// # Panics
/// For a name that is not one of SLEAP's heads.
pub fn training_config(name: &str) -> Value {
    let confmaps = json!({ "part_names": ["a", "b"], "sigma": 1.0, "output_stride": 1, "offset_refinement": false });
    let (head, scale, pad) = match name {
        "single_instance" | "centered_instance" => (confmaps, 1.0, 8),
        "centroid" => (json!({ "anchor_part": null, "sigma": 1.0, "output_stride": 2, "offset_refinement": true }), 0.5, 4),
        "multi_instance" => {
            let pafs = json!({ "edges": [["a", "b"]], "sigma": 9.0, "output_stride": 2 });
            (json!({ "confmaps": confmaps, "pafs": pafs }), 1.0, 8)
        }
        "multi_class_bottomup" => {
            let maps = json!({ "classes": ["red", "green"], "sigma": 1.0, "output_stride": 2 });
            (json!({ "confmaps": confmaps, "class_maps": maps }), 1.0, 8)
        }
        "multi_class_topdown" => {
            let vectors = json!({ "classes": ["red", "green"], "num_fc_layers": 0, "num_fc_units": 2, "output_stride": 8 });
            (json!({ "confmaps": confmaps, "class_vectors": vectors }), 1.0, 8)
        }
        other => panic!("there is no head {other}"),
    };
    json!({
        "sleap_version": "1.3.3",
        "data": {
            "labels": { "training_labels": "lab/colours.slp", "skeletons": [] },
            "preprocessing": { "ensure_rgb": true, "imagenet_mode": null, "input_scaling": scale, "pad_to_stride": pad },
            "instance_cropping": { "center_on_part": null, "crop_size": 32 },
        },
        "model": { "heads": { name: head }, "backbone": { "unet": { "max_stride": 8 } } },
        "optimization": { "epochs": 3 },
        "outputs": { "run_name": name },
    })
}
