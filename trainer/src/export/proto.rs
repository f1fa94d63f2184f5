//! Small builders for ONNX protobuf messages.

use tract_onnx::pb::{
    AttributeProto, NodeProto, TensorProto, TensorShapeProto, TypeProto, ValueInfoProto,
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
