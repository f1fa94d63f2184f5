//! The layers of a network in an order in which each comes after its inputs.

use super::layer::Layer;
use super::listed::{Listed, Listing, WeightGroup};
use crate::error::{Error, Result};
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;

/// A layer with its place in the network.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub name: String,
    pub class: String,
    pub layer: Layer,
    pub weights: WeightGroup,
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
        let listing = Listing::read(json.get("config").unwrap_or(&Value::Null), path)?;
        let outputs = json.pointer("/config/output_layers").and_then(Value::as_array);
        let outputs = outputs.into_iter().flatten().map(|place| listing.layer_at(place)).collect::<Result<Vec<_>>>()?;
        if outputs.is_empty() {
            return Err(fault("output_layers must name layers".into()));
        }
        let taken: Vec<&str> = outputs.iter().map(String::as_str).filter(|name| wanted(name)).collect();
        let graph = Self::ordered(&listing.layers, &taken, path)?;
        Ok(Self { all_outputs: outputs, ..graph })
    }

    /// The layers that the outputs need, each after its inputs (Kahn's algorithm).
    fn ordered(listed: &[Listed<'_>], outputs: &[&str], path: &Path) -> Result<Self> {
        let mut places = HashMap::new();
        for (place, layer) in listed.iter().enumerate() {
            if places.insert(layer.name.as_str(), place).is_some() {
                return Err(layer.settings(path).fault("two layers have this name"));
            }
        }
        let missing = |name: &str| Error::bad_file(path, "model_config", format!("there is no layer {name:?}"));
        let place_of = |name: &str| places.get(name).copied().ok_or_else(|| missing(name));
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
                let Listed { name, class, weights, .. } = &listed[place];
                // A source comes before its readers, so its position is known.
                let from = inputs[place].iter().filter_map(|&source| positions[source]).collect();
                positions[place] = Some(nodes.len());
                let layer = Layer::read(&listed[place].settings(path))?;
                let (name, class) = (name.clone(), (*class).to_owned());
                nodes.push(Node { name, class, layer, weights: weights.clone(), inputs: from });
            }
        }
        if let Some(place) = (0..listed.len()).find(|&place| needed[place] && positions[place].is_none()) {
            return Err(listed[place].settings(path).fault("it takes part in a circle of layers"));
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
