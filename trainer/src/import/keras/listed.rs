//! The layers of a model as its file lists them, models within models laid open.

use super::settings::Settings;
use crate::error::{Error, Result};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::path::Path;

/// Most layers, as many as the runtime reads nodes.
const MAX_LAYERS: usize = 1 << 14;

/// A result of a layer: the layer's name and which of its results.
type Place = (String, u64);

/// A layer; names within an inner model have the model's name before them (`encoder/conv1`).
pub(super) struct Listed<'a> {
    pub name: String,
    pub class: &'a str,
    config: &'a Map<String, Value>,
    /// Names of the layers that it reads.
    pub inputs: Vec<String>,
    pub weights: WeightGroup,
}

/// Where a layer's weights are in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WeightGroup {
    /// Group below `model_weights`: the outermost model or layer.
    pub group: String,
    /// The layer's own name, where the group holds those of several.
    pub layer: Option<String>,
}

impl<'a> Listed<'a> {
    /// The settings, for reading and for messages.
    pub fn settings<'s>(&'s self, path: &'s Path) -> Settings<'s>
    where
        'a: 's,
    {
        Settings { path, layer: &self.name, class: self.class, config: self.config }
    }
}

/// All layers, and what the names of results stand for.
pub(super) struct Listing<'a> {
    path: &'a Path,
    pub layers: Vec<Listed<'a>>,
    /// Sources of each layer, before inner models are laid open.
    sources: Vec<Vec<Place>>,
    /// Results of inner models, and inputs within them, by what they really are.
    others: HashMap<Place, Place>,
}

impl<'a> Listing<'a> {
    /// Reads the `config` of a functional model.
    ///
    /// # Errors
    /// [`Error::BadFile`] when it has no layers, [`Error::Layer`] for a layer that is put in in another way than by Keras 2.
    pub fn read(config: &'a Value, path: &'a Path) -> Result<Self> {
        let mut listing = Self { path, layers: Vec::new(), sources: Vec::new(), others: HashMap::new() };
        listing.add(config, "", None)?;
        for index in 0..listing.layers.len() {
            let inputs = listing.sources[index].iter().map(|place| listing.resolved(place, &listing.layers[index].name));
            listing.layers[index].inputs = inputs.collect::<Result<_>>()?;
        }
        Ok(listing)
    }

    /// The layer behind `[name, call, result]`, as in `output_layers`.
    ///
    /// # Errors
    /// [`Error::BadFile`] when it is written in another way or is not the first result of a layer.
    pub fn layer_at(&self, place: &Value) -> Result<String> {
        let place = source(place, "").ok_or_else(|| self.fault("a result must be [name, call, number]".into()))?;
        self.resolved(&place, "output_layers")
    }

    fn fault(&self, what: String) -> Error {
        Error::bad_file(self.path, "model_config", what)
    }

    /// Follows results of inner models to the layer that makes them.
    fn resolved(&self, place: &Place, reader: &str) -> Result<String> {
        let mut place = place;
        for _ in 0..=self.others.len() {
            match (self.others.get(place), place.1) {
                (Some(other), _) => place = other,
                (None, 0) => return Ok(place.0.clone()),
                (None, number) => return Err(self.fault(format!("{reader} reads result {number} of {}, which has one", place.0))),
            }
        }
        Err(self.fault(format!("{reader} reads itself through an inner model")))
    }

    /// Adds the layers of a model called `prefix`, whose weights are in `group` if it is an inner one.
    fn add(&mut self, config: &'a Value, prefix: &str, group: Option<&str>) -> Result<()> {
        let layers = config.get("layers").and_then(Value::as_array);
        let layers = layers.ok_or_else(|| self.fault("it has no layers".into()))?;
        for layer in layers {
            if self.layers.len() + self.others.len() >= MAX_LAYERS {
                return Err(self.fault(format!("it has more than {MAX_LAYERS} layers")));
            }
            let config = layer.get("config");
            let text = |key: &str| layer.get(key).and_then(Value::as_str);
            let short = text("name").or_else(|| config.and_then(|c| c.get("name")).and_then(Value::as_str));
            let (Some(short), Some(class)) = (short, text("class_name")) else {
                return Err(self.fault("a layer has no name or class_name".into()));
            };
            let weights = match group {
                None => WeightGroup { group: short.to_owned(), layer: None },
                Some(group) => WeightGroup { group: group.to_owned(), layer: Some(short.to_owned()) },
            };
            let config_fields = config.and_then(Value::as_object).unwrap_or(&NO_SETTINGS);
            let listed = Listed { name: format!("{prefix}{short}"), class, config: config_fields, inputs: Vec::new(), weights };
            let sources = sources(layer, &listed.settings(self.path), prefix)?;
            match (class, config) {
                ("Functional" | "Model", Some(inner)) => self.inner(inner, &listed, &sources)?,
                // What goes into an inner model was given where it is used.
                ("InputLayer", _) if self.others.contains_key(&(listed.name.clone(), 0)) => {}
                _ => {
                    self.layers.push(listed);
                    self.sources.push(sources);
                }
            }
        }
        Ok(())
    }

    /// Lays an inner model open.
    fn inner(&mut self, config: &'a Value, model: &Listed<'a>, from: &[Place]) -> Result<()> {
        let prefix = format!("{}/", model.name);
        let places = |key: &str| -> Option<Vec<Place>> {
            config.get(key)?.as_array()?.iter().map(|place| source(place, &prefix)).collect()
        };
        let (Some(inputs), Some(outputs)) = (places("input_layers"), places("output_layers")) else {
            return Err(model.settings(self.path).fault("an inner model must name its inputs and outputs"));
        };
        if inputs.len() != from.len() {
            let what = format!("an inner model of {} inputs is given {}", inputs.len(), from.len());
            return Err(model.settings(self.path).fault(what));
        }
        self.others.extend(inputs.into_iter().zip(from.iter().cloned()));
        let results = outputs.into_iter().enumerate().map(|(number, place)| ((model.name.clone(), number as u64), place));
        self.others.extend(results);
        let group = if model.weights.layer.is_some() { &model.weights.group } else { &model.name };
        self.add(config, &prefix, Some(&group.clone()))
    }
}

static NO_SETTINGS: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);

/// What a layer reads.
fn sources(layer: &Value, settings: &Settings<'_>, prefix: &str) -> Result<Vec<Place>> {
    let calls = layer.get("inbound_nodes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    match calls {
        [] => Ok(Vec::new()),
        [Value::Array(places)] => {
            let places = places.iter().map(|place| source(place, prefix)).collect::<Option<Vec<_>>>();
            places.ok_or_else(|| settings.fault("its inputs must be [name, call, number], each of the first call of a layer"))
        }
        [_] => Err(settings.fault("its inputs are written as by Keras 3, which is not read: SLEAP saves with Keras 2")),
        _ => Err(settings.fault("a layer that is used in several places is not supported")),
    }
}

/// `[name, call, number, arguments]`. A layer is called once; the first call of an inner model may be counted after its making.
fn source(place: &Value, prefix: &str) -> Option<Place> {
    let number = |index: usize| place.get(index).and_then(Value::as_u64);
    let name = place.get(0)?.as_str()?;
    matches!(number(1), Some(0 | 1)).then_some((format!("{prefix}{name}"), number(2)?))
}
