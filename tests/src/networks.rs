//! Networks of one layer, written by hand, whose outputs can be told from their input.

use prost::Message;
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto,
    ValueInfoProto,
    attribute_proto::AttributeType,
    tensor_proto::DataType,
    tensor_shape_proto::{Dimension, dimension::Value as DimensionValue},
    type_proto::{Tensor as TensorType, Value as TypeValue},
};

/// Channels of the input: red, green, blue.
pub const COLORS: usize = 3;

/// One output: every channel is a weighted sum of the colours of a pixel.
#[derive(Debug, Clone)]
pub struct ColorHead {
    /// Name of the output.
    pub name: &'static str,
    /// Weights of red, green and blue, per channel.
    pub weights: Vec<[f32; COLORS]>,
    /// Every how many pixels there is a cell; `None` gives the largest value over the whole image instead of a map.
    pub stride_px: Option<usize>,
}

/// An ONNX file with the input `image` and these outputs.
pub fn color_network(heads: &[ColorHead]) -> Vec<u8> {
    let mut graph = GraphProto { name: "colors".into(), input: vec![value("image", COLORS)], ..GraphProto::default() };
    for head in heads {
        let channels = head.weights.len();
        let (weight, map) = (format!("{}.weight", head.name), format!("{}.map", head.name));
        graph.initializer.push(TensorProto {
            name: weight.clone(),
            dims: vec![channels as i64, COLORS as i64, 1, 1],
            data_type: DataType::Float as i32,
            raw_data: head.weights.iter().flatten().flat_map(|v| v.to_le_bytes()).collect(),
            ..TensorProto::default()
        });
        let (stride, output) = (head.stride_px.unwrap_or(1) as i64, head.stride_px.map_or(&map[..], |_| head.name));
        let attributes = vec![ints("kernel_shape", &[1, 1]), ints("strides", &[stride, stride])];
        graph.node.push(node("Conv", &["image", &weight], output, attributes));
        if head.stride_px.is_none() {
            graph.node.push(node("GlobalMaxPool", &[&map], head.name, vec![]));
        }
        graph.output.push(value(head.name, channels));
    }
    let model = ModelProto {
        ir_version: 8,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 17 }],
        graph: Some(graph),
        ..ModelProto::default()
    };
    model.encode_to_vec()
}

fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: AttributeType::Ints as i32, ints: values.to_vec(), ..AttributeProto::default() }
}

fn node(op_type: &str, inputs: &[&str], output: &str, attribute: Vec<AttributeProto>) -> NodeProto {
    NodeProto {
        op_type: op_type.into(),
        name: format!("{output}/{op_type}"),
        input: inputs.iter().map(|&i| i.into()).collect(),
        output: vec![output.into()],
        attribute,
        ..NodeProto::default()
    }
}

/// Images, and maps of any size.
fn value(name: &str, channels: usize) -> ValueInfoProto {
    let open = |what: &str| DimensionValue::DimParam(format!("{name}_{what}"));
    let sizes =
        [DimensionValue::DimParam("batch".into()), DimensionValue::DimValue(channels as i64), open("height"), open("width")];
    let dim = sizes.map(|value| Dimension { value: Some(value), ..Dimension::default() }).to_vec();
    let tensor = TensorType { elem_type: DataType::Float as i32, shape: Some(TensorShapeProto { dim }) };
    let r#type = Some(TypeProto { value: Some(TypeValue::TensorType(tensor)), ..TypeProto::default() });
    ValueInfoProto { name: name.into(), r#type, ..ValueInfoProto::default() }
}
