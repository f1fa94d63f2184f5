//! Networks before their first step: those of the recipes, and one of each model type with each backbone.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test may fail by panicking")]

use crate::onnx::numbers;
use burn::tensor::{Device, Tensor, TensorData};
use dormouse::config::HeadConfig;
use dormouse::{Bundle, Skeleton};
use dormouse_trainer::config::{Stage, TrainConfig, TrainModelType};
use dormouse_trainer::device::parse_device;
use dormouse_trainer::export::{metadata, to_onnx};
use dormouse_trainer::model::{Init, PoseNet, fit_to_images};
use std::path::{Path, PathBuf};

/// Known individuals of identity models.
const CLASSES: usize = 2;
static DEMO: &[u8] = include_bytes!("../../model-zoo/demo/demo.dorm");

/// A recipe's network as it stands before its first step, except that its heads are not made small.
pub struct Untrained {
    /// Recipe and stage, or model type, stage and backbone.
    pub name: String,
    /// The network.
    pub net: PoseNet,
    /// Its export.
    pub onnx: Vec<u8>,
}

/// Numbers of an image that look random, 0 to 1.
pub fn image(dims: [usize; 4]) -> Vec<f32> {
    numbers(dims.iter().product(), 9).iter().map(|v| (v + 1.0) / 2.0).collect()
}

fn recipe_file(recipe: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../model-zoo/recipes").join(recipe).with_extension("toml")
}

/// The networks of a recipe, with the demo's skeleton.
fn of_recipe(recipe: &str) -> Vec<Untrained> {
    let config = TrainConfig::load(&recipe_file(recipe), &[]).unwrap();
    let demo = Bundle::from_bytes(DEMO).unwrap();
    let skeleton = &demo.config().skeleton;
    let stages = config.model.model_type.stages();
    assert!(!stages.is_empty(), "{recipe}");
    stages.iter().map(|&stage| network(recipe, &config, stage, skeleton)).collect()
}

fn network(recipe: &str, config: &TrainConfig, stage: Stage, skeleton: &Skeleton) -> Untrained {
    let config = config.stage(stage).unwrap();
    let mut net = config.network(&config.heads(stage, skeleton, CLASSES)).init(5, &Device::default()).unwrap();
    let dims = [2, net.config().in_channels, 64, 64];
    let images = Tensor::from_data(TensorData::new(image(dims), dims), net.device());
    fit_to_images(&mut net, &images).unwrap();
    let onnx = to_onnx(&net, &metadata(&net, "hash")).unwrap();
    Untrained { name: format!("{recipe}, {}", stage.name()), net, onnx }
}

/// The networks of all recipes that differ.
pub fn recipes() -> Vec<Untrained> {
    ["demo", "flies-bottomup", "flies-topdown", "robot-single", "synth-identity"].into_iter().flat_map(of_recipe).collect()
}

/// A network of each model type with each backbone; of the types with two networks, both.
pub fn model_types() -> Vec<Untrained> {
    let backbones = [
        "backbone = \"unet\"",
        "backbone = \"compact\"",
        "backbone = \"compact\"\nupsampling = \"nearest\"\ncompact = { kernel = 5, expansion = 2, skip = \"add\" }",
    ];
    let skeleton =
        Skeleton { nodes: ["a", "b", "c"].map(String::from).to_vec(), edges: vec![(0, 1), (1, 2)], ..Default::default() };
    let mut all = Vec::new();
    for (model_type, backbone) in TrainModelType::ALL.into_iter().flat_map(|kind| backbones.map(|b| (kind, b))) {
        let text = format!("[data]\ntrain = [\"synth:fly\"]\n[model]\nfilters = 12\nfilters_rate = 1.5\n{backbone}\n");
        let config = TrainConfig::parse(&text, &[format!("model.type={}", model_type.name())]).unwrap();
        for &stage in model_type.stages() {
            let config = config.stage(stage).unwrap();
            let network = config.network(&config.heads(stage, &skeleton, 4));
            let net = network.init_with(Init::He, 3, &parse_device("cpu").unwrap()).unwrap();
            let onnx = to_onnx(&net, &metadata(&net, "hash")).unwrap();
            all.push(Untrained { name: format!("{}, {}, {backbone}", model_type.name(), stage.name()), net, onnx });
        }
    }
    assert_eq!(all.len(), 8 * backbones.len());
    all
}

impl Untrained {
    /// What a bundle's configuration says of the outputs.
    pub fn heads(&self) -> Vec<HeadConfig> {
        let head = |h: &dormouse_trainer::model::HeadSpec| (h.kind, h.output.clone(), h.stride_px as u32);
        self.net.config().heads.iter().map(head).map(|(kind, output, stride_px)| HeadConfig { kind, output, stride_px }).collect()
    }
}

/// The network of `flies-bottomup` for a skeleton of 24 nodes and 23 edges.
pub fn flies_bottomup() -> Untrained {
    let config = TrainConfig::load(&recipe_file("flies-bottomup"), &[]).unwrap();
    let nodes = (0..24).map(|node| format!("n{node}")).collect();
    let edges = (1..24).map(|node| (node - 1, node)).collect();
    let skeleton = Skeleton { nodes, edges, ..Default::default() };
    let stage = config.model.model_type.stages()[0];
    network("flies-bottomup", &config, stage, &skeleton)
}
