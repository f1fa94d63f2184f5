//! Configurations in part and in full.

use super::*;
use serde_json::json;

fn read(value: &Value) -> Result<TrainingConfig> {
    read_training_config(&value.to_string(), Path::new("models/a/training_config.json"))
}

/// SLEAP's own form of a skeleton with a symmetry between the wings.
fn skeletons() -> Value {
    let node = |name: &str| json!({ "py/object": "sleap.skeleton.Node", "py/state": { "py/tuple": [name, 1.0] } });
    let kind = |number: u8| json!({ "py/reduce": [{ "py/type": "sleap.skeleton.EdgeType" }, { "py/tuple": [number] }] });
    json!([{
        "directed": true, "graph": { "name": "fly", "num_edges_inserted": 2 }, "multigraph": true,
        "links": [
            { "edge_insert_idx": 1, "key": 0, "source": node("head"), "target": node("wingL"), "type": kind(1) },
            { "edge_insert_idx": 0, "key": 0, "source": { "py/id": 1 }, "target": node("wingR"), "type": { "py/id": 3 } },
            { "key": 0, "source": { "py/id": 2 }, "target": { "py/id": 4 }, "type": kind(2) },
        ],
        "nodes": [{ "id": { "py/id": 1 } }, { "id": { "py/id": 2 } }, { "id": { "py/id": 4 } }],
    }])
}

#[test]
fn channels_are_the_heads_names_not_the_skeletons() {
    let heads = json!({ "multi_instance": {
        "confmaps": { "part_names": ["wingR", "head", "wingL"], "output_stride": 2, "offset_refinement": true, "sigma": 2.5 },
        "pafs": { "edges": [["head", "wingR"], ["head", "wingL"]], "output_stride": 4 } }, "centroid": null });
    let config = read(&json!({
        "data": { "labels": { "skeletons": skeletons(), "training_labels": "C:\\lab\\flies.slp" },
                  "preprocessing": { "ensure_grayscale": true, "input_scaling": 0.5, "pad_to_stride": 16, "target_height": 1024 } },
        "model": { "heads": heads, "backbone": { "unet": { "max_stride": 16 } } },
        "optimization": { "epochs": 7 }, "sleap_version": "1.2.9", "surprise": 3,
    }))
    .unwrap();
    assert_eq!(config.skeleton.nodes, ["wingR", "head", "wingL"]);
    assert_eq!((config.skeleton.edges, config.skeleton.symmetries), (vec![(1, 0), (1, 2)], vec![(2, 0)]));
    assert_eq!(config.strides_px, [(HeadKind::ConfidenceMaps, Some(2)), (HeadKind::PartAffinityFields, Some(4))]);
    assert_eq!((config.input_scale, config.pad_to_stride_px, config.channels), (0.5, 16, Some(1)));
    assert_eq!((config.labels.as_str(), config.sleap_version.as_str()), ("flies.slp", "1.2.9"));
    assert_eq!(config.notes.len(), 2, "{:#?}", config.notes);
    assert!(config.notes.iter().any(|note| note.contains("surprise = 3")));
    assert!(config.notes.iter().any(|note| note.contains("target_height = 1024")));
}

#[test]
fn the_skeleton_stands_in_for_what_the_head_leaves_out() {
    let with = |heads: Value| json!({ "data": { "labels": { "skeletons": skeletons() } }, "model": { "heads": heads } });
    let config = read(&with(json!({ "single_instance": { "output_stride": 4 } }))).unwrap();
    assert_eq!(config.skeleton.nodes, ["head", "wingL", "wingR"]);
    assert_eq!((config.skeleton.edges.clone(), config.anchor.clone()), (vec![(0, 2), (0, 1)], None));
    assert_eq!((config.input_scale, config.pad_to_stride_px, config.crop_size_px), (1.0, 1, None));
    assert_eq!(config.notes, ["there is no data.preprocessing.input_scaling: 1 is taken"]);
    let config = read(&with(json!({ "centered_instance": { "anchor_part": "head", "part_names": ["head"] } }))).unwrap();
    assert_eq!((config.anchor.as_deref(), config.skeleton.nodes.len()), (Some("head"), 1));
    assert!(config.skeleton.edges.is_empty() && config.skeleton.symmetries.is_empty());
    let vectors =
        json!({ "multi_class_topdown": { "confmaps": { "anchor_part": "wingL" }, "class_vectors": { "classes": ["a", "b"] } } });
    let config = read(&with(vectors)).unwrap();
    assert_eq!((config.classes, config.anchor.as_deref()), (vec!["a".to_owned(), "b".into()], Some("wingL")));
}

#[test]
fn what_is_not_there_or_not_known_is_told() {
    let notes = |value: &Value| read(value).unwrap().notes;
    let heads = json!({ "heads": { "centered_instance": { "part_names": ["head", "tail"], "anchor_part": "tial" } } });
    let preprocessing = json!({ "input_scaling": 0.5 });
    let config = read(&json!({ "model": heads, "data": { "preprocessing": preprocessing } })).unwrap();
    assert_eq!(config.notes, [r#"the anchor part "tial" is none of the skeleton's (head, tail): none is taken"#]);
    assert_eq!((config.anchor, config.input_scale), (None, 0.5));
    let scale = "there is no data.preprocessing.input_scaling: 1 is taken";
    let heads = json!({ "heads": { "single_instance": { "part_names": ["a"] } } });
    for data in [json!(null), json!({}), json!({ "preprocessing": {} }), json!({ "preprocessing": { "input_scaling": null } })] {
        assert_eq!(notes(&json!({ "model": heads, "data": data })), [scale]);
    }
    // Without parts of its own a centroid model's anchor cannot be looked up.
    let centroid = json!({ "heads": { "centroid": { "anchor_part": "thorax" } } });
    let config = read(&json!({ "model": centroid, "data": { "preprocessing": preprocessing } })).unwrap();
    assert_eq!((config.anchor.as_deref(), config.notes.len()), (Some("thorax"), 0));
    // A skeleton that cannot be read, where the head has names.
    let broken = json!({ "labels": { "skeletons": [{ "nodes": [{ "id": { "py/id": 7 } }] }] }, "preprocessing": preprocessing });
    let told = notes(&json!({ "model": heads, "data": broken }));
    assert!(told.len() == 1 && told[0].starts_with("data.labels.skeletons is left out, and symmetries with it: "), "{told:?}");
}

#[test]
fn messages_about_many_parts_stay_short() {
    let names: Vec<String> = (0..100_000).map(|i| format!("part{i}")).collect();
    let fault = |head: Value| read(&json!({ "model": { "heads": { "multi_instance": head } } })).unwrap_err().to_string();
    let message = fault(json!({ "confmaps": { "part_names": names } }));
    assert!(
        message.contains("100000 parts are more than 256: part0, part1, ") && message.ends_with(" and 99968 more"),
        "{message}"
    );
    let message = fault(json!({ "confmaps": { "part_names": names[..256] }, "pafs": { "edges": [["a", "b"]] } }));
    assert!(message.contains("pairs of names out of part0, ") && message.ends_with(" and 224 more"), "{message}");
    assert!(message.len() < 1000, "{message}");
}

#[test]
fn what_is_no_configuration_of_a_model_is_refused() {
    let fault = |value: Value| read(&value).unwrap_err().to_string();
    assert!(fault(json!([])).contains("fields and their values"));
    assert!(fault(json!({})).contains("model.heads"));
    assert!(fault(json!({ "model": { "heads": {} } })).contains("exactly one head"));
    assert!(fault(json!({ "model": { "heads": { "single_instance": {} } } })).contains("neither part_names nor a skeleton"));
    let edges = json!({ "multi_instance": { "confmaps": { "part_names": ["a"] }, "pafs": { "edges": [["a", "b"]] } } });
    assert!(fault(json!({ "model": { "heads": edges } })).contains("pairs of names"));
    let twice = json!({ "single_instance": { "part_names": ["a", "a"] } });
    assert!(fault(json!({ "model": { "heads": twice } })).contains("unique"));
    let imagenet = json!({ "model": { "heads": { "centroid": {} } }, "data": { "preprocessing": { "imagenet_mode": "tf" } } });
    assert!(fault(imagenet).contains("imagenet_mode"));
}
