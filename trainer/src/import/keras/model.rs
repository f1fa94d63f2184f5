//! A Keras model file as one ONNX network.

use super::convert::Converter;
use super::file::KerasFile;
use super::graph::KerasGraph;
use super::layer::Layer;
use crate::dataset::slp::file::guarded;
use crate::error::{Error, Result};
use crate::export::proto::{Dim, file, value_info};
use std::path::Path;

/// A model file that was opened and whose layers are known.
pub struct KerasModel {
    file: KerasFile,
    graph: KerasGraph,
}

/// One output of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KerasOutput {
    /// Name in the ONNX graph, which is that of the Keras layer.
    pub name: String,
    /// Channels.
    pub channels: usize,
    /// Input pixels per cell; `None` for one cell whatever the size of the input.
    pub stride_px: Option<usize>,
}

/// A network as ONNX.
#[derive(Debug, Clone, PartialEq)]
pub struct KerasNetwork {
    /// The file: input `[batch, channels, height, width]` with 0..1, all sides but the channels open.
    pub onnx: Vec<u8>,
    /// Channels of the input.
    pub channels: usize,
    /// Height and width that the input layer asked for; `None` where it took any.
    pub sides_px: [Option<usize>; 2],
    /// Largest number of input pixels per cell of any map: sides of inputs must be multiples of it.
    pub max_stride_px: usize,
    /// Outputs, in Keras' order.
    pub outputs: Vec<KerasOutput>,
    /// Numbers of all weights.
    pub parameters: usize,
}

impl KerasModel {
    /// Opens a model file; of its outputs those are taken whose layers' names are `wanted`, and the layers behind them.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::BadFile`] when it is no model of Keras 2, [`Error::Layer`] for a layer that is not read.
    pub fn open(path: &Path, wanted: impl FnMut(&str) -> bool) -> Result<Self> {
        guarded(path, || {
            let file = KerasFile::open(path)?;
            let graph = KerasGraph::read(&file.model_config, path, wanted)?;
            Ok(Self { file, graph })
        })
    }

    /// Version of Keras that saved the file.
    pub fn keras_version(&self) -> &str {
        &self.file.keras_version
    }

    /// Names of all outputs in Keras' order, wanted or not.
    pub fn all_outputs(&self) -> &[String] {
        &self.graph.all_outputs
    }

    /// The network as ONNX, with key-value facts. Maps are in the order batch, channels, height, width.
    ///
    /// # Errors
    /// [`Error::BadFile`] and [`Error::Layer`] when weights are missing or layers do not fit together.
    pub fn to_onnx(&self, facts: &[(String, String)]) -> Result<KerasNetwork> {
        guarded(self.file.path(), || self.convert(facts))
    }

    fn convert(&self, facts: &[(String, String)]) -> Result<KerasNetwork> {
        let fault = |what: String| Error::bad_file(self.file.path(), "model_config", what);
        let inputs = self.graph.nodes.iter().find_map(|node| match node.layer {
            Layer::Input { channels, sides_px } => Some((channels, sides_px)),
            _ => None,
        });
        let (channels, sides_px) = inputs.ok_or_else(|| fault("no output depends on an input".into()))?;
        let read_before = self.file.numbers_read();
        let Converter { mut graph, maps, .. } = Converter::run(&self.file, &self.graph)?;
        let mut outputs: Vec<KerasOutput> = Vec::new();
        for &place in &self.graph.outputs {
            let map = &maps[place];
            let stride_px = match (map.stride_px, map.whole_stride_px()) {
                (Some([vertical, horizontal]), None) => {
                    return Err(fault(format!("output {} has cells of {vertical} x {horizontal} px", map.name)));
                }
                (_, whole) => whole,
            };
            if outputs.iter().any(|other| other.name == map.name) {
                return Err(fault(format!("output {} is named twice", map.name)));
            }
            let side = |name: &str| match stride_px {
                None => Dim::Fixed(1),
                Some(1) => Dim::Named(name.into()),
                Some(stride) => Dim::Named(format!("{name}_s{stride}")),
            };
            let dims = vec![Dim::Named("batch".into()), Dim::Fixed(map.channels), side("height"), side("width")];
            graph.output.push(value_info(&map.name, dims));
            outputs.push(KerasOutput { name: map.name.clone(), channels: map.channels, stride_px });
        }
        if outputs.is_empty() {
            return Err(fault("none of its outputs is known".into()));
        }
        let largest = maps.iter().filter_map(|map| map.stride_px).flatten().fold(1.0, f64::max);
        if largest.fract() != 0.0 {
            return Err(fault(format!("a map has cells of {largest} px, which is not a whole number")));
        }
        let parameters = self.file.numbers_read() - read_before;
        Ok(KerasNetwork { onnx: file(graph, facts), channels, sides_px, max_stride_px: largest as usize, outputs, parameters })
    }
}
