//! Layer by layer to ONNX.

use super::activation::Activation;
use super::file::KerasFile;
use super::graph::{KerasGraph, Node};
use super::layer::{Finish, Layer, Window};
use super::maps::Map;
use super::nodes::{activate, bounds, resize_attributes, window_attributes};
use super::weights::{LayerWeights, Weights};
use crate::error::{Error, Result};
use crate::export::proto::{Dim, float, floats, int, ints, node as onnx_node, value_info};
use tract_onnx::pb::{AttributeProto, GraphProto, TensorProto, tensor_proto::DataType};

/// Red, green and blue.
const COLORS: usize = 3;
/// Mean of ImageNet's pictures, blue, green, red, of 0 to 255 (Keras' preprocessing in mode "caffe").
const IMAGENET_MEAN_BGR: [f32; COLORS] = [103.939, 116.779, 123.68];

/// The graph while it is written.
pub(super) struct Converter<'a> {
    file: &'a KerasFile,
    pub graph: GraphProto,
    /// The result of each layer, in the order of the layers.
    pub maps: Vec<Map>,
}

impl<'a> Converter<'a> {
    /// Converts all layers.
    ///
    /// # Errors
    /// [`Error::Layer`] where layers do not fit together or weights are missing, [`Error::BadFile`] for bad weights.
    pub fn run(file: &'a KerasFile, keras: &KerasGraph) -> Result<Self> {
        let graph = GraphProto { name: "keras".into(), ..GraphProto::default() };
        let mut converter = Self { file, graph, maps: Vec::with_capacity(keras.nodes.len()) };
        for node in &keras.nodes {
            let inputs: Vec<Map> = node.inputs.iter().map(|&i| converter.maps[i].clone()).collect();
            let map = converter.layer(node, &inputs)?;
            converter.maps.push(map);
        }
        Ok(converter)
    }

    fn layer(&mut self, node: &Node, inputs: &[Map]) -> Result<Map> {
        if let Layer::Input { channels, .. } = node.layer {
            return self.input(node, channels);
        }
        let several = matches!(node.layer, Layer::Concat | Layer::Add | Layer::Multiply);
        let (Some(x), true) = (inputs.first(), several || inputs.len() == 1) else {
            return Err(self.fault(node, format!("{} inputs do not fit this class", inputs.len())));
        };
        match node.layer {
            Layer::Conv { filters, groups, window, finish } => self.conv(node, x, (filters, groups, window), finish),
            Layer::Depthwise { multiplier, window, finish } => self.depthwise(node, &node.name, x, (multiplier, window), finish),
            Layer::Separable { multiplier, filters, window, finish } => {
                let none = Finish { bias: false, activation: Activation::Linear };
                let depth = self.depthwise(node, &format!("{}.depthwise", node.name), x, (multiplier, window), none)?;
                self.pointwise(node, &depth, filters, finish)
            }
            Layer::Transposed { filters, window, finish } => self.transposed(node, x, filters, window, finish),
            Layer::Dense { units, finish } => self.dense(node, x, units, finish),
            Layer::BatchNorm { epsilon, gamma, beta } => self.batch_norm(node, x, epsilon, [gamma, beta]),
            Layer::Concat | Layer::Add | Layer::Multiply => self.joined(node, inputs),
            _ => self.plain(node, x),
        }
    }

    fn fault(&self, node: &Node, what: String) -> Error {
        Error::Layer { path: self.file.path().to_path_buf(), layer: node.name.clone(), class: node.class.clone(), what }
    }

    fn input(&mut self, node: &Node, channels: usize) -> Result<Map> {
        if !self.graph.input.is_empty() {
            return Err(self.fault(node, "a second input is not supported".into()));
        }
        let side = |name: &str| Dim::Named(name.into());
        let dims = vec![side("batch"), Dim::Fixed(channels), side("height"), side("width")];
        self.graph.input.push(value_info(&node.name, dims));
        Ok(Map { name: node.name.clone(), channels, stride_px: Some([1.0, 1.0]) })
    }

    fn conv(&mut self, node: &Node, x: &Map, (filters, groups, window): (usize, usize, Window), finish: Finish) -> Result<Map> {
        if !x.channels.is_multiple_of(groups) || !filters.is_multiple_of(groups) {
            return Err(self.fault(node, format!("{groups} groups do not divide {} and {filters} channels", x.channels)));
        }
        let weights = LayerWeights::new(self.file, node)?;
        let kernel = weights.kernel("kernel", window.kernel, x.channels / groups, filters)?;
        let bias = weights.bias(finish.bias, filters)?;
        let mut attributes = window_attributes(&window);
        attributes.push(int("group", groups as i64));
        self.weighted("Conv", &node.name, x, [Some(kernel), bias], attributes, finish.activation);
        Ok(Map { name: node.name.clone(), channels: filters, stride_px: x.coarser(window.stride) })
    }

    /// A convolution of each channel by itself to so many, under the layer's name or another.
    fn depthwise(
        &mut self,
        node: &Node,
        name: &str,
        x: &Map,
        (multiplier, window): (usize, Window),
        finish: Finish,
    ) -> Result<Map> {
        let channels = x.channels * multiplier;
        let weights = LayerWeights::new(self.file, node)?;
        let kernel = weights.depthwise_kernel(window.kernel, x.channels, multiplier)?;
        let bias = weights.bias(finish.bias, channels)?;
        let mut attributes = window_attributes(&window);
        attributes.push(int("group", x.channels as i64));
        self.weighted("Conv", name, x, [Some(kernel), bias], attributes, finish.activation);
        Ok(Map { name: name.to_owned(), channels, stride_px: x.coarser(window.stride) })
    }

    /// The second half of a separable convolution.
    fn pointwise(&mut self, node: &Node, x: &Map, filters: usize, finish: Finish) -> Result<Map> {
        let weights = LayerWeights::new(self.file, node)?;
        let kernel = weights.kernel("pointwise_kernel", [1, 1], x.channels, filters)?;
        let bias = weights.bias(finish.bias, filters)?;
        self.weighted("Conv", &node.name, x, [Some(kernel), bias], vec![ints("kernel_shape", &[1, 1])], finish.activation);
        Ok(Map { name: node.name.clone(), channels: filters, stride_px: x.stride_px })
    }

    fn transposed(&mut self, node: &Node, x: &Map, filters: usize, window: Window, finish: Finish) -> Result<Map> {
        let weights = LayerWeights::new(self.file, node)?;
        let kernel = weights.transposed_kernel(window.kernel, x.channels, filters)?;
        let bias = weights.bias(finish.bias, filters)?;
        let (cut, added) = window.cuts();
        let pair = |[a, b]: [usize; 2]| [a as i64, b as i64];
        let mut attributes =
            vec![ints("kernel_shape", &pair(window.kernel)), ints("strides", &pair(window.stride)), ints("pads", &cut)];
        if added != [0, 0] {
            attributes.push(ints("output_padding", &added));
        }
        self.weighted("ConvTranspose", &node.name, x, [Some(kernel), bias], attributes, finish.activation);
        Ok(Map { name: node.name.clone(), channels: filters, stride_px: x.finer(window.stride) })
    }

    fn dense(&mut self, node: &Node, x: &Map, units: usize, finish: Finish) -> Result<Map> {
        let weights = LayerWeights::new(self.file, node)?;
        let (kernel, bias) = (weights.dense(x.channels, units)?, weights.bias(finish.bias, units)?);
        self.weighted("Conv", &node.name, x, [Some(kernel), bias], vec![ints("kernel_shape", &[1, 1])], finish.activation);
        Ok(Map { name: node.name.clone(), channels: units, stride_px: x.stride_px })
    }

    fn batch_norm(&mut self, node: &Node, x: &Map, epsilon: f32, [gamma, beta]: [bool; 2]) -> Result<Map> {
        let weights = LayerWeights::new(self.file, node)?;
        let fixed = |number: f32| Weights { dims: vec![x.channels], data: vec![number; x.channels] };
        let gain = if gamma { weights.vector("gamma", x.channels)? } else { fixed(1.0) };
        let offset = if beta { weights.vector("beta", x.channels)? } else { fixed(0.0) };
        let (mean, variance) = (weights.vector("moving_mean", x.channels)?, weights.vector("moving_variance", x.channels)?);
        let named = [("gamma", gain), ("beta", offset), ("mean", mean), ("variance", variance)];
        let names = named.map(|(what, numbers)| self.constant(&format!("{}.{what}", node.name), &numbers));
        let [gain, offset, mean, variance] = names.each_ref().map(String::as_str);
        let inputs = [x.name.as_str(), gain, offset, mean, variance];
        let attributes = vec![float("epsilon", epsilon)];
        self.graph.node.push(onnx_node("BatchNormalization", &node.name, &inputs, attributes));
        Ok(Map { name: node.name.clone(), ..x.clone() })
    }

    /// A weighted node and the function behind it, which takes over the name.
    fn weighted(
        &mut self,
        op: &str,
        name: &str,
        x: &Map,
        weights: [Option<Weights>; 2],
        attributes: Vec<AttributeProto>,
        function: Activation,
    ) {
        let mut inputs = vec![x.name.clone()];
        for (what, weights) in ["weight", "bias"].iter().zip(&weights) {
            inputs.extend(weights.as_ref().map(|weights| self.constant(&format!("{name}.{what}"), weights)));
        }
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let result = if function == Activation::Linear { name.to_owned() } else { format!("{name}.linear") };
        self.graph.node.push(onnx_node(op, &result, &inputs, attributes));
        self.function(function, &result, name);
    }

    fn function(&mut self, function: Activation, input: &str, output: &str) {
        if let Activation::ReluUpTo(most) = function {
            let (low, high) = bounds(output);
            self.graph.initializer.extend([floats(&low, &[], &[0.0]), floats(&high, &[], &[most])]);
        }
        self.graph.node.extend(activate(function, input, output));
    }

    fn constant(&mut self, name: &str, weights: &Weights) -> String {
        self.graph.initializer.push(floats(name, &weights.dims, &weights.data));
        name.to_owned()
    }

    /// Sums, products and joins.
    fn joined(&mut self, node: &Node, inputs: &[Map]) -> Result<Map> {
        // A product with one cell scales the channels of a whole map.
        let is_scale = |map: &Map| node.layer == Layer::Multiply && map.stride_px.is_none();
        let first = inputs.iter().find(|map| !is_scale(map)).unwrap_or(&inputs[0]);
        if let Some(other) = inputs.iter().find(|map| map.stride_px != first.stride_px && !is_scale(map)) {
            return Err(self.fault(node, format!("{} and {} are maps of different strides", first.name, other.name)));
        }
        if node.layer == Layer::Concat {
            let names: Vec<&str> = inputs.iter().map(|map| map.name.as_str()).collect();
            self.graph.node.push(onnx_node("Concat", &node.name, &names, vec![int("axis", 1)]));
            let channels = inputs.iter().map(|map| map.channels).sum();
            return Ok(Map { name: node.name.clone(), channels, stride_px: first.stride_px });
        }
        if let Some(other) = inputs.iter().find(|map| map.channels != first.channels) {
            return Err(self.fault(node, format!("{} and {} channels do not fit", first.channels, other.channels)));
        }
        let op = if node.layer == Layer::Add { "Add" } else { "Mul" };
        let mut so_far = inputs[0].name.clone();
        if inputs.len() == 1 {
            return Ok(first.clone());
        }
        for (index, map) in inputs.iter().enumerate().skip(1) {
            let name = if index + 1 == inputs.len() { node.name.clone() } else { format!("{}.{index}", node.name) };
            self.graph.node.push(onnx_node(op, &name, &[&so_far, &map.name], Vec::new()));
            so_far = name;
        }
        Ok(Map { name: so_far, ..first.clone() })
    }

    /// Three channels from one, or those of Caffe's time from red, green and blue, as a 1x1 convolution.
    fn colors(&mut self, node: &Node, x: &Map) -> Result<Map> {
        let (channels, weight, bias): (usize, Vec<f32>, [f32; COLORS]) = match node.layer {
            Layer::Caffe => {
                (COLORS, vec![0.0, 0.0, 255.0, 0.0, 255.0, 0.0, 255.0, 0.0, 0.0], IMAGENET_MEAN_BGR.map(|mean| -mean))
            }
            _ => (1, vec![1.0; COLORS], [0.0; COLORS]),
        };
        if x.channels != channels {
            return Err(self.fault(node, format!("{} channels where {channels} are expected", x.channels)));
        }
        let weights = [
            Some(Weights { dims: vec![COLORS, channels, 1, 1], data: weight }),
            Some(Weights { dims: vec![COLORS], data: bias.to_vec() }),
        ];
        self.weighted("Conv", &node.name, x, weights, vec![ints("kernel_shape", &[1, 1])], Activation::Linear);
        Ok(Map { name: node.name.clone(), channels: COLORS, stride_px: x.stride_px })
    }

    /// Layers of one input without weights.
    fn plain(&mut self, node: &Node, x: &Map) -> Result<Map> {
        let name = node.name.as_str();
        let mut map = Map { name: name.to_owned(), ..x.clone() };
        match node.layer {
            Layer::Activate(Activation::Linear) | Layer::Pass => return Ok(x.clone()),
            Layer::Flatten if x.stride_px.is_none() => return Ok(x.clone()),
            Layer::Cell { channels } if x.stride_px.is_none() && x.channels == channels => return Ok(x.clone()),
            Layer::Repeat if x.channels == COLORS => return Ok(x.clone()),
            Layer::Repeat | Layer::Caffe => return self.colors(node, x),
            Layer::Flatten => {
                let what = "only what is one cell behind a global pooling can be flattened, for inputs of any size";
                return Err(self.fault(node, what.into()));
            }
            Layer::Activate(function) => self.function(function, &x.name, name),
            Layer::Pool { largest, window } => {
                let op = if largest { "MaxPool" } else { "AveragePool" };
                self.graph.node.push(onnx_node(op, name, &[&x.name], window_attributes(&window)));
                map.stride_px = x.coarser(window.stride);
            }
            Layer::GlobalPool { largest } => {
                let op = if largest { "GlobalMaxPool" } else { "GlobalAveragePool" };
                self.graph.node.push(onnx_node(op, name, &[&x.name], Vec::new()));
                map.stride_px = None;
            }
            Layer::Upsample { factors, bilinear } => {
                let scales = format!("{name}.scales");
                self.graph.initializer.push(floats(&scales, &[4], &[1.0, 1.0, factors[0] as f32, factors[1] as f32]));
                self.graph.node.push(onnx_node("Resize", name, &[&x.name, "", &scales], resize_attributes(bilinear)));
                map.stride_px = x.finer(factors);
            }
            Layer::ZeroPad([top, left, bottom, right]) => {
                let pads = format!("{name}.pads");
                let sides = [0, 0, top, left, 0, 0, bottom, right].map(|n| n as i64);
                self.graph.initializer.push(whole_numbers(&pads, &sides));
                self.graph.node.push(onnx_node("Pad", name, &[&x.name, &pads], Vec::new()));
            }
            _ => return Err(self.fault(node, "its input is not what it works on".into())),
        }
        Ok(map)
    }
}

/// A constant of integers.
fn whole_numbers(name: &str, numbers: &[i64]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: vec![numbers.len() as i64],
        data_type: DataType::Int64 as i32,
        int64_data: numbers.to_vec(),
        ..TensorProto::default()
    }
}
