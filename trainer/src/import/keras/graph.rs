//! The layers of a network in an order in which each comes after its inputs.

use super::layer::Layer;
use super::settings::Settings;
use crate::error::{Error, Result};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::path::Path;

/// Most layers, as many as the runtime reads nodes.
const MAX_LAYERS: usize = 1 << 14;

/// A layer with its place in the network.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub name: String,
    pub class: String,
    pub layer: Layer,
    /// Positions of its inputs in [`KerasGraph::nodes`], all before its own.
    pub inputs: Vec<usize>,
}

/// A whole network.
#[derive(Debug, Clone)]
pub(super) struct KerasGraph {
    /// Layers, inputs first.
    pub nodes: Vec<Node>,
    /// Positions of the layers whose results are wanted, in Keras' order.
    pub outputs: Vec<usize>,
    /// Names of all outputs.
    pub all_outputs: Vec<String>,
}

/// A layer as the file lists it.
struct Listed<'a> {
    settings: Settings<'a>,
    inputs: Vec<&'a str>,
}

impl KerasGraph {
    /// Reads the text of the attribute `model_config`. Layers that no output needs are left out.
    ///
    /// # Errors
    /// [`Error::BadFile`] when it is not a functional model of Keras 2, [`Error::Layer`] for a layer that is not supported.
    pub fn read(text: &str, path: &Path, mut wanted: impl FnMut(&str) -> bool) -> Result<Self> {
        let fault = |what: String| Error::bad_file(path, "model_config", what);
        let json: Value = serde_json::from_str(text).map_err(|e| fault(e.to_string()))?;
        let class = json.get("class_name").and_then(Value::as_str).unwrap_or_default();
        if !matches!(class, "Functional" | "Model") {
            return Err(fault(format!("a Functional model is expected, this one is {class:?}")));
        }
        let layers = json.pointer("/config/layers").and_then(Value::as_array).ok_or_else(|| fault("it has no layers".into()))?;
        if layers.len() > MAX_LAYERS {
            return Err(fault(format!("{} layers are more than {MAX_LAYERS}", layers.len())));
        }
        let listed = layers.iter().map(|layer| listed(layer, path)).collect::<Result<Vec<_>>>()?;
        let outputs = json.pointer("/config/output_layers").and_then(Value::as_array);
        let outputs = outputs.into_iter().flatten().map(|place| place.get(0).and_then(Value::as_str));
        let outputs = outputs.collect::<Option<Vec<_>>>().filter(|names| !names.is_empty());
        let outputs = outputs.ok_or_else(|| fault("output_layers must name layers".into()))?;
        let all_outputs = outputs.iter().map(|name| (*name).to_owned()).collect();
        let outputs: Vec<&str> = outputs.into_iter().filter(|name| wanted(name)).collect();
        Ok(Self { all_outputs, ..Self::ordered(&listed, &outputs, fault)? })
    }

    /// The layers that the outputs need, each after its inputs (Kahn's algorithm).
    fn ordered(listed: &[Listed<'_>], outputs: &[&str], fault: impl Fn(String) -> Error) -> Result<Self> {
        let mut places = HashMap::new();
        for (place, layer) in listed.iter().enumerate() {
            if places.insert(layer.settings.layer, place).is_some() {
                return Err(layer.settings.fault("two layers have this name"));
            }
        }
        let place_of = |name: &str| places.get(name).copied().ok_or_else(|| fault(format!("there is no layer {name:?}")));
        let inputs =
            listed.iter().map(|l| l.inputs.iter().map(|name| place_of(name)).collect()).collect::<Result<Vec<Vec<_>>>>()?;
        let outputs = outputs.iter().map(|name| place_of(name)).collect::<Result<Vec<_>>>()?;
        let needed = needed(&inputs, &outputs);
        let mut missing: Vec<usize> = inputs.iter().map(Vec::len).collect();
        let mut readers = vec![Vec::new(); listed.len()];
        inputs.iter().enumerate().for_each(|(reader, from)| from.iter().for_each(|&source| readers[source].push(reader)));
        let mut ready: Vec<usize> = (0..listed.len()).filter(|&place| missing[place] == 0).rev().collect();
        let (mut nodes, mut positions) = (Vec::new(), vec![None; listed.len()]);
        while let Some(place) = ready.pop() {
            for &reader in &readers[place] {
                missing[reader] -= 1;
                if missing[reader] == 0 {
                    ready.push(reader);
                }
            }
            if needed[place] {
                let settings = listed[place].settings;
                // A source comes before its readers, so its position is known.
                let from = inputs[place].iter().filter_map(|&source| positions[source]).collect();
                positions[place] = Some(nodes.len());
                let (name, class) = (settings.layer.to_owned(), settings.class.to_owned());
                nodes.push(Node { name, class, layer: Layer::read(&settings)?, inputs: from });
            }
        }
        if let Some(place) = (0..listed.len()).find(|&place| needed[place] && positions[place].is_none()) {
            return Err(listed[place].settings.fault("it takes part in a circle of layers"));
        }
        let outputs = outputs.iter().filter_map(|&place| positions[place]).collect();
        Ok(Self { nodes, outputs, all_outputs: Vec::new() })
    }
}

/// Which layers stand behind the outputs.
fn needed(inputs: &[Vec<usize>], outputs: &[usize]) -> Vec<bool> {
    let (mut needed, mut open) = (vec![false; inputs.len()], outputs.to_vec());
    while let Some(place) = open.pop() {
        if !std::mem::replace(&mut needed[place], true) {
            open.extend(&inputs[place]);
        }
    }
    needed
}

static NO_SETTINGS: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);

fn listed<'a>(layer: &'a Value, path: &'a Path) -> Result<Listed<'a>> {
    let text = |key: &str| layer.get(key).and_then(Value::as_str);
    let config = layer.get("config").and_then(Value::as_object);
    let name = text("name").or_else(|| config.and_then(|c| c.get("name")).and_then(Value::as_str));
    let (Some(name), Some(class)) = (name, text("class_name")) else {
        return Err(Error::bad_file(path, "model_config", "a layer has no name or class_name"));
    };
    let settings = Settings { path, layer: name, class, config: config.unwrap_or(&NO_SETTINGS) };
    let calls = layer.get("inbound_nodes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let inputs = match calls {
        [] => Vec::new(),
        [Value::Array(sources)] => {
            let sources = sources.iter().map(source).collect::<Option<Vec<_>>>();
            sources.ok_or_else(|| settings.fault("its inputs must be first outputs of other layers"))?
        }
        [_] => return Err(settings.fault("its inputs are written as by Keras 3, which is not read: SLEAP saves with Keras 2")),
        _ => return Err(settings.fault("a layer that is used in several places is not supported")),
    };
    Ok(Listed { settings, inputs })
}

/// The layer in `[name, call, output, arguments]`, if it is the first output of the first call.
fn source(place: &Value) -> Option<&str> {
    let first = |index: usize| place.get(index).and_then(Value::as_u64) == Some(0);
    place.get(0).and_then(Value::as_str).filter(|_| first(1) && first(2))
}
