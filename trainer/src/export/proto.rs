//! Small builders for ONNX protobuf messages.

use prost::Message as _;
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto, TensorProto, TensorShapeProto,
    TypeProto, ValueInfoProto,
    attribute_proto::AttributeType,
    tensor_proto::DataType,
    tensor_shape_proto::{Dimension, dimension::Value as DimensionValue},
    type_proto::{Tensor as TensorType, Value as TypeValue},
};

/// A size in a shape: a number or a name.
pub enum Dim {
    /// Fixed.
    Fixed(usize),
    /// Known when the network runs.
    Named(String),
}

/// A float constant.
pub fn floats(name: &str, dims: &[usize], data: &[f32]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: dims.iter().map(|&d| d as i64).collect(),
        data_type: DataType::Float as i32,
        raw_data: data.iter().flat_map(|v| v.to_le_bytes()).collect(),
        ..TensorProto::default()
    }
}

/// A list of integers as an attribute.
pub fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: AttributeType::Ints as i32, ints: values.to_vec(), ..AttributeProto::default() }
}

/// An integer attribute.
pub fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: AttributeType::Int as i32, i: value, ..AttributeProto::default() }
}

/// A float attribute.
pub fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: AttributeType::Float as i32, f: value, ..AttributeProto::default() }
}

/// A string attribute.
pub fn string(name: &str, value: &str) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        r#type: AttributeType::String as i32,
        s: value.as_bytes().to_vec(),
        ..AttributeProto::default()
    }
}

/// A node with one output that bears its name.
pub fn node(op_type: &str, name: &str, inputs: &[&str], attribute: Vec<AttributeProto>) -> NodeProto {
    NodeProto {
        op_type: op_type.into(),
        name: format!("{name}/{op_type}"),
        input: inputs.iter().map(|&i| i.into()).collect(),
        output: vec![name.into()],
        attribute,
        ..NodeProto::default()
    }
}

/// A whole file of this graph with key-value facts.
///
/// Operator set 17 with file version 8: read by every ONNX Runtime since 1.12 (2022) and by tract.
pub fn file(graph: GraphProto, facts: &[(String, String)]) -> Vec<u8> {
    let entry = |(key, value): &(String, String)| StringStringEntryProto { key: key.clone(), value: value.clone() };
    let model = ModelProto {
        ir_version: 8,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 17 }],
        producer_name: "dormouse".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        graph: Some(graph),
        metadata_props: facts.iter().map(entry).collect(),
        ..ModelProto::default()
    };
    model.encode_to_vec()
}

/// A graph input or output of floats.
pub fn value_info(name: &str, dims: Vec<Dim>) -> ValueInfoProto {
    let dim = dims
        .into_iter()
        .map(|dim| {
            let value = match dim {
                Dim::Fixed(n) => DimensionValue::DimValue(n as i64),
                Dim::Named(name) => DimensionValue::DimParam(name),
            };
            Dimension { value: Some(value), ..Dimension::default() }
        })
        .collect();
    let tensor = TensorType { elem_type: DataType::Float as i32, shape: Some(TensorShapeProto { dim }) };
    let r#type = Some(TypeProto { value: Some(TypeValue::TensorType(tensor)), ..TypeProto::default() });
    ValueInfoProto { name: name.into(), r#type, ..ValueInfoProto::default() }
}
