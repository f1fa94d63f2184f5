use super::*;

const BODY_TYPE: &str = r#"{"py/reduce":[{"py/type":"sleap.skeleton.EdgeType"},{"py/tuple":[1]},null,null]}"#;
const SYMMETRY_TYPE: &str = r#"{"py/reduce":[{"py/type":"sleap.skeleton.EdgeType"},{"py/tuple":[2]}]}"#;

fn decode(text: &str, nodes: &[&str]) -> Result<Skeleton, String> {
    let global: Vec<String> = nodes.iter().map(|n| (*n).to_string()).collect();
    decode_skeleton(&serde_json::from_str(text).unwrap(), &global)
}

/// The worked example of reference T, section 13.
#[test]
fn node_order_is_the_skeletons_own() {
    let text = format!(
        r#"{{"graph":{{"name":"S"}},"links":[{{"edge_insert_idx":0,"key":0,"source":1,"target":0,"type":{BODY_TYPE}}}],
            "nodes":[{{"id":1}},{{"id":0}}]}}"#
    );
    let skeleton = decode(&text, &["B", "A"]).unwrap();
    assert_eq!(skeleton.nodes, ["A", "B"]);
    assert_eq!(skeleton.edges, [(0, 1)]);
}

#[test]
fn the_first_link_may_be_a_symmetry_and_edges_sort_by_insertion() {
    let text = format!(
        r#"{{"nx_graph":{{"links":[
            {{"key":0,"source":1,"target":2,"type":{SYMMETRY_TYPE}}},
            {{"key":0,"source":2,"target":1,"type":{{"py/id":1}}}},
            {{"edge_insert_idx":7,"key":0,"source":0,"target":2,"type":{BODY_TYPE}}},
            {{"edge_insert_idx":3,"key":0,"source":0,"target":1,"type":{{"py/id":2}}}}],
            "nodes":[{{"id":0}},{{"id":1}},{{"id":2}}]}},"description":"d","preview_image":null}}"#
    );
    let skeleton = decode(&text, &["a", "b", "c"]).unwrap();
    assert_eq!(skeleton.edges, [(0, 1), (0, 2)]);
    assert_eq!(skeleton.symmetries, [(1, 2)]);
}

#[test]
fn embedded_nodes_and_types_share_one_counter() {
    // 1 = A, 2 = B, 3 = BODY, 4 = C (older dictionary state), 5 = SYMMETRY.
    let text = format!(
        r#"{{"links":[
            {{"source":{{"py/object":"sleap.skeleton.Node","py/state":{{"py/tuple":["A",1.0]}}}},
              "target":{{"py/object":"sleap.skeleton.Node","py/state":{{"py/tuple":["B",1.0]}}}},"type":{BODY_TYPE}}},
            {{"source":{{"py/id":1}},"target":{{"py/object":"sleap.skeleton.Node","py/state":{{"name":"C","weight":1.0}}}},
              "type":{{"py/id":3}}}},
            {{"source":{{"py/id":2}},"target":{{"py/id":4}},"type":{SYMMETRY_TYPE}}},
            {{"source":{{"py/id":4}},"target":{{"py/id":2}},"type":{{"py/id":5}}}}],
            "nodes":[{{"id":{{"py/id":4}}}},{{"id":{{"py/id":1}}}},{{"id":{{"py/id":2}}}}]}}"#
    );
    let skeleton = read_skeleton_json(&text).unwrap();
    assert_eq!(skeleton.nodes, ["C", "A", "B"]);
    assert_eq!(skeleton.edges, [(1, 2), (1, 0)]);
    assert_eq!(skeleton.symmetries, [(2, 0)]);
}

#[test]
fn nodes_may_come_before_links_and_keys_in_any_order() {
    // Here the type is written first: 1 = X (in nodes), 2 = BODY, 3 = Y.
    let text = format!(
        r#"{{"nodes":[{{"id":{{"py/object":"N","py/state":{{"py/tuple":["X",1.0]}}}}}}],
            "links":[{{"type":{BODY_TYPE},"target":{{"py/id":1}},"source":{{"py/id":3}}}}]}}"#
    );
    assert!(read_skeleton_json(&text).unwrap_err().to_string().contains("py/id 3 refers to nothing"));
}

#[test]
fn sleap_io_numbers_edge_types_apart() {
    let text = format!(
        r#"{{"links":[
            {{"source":{{"py/object":"N","py/state":{{"py/tuple":["A",1.0]}}}},
              "target":{{"py/object":"N","py/state":{{"py/tuple":["B",1.0]}}}},"type":{BODY_TYPE}}},
            {{"source":{{"py/id":2}},"target":{{"py/object":"N","py/state":{{"py/tuple":["C",1.0]}}}},"type":{{"py/id":1}}}}],
            "nodes":[{{"id":{{"py/id":1}}}},{{"id":{{"py/id":2}}}},{{"id":{{"py/id":4}}}}]}}"#
    );
    assert_eq!(read_skeleton_json(&text).unwrap().edges, [(0, 1), (1, 2)]);
}

#[test]
fn faults_are_errors() {
    for text in [
        "",
        "[",
        r#"{"nodes":[{"id":5}]}"#,
        r#"{"nodes":[{"id":{"py/id":0}}]}"#,
        r#"{"nodes":[{"id":{"py/id":-9223372036854775808}}]}"#,
        r#"{"nodes":[{}]}"#,
        r#"{"links":[{"source":0}],"nodes":[]}"#,
        r#"{"links":[{"source":{"py/object":"N","py/state":{"py/tuple":[]}},"target":1}]}"#,
        r#"{"data":{"labels":{"skeletons":[]}}}"#,
    ] {
        assert!(read_skeleton_json(text).is_err(), "{text}");
    }
    assert!(decode(r#"{"nodes":[{"id":0},{"id":0}]}"#, &["a"]).is_err(), "a node twice");
    assert!(decode(r#"{"nodes":[{"id":0}],"links":[{"source":0,"target":1}]}"#, &["a", "b"]).is_err(), "a link to nowhere");
}

fn shared(path: &str) -> std::path::PathBuf {
    std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")).join(path)
}

/// Facts from reference T, section 1.3, and sleap-io 0.9.5's reading of the same files.
#[test]
#[ignore = "needs ../shared/data"]
fn bundled_skeletons() {
    let flies = read_skeleton_json(&std::fs::read_to_string(shared("skeletons/flies13.json")).unwrap()).unwrap();
    assert_eq!((flies.nodes.len(), flies.edges.len(), flies.symmetries.len()), (13, 12, 5));
    assert_eq!(flies.nodes[0], "head1");
    let gerbils = read_skeleton_json(&std::fs::read_to_string(shared("skeletons/gerbils.json")).unwrap()).unwrap();
    assert_eq!((gerbils.nodes.len(), gerbils.edges.len(), gerbils.symmetries.len()), (14, 13, 2));
    for model in ["minimal_instance.UNet.bottomup", "minimal_instance.UNet.centroid", "minimal_robot.UNet.single_instance"] {
        let text = std::fs::read_to_string(shared(&format!("models/{model}/training_config.json"))).unwrap();
        let skeleton = read_skeleton_json(&text).unwrap();
        assert_eq!((skeleton.nodes.as_slice(), skeleton.edges.as_slice()), (&["A".into(), "B".into()][..], &[(0, 1)][..]));
    }
}
