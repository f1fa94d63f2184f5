//! Keras models: those of the reference data, and small ones written by a test.

use hdf5_pure::{AttrValue, File, FileBuilder, FinishedGroup, GroupBuilder};
use serde_json::{Value, json};
use std::path::Path;

/// A tensor `[batch, height, width, channels]`, as TensorFlow holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Nhwc {
    /// Sides.
    pub dims: [usize; 4],
    /// Numbers, channels fastest.
    pub data: Vec<f32>,
}

impl Nhwc {
    /// The number at a place.
    pub fn at(&self, [n, y, x, c]: [usize; 4]) -> f32 {
        let [_, height, width, channels] = self.dims;
        self.data[((n * height + y) * width + x) * channels + c]
    }

    /// From `[batch, channels, height, width]`.
    pub fn from_nchw([batch, channels, height, width]: [usize; 4], data: &[f32]) -> Self {
        let at = |n: usize, c: usize, y: usize, x: usize| data[((n * channels + c) * height + y) * width + x];
        let dims = [batch, height, width, channels];
        let places = (0..dims.iter().product()).map(|i| {
            let (c, x, y, n) = (i % channels, i / channels % width, i / channels / width % height, i / channels / width / height);
            at(n, c, y, x)
        });
        Self { dims, data: places.collect() }
    }

    /// As `[batch, channels, height, width]`.
    pub fn to_nchw(&self) -> Vec<f32> {
        let [batch, height, width, channels] = self.dims;
        let mut out = Vec::with_capacity(self.data.len());
        for n in 0..batch {
            for c in 0..channels {
                for y in 0..height {
                    out.extend((0..width).map(|x| self.at([n, y, x, c])));
                }
            }
        }
        out
    }
}

/// What TensorFlow gave for an all-zero input: each head's name with its output.
pub fn dummy_activations(path: &Path) -> Vec<(String, Nhwc)> {
    let file = File::open(path).unwrap();
    let names = file.root().datasets().unwrap();
    let heads = names.into_iter().filter(|name| name.contains("Head"));
    let read = |name: String| {
        let dataset = file.dataset(&name).unwrap();
        let sides: Vec<usize> = dataset.shape().unwrap().iter().map(|side| *side as usize).collect();
        (name, Nhwc { dims: sides.try_into().unwrap(), data: dataset.read_f32().unwrap() })
    };
    heads.map(read).collect()
}

/// Weights of a layer: name, sides, numbers.
pub type Weights = (&'static str, Vec<usize>, Vec<f32>);

/// A Keras model being put together: one layer behind the other unless inputs are named.
#[derive(Debug, Clone)]
pub struct KerasBuilder {
    layers: Vec<Value>,
    weights: Vec<(String, Vec<Weights>)>,
    /// Weights of inner models, by the model's name.
    inner: Vec<(String, Vec<(String, Vec<Weights>)>)>,
    outputs: Vec<String>,
    keras_version: String,
}

impl KerasBuilder {
    /// A network with an input layer `input` of these channels and any height and width.
    pub fn new(channels: usize) -> Self {
        let input = json!({
            "class_name": "InputLayer", "name": "input", "inbound_nodes": [],
            "config": { "batch_input_shape": [null, null, null, channels], "dtype": "float32", "name": "input" },
        });
        Self { layers: vec![input], weights: Vec::new(), inner: Vec::new(), outputs: Vec::new(), keras_version: "2.9.0".into() }
    }

    /// Adds a layer with its settings, the layers that it reads (`model#1` for the second result of an inner model) and its weights.
    #[must_use]
    pub fn layer(mut self, class: &str, name: &str, config: Value, inputs: &[&str], weights: Vec<Weights>) -> Self {
        let source = |input: &&str| match input.split_once('#') {
            None => json!([input, 0, 0, {}]),
            Some((model, number)) => json!([model, 1, number.parse::<u64>().unwrap(), {}]),
        };
        let sources: Vec<Value> = inputs.iter().map(source).collect();
        self.layers.push(json!({ "class_name": class, "name": name, "config": config, "inbound_nodes": [sources] }));
        self.weights.push((name.into(), weights));
        self
    }

    /// Adds a model as a layer.
    #[must_use]
    pub fn model(mut self, name: &str, inner: &Self, inputs: &[&str]) -> Self {
        self = self.layer("Functional", name, inner.model_config()["config"].clone(), inputs, Vec::new());
        self.inner.push((name.into(), inner.weights.clone()));
        self
    }

    /// Names an output.
    #[must_use]
    pub fn output(mut self, name: &str) -> Self {
        self.outputs.push(name.into());
        self
    }

    /// Another version of Keras.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        self.keras_version = version.into();
        self
    }

    /// The attribute `model_config`.
    pub fn model_config(&self) -> Value {
        let outputs: Vec<Value> = self.outputs.iter().map(|name| json!([name, 0, 0])).collect();
        let config =
            json!({ "name": "model", "layers": self.layers, "input_layers": [["input", 0, 0]], "output_layers": outputs });
        json!({ "class_name": "Functional", "config": config })
    }

    /// Writes the file.
    pub fn write(&self, path: &Path) {
        self.write_as(&self.model_config().to_string(), path);
    }

    /// Writes the file with another `model_config`.
    pub fn write_as(&self, model_config: &str, path: &Path) {
        let mut file = FileBuilder::new();
        file.set_attr("model_config", AttrValue::VarLenString(model_config.into()));
        file.set_attr("keras_version", AttrValue::String(self.keras_version.clone()));
        let mut all = file.create_group("model_weights");
        for (layer, weights) in &self.weights {
            let of_model = self.inner.iter().find(|(model, _)| model == layer).map(|(_, layers)| layers.as_slice());
            let alone = [(layer.clone(), weights.clone())];
            let group = weight_group(all.create_group(layer), of_model.unwrap_or(&alone));
            all.add_group(group);
        }
        file.add_group(all.finish());
        file.write(path).unwrap();
    }
}

/// Longer lists of names are cut, as Keras does where they have more than 64 kB.
const NAMES_IN_ONE: usize = 3;

/// The weights of one layer, or of all layers of an inner model, below a group.
fn weight_group(mut group: GroupBuilder, layers: &[(String, Vec<Weights>)]) -> FinishedGroup {
    let named = layers.iter().flat_map(|(layer, weights)| weights.iter().map(move |(name, ..)| format!("{layer}/{name}:0")));
    let names: Vec<String> = named.collect();
    match names.len() {
        0 => {}
        1..=NAMES_IN_ONE => group.set_attr("weight_names", AttrValue::StringArray(names)),
        _ => names.chunks(NAMES_IN_ONE).enumerate().for_each(|(piece, names)| {
            group.set_attr(&format!("weight_names{piece}"), AttrValue::StringArray(names.to_vec()));
        }),
    }
    for (layer, weights) in layers {
        // A layer's name may have slashes: groups within groups.
        let mut parts: Vec<&str> = layer.split('/').collect();
        let mut inner = group.create_group(parts.pop().unwrap());
        for (name, dims, data) in weights {
            let sides: Vec<u64> = dims.iter().map(|side| *side as u64).collect();
            inner.create_dataset(&format!("{name}:0")).with_f32_data(data).with_shape(&sides);
        }
        let mut finished = inner.finish();
        for part in parts.into_iter().rev() {
            let mut outer = group.create_group(part);
            outer.add_group(finished);
            finished = outer.finish();
        }
        group.add_group(finished);
    }
    group.finish()
}
