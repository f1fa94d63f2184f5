//! Small ONNX files put together by hand.

use prost::Message as _;
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto,
    ValueInfoProto, tensor_proto::DataType, tensor_shape_proto::Dimension, tensor_shape_proto::dimension::Value as Side,
    type_proto,
};

/// A file being put together.
pub struct Onnx {
    model: ModelProto,
    graph: GraphProto,
}

/// The value of an attribute.
pub enum Attr<'a> {
    /// One integer.
    Int(i64),
    /// A list of integers.
    Ints(&'a [i64]),
    /// One float.
    Float(f32),
    /// A text.
    Text(&'a str),
}

impl Onnx {
    /// An empty file of that operator set.
    pub fn new(opset: i64) -> Self {
        let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: opset }];
        let model = ModelProto { ir_version: 8, opset_import, ..ModelProto::default() };
        Self { model, graph: GraphProto { name: "test".into(), ..GraphProto::default() } }
    }

    /// Adds an f32 input; negative sides are open.
    #[must_use]
    pub fn input(mut self, name: &str, sides: &[i64]) -> Self {
        self.graph.input.push(port(name, sides));
        self
    }

    /// Adds an input of bytes 0 to 255.
    #[must_use]
    pub fn byte_input(mut self, name: &str, sides: &[i64]) -> Self {
        let mut port = port(name, sides);
        if let Some(type_proto::Value::TensorType(tensor)) = port.r#type.as_mut().and_then(|t| t.value.as_mut()) {
            tensor.elem_type = DataType::Uint8 as i32;
        }
        self.graph.input.push(port);
        self
    }

    /// Adds an f32 output of open shape.
    #[must_use]
    pub fn output(mut self, name: &str) -> Self {
        let mut port = port(name, &[]);
        if let Some(type_proto::Value::TensorType(tensor)) = port.r#type.as_mut().and_then(|t| t.value.as_mut()) {
            tensor.shape = None;
        }
        self.graph.output.push(port);
        self
    }

    /// Adds weights.
    #[must_use]
    pub fn floats(mut self, name: &str, dims: &[usize], data: &[f32]) -> Self {
        let raw = data.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.graph.initializer.push(tensor(name, dims, DataType::Float, raw));
        self
    }

    /// Adds integers.
    #[must_use]
    pub fn ints(mut self, name: &str, data: &[i64]) -> Self {
        let raw = data.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.graph.initializer.push(tensor(name, &[data.len()], DataType::Int64, raw));
        self
    }

    /// Adds a node; its name is its output's with the operator behind a slash.
    #[must_use]
    pub fn node(mut self, op: &str, inputs: &[&str], output: &str, attributes: &[(&str, Attr<'_>)]) -> Self {
        self.graph.node.push(NodeProto {
            op_type: op.into(),
            name: format!("{output}/{op}"),
            input: inputs.iter().map(|&i| i.into()).collect(),
            output: vec![output.into()],
            attribute: attributes.iter().map(|(name, value)| attribute(name, value)).collect(),
            ..NodeProto::default()
        });
        self
    }

    /// The file.
    pub fn bytes(mut self) -> Vec<u8> {
        self.model.graph = Some(self.graph);
        self.model.encode_to_vec()
    }
}

fn attribute(name: &str, value: &Attr<'_>) -> AttributeProto {
    use tract_onnx::pb::attribute_proto::AttributeType as Type;
    let mut attribute = AttributeProto { name: name.into(), ..AttributeProto::default() };
    let kind = match value {
        Attr::Int(i) => {
            attribute.i = *i;
            Type::Int
        }
        Attr::Ints(ints) => {
            attribute.ints = ints.to_vec();
            Type::Ints
        }
        Attr::Float(f) => {
            attribute.f = *f;
            Type::Float
        }
        Attr::Text(text) => {
            attribute.s = text.as_bytes().to_vec();
            Type::String
        }
    };
    attribute.r#type = kind as i32;
    attribute
}

fn tensor(name: &str, dims: &[usize], kind: DataType, raw_data: Vec<u8>) -> TensorProto {
    let dims = dims.iter().map(|&d| d as i64).collect();
    TensorProto { name: name.into(), dims, data_type: kind as i32, raw_data, ..TensorProto::default() }
}

fn port(name: &str, sides: &[i64]) -> ValueInfoProto {
    let side = |(index, side): (usize, &i64)| {
        let value = if *side < 0 { Side::DimParam(format!("{name}_{index}")) } else { Side::DimValue(*side) };
        Dimension { value: Some(value), ..Dimension::default() }
    };
    let shape = TensorShapeProto { dim: sides.iter().enumerate().map(side).collect() };
    let tensor = type_proto::Tensor { elem_type: DataType::Float as i32, shape: Some(shape) };
    let r#type = Some(TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() });
    ValueInfoProto { name: name.into(), r#type, ..ValueInfoProto::default() }
}

/// `len` numbers from -1 to 1 that look random and are the same every time.
pub fn numbers(len: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12345);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..len).map(|_| next()).collect()
}
