//! Small ONNX files put together by hand, byte by byte: needs nothing but the format, so that tests run wherever the runtime does.
//!
//! Field numbers are those of `onnx.proto`; the encoding is protobuf's: a key of field number and wire type, then a variable-length
//! integer (type 0), four bytes (type 5) or a length and that many bytes (type 2).

/// A file being put together.
pub struct Onnx {
    opset: Message,
    graph: Message,
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

/// `TensorProto.DataType`.
const FLOAT: i64 = 1;
const UINT8: i64 = 2;
const INT64: i64 = 7;

impl Onnx {
    /// An empty file of that operator set.
    pub fn new(opset: i64) -> Self {
        // OperatorSetIdProto: domain 1, version 2. GraphProto: name 2.
        Self { opset: Message::default().text(1, "").int(2, opset), graph: Message::default().text(2, "test") }
    }

    /// Adds an f32 input; negative sides are open.
    #[must_use]
    pub fn input(self, name: &str, sides: &[i64]) -> Self {
        self.field(11, &port(name, FLOAT, Some(sides)))
    }

    /// Adds an input of bytes 0 to 255.
    #[must_use]
    pub fn byte_input(self, name: &str, sides: &[i64]) -> Self {
        self.field(11, &port(name, UINT8, Some(sides)))
    }

    /// Adds an f32 output of open shape.
    #[must_use]
    pub fn output(self, name: &str) -> Self {
        self.field(12, &port(name, FLOAT, None))
    }

    /// Adds weights.
    #[must_use]
    pub fn floats(self, name: &str, dims: &[usize], data: &[f32]) -> Self {
        let raw: Vec<u8> = data.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.field(5, &tensor(name, dims, FLOAT, &raw))
    }

    /// Adds integers.
    #[must_use]
    pub fn ints(self, name: &str, data: &[i64]) -> Self {
        let raw: Vec<u8> = data.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.field(5, &tensor(name, &[data.len()], INT64, &raw))
    }

    /// Adds a node; its name is its output's with the operator behind a slash.
    #[must_use]
    pub fn node(self, op: &str, inputs: &[&str], output: &str, attributes: &[(&str, Attr<'_>)]) -> Self {
        // NodeProto: input 1, output 2, name 3, op_type 4, attribute 5.
        let mut node = inputs.iter().fold(Message::default(), |node, input| node.text(1, input));
        node = node.text(2, output).text(3, &format!("{output}/{op}")).text(4, op);
        node = attributes.iter().fold(node, |node, (name, value)| node.message(5, &attribute(name, value)));
        self.field(1, &node)
    }

    /// The file.
    pub fn bytes(self) -> Vec<u8> {
        // ModelProto: ir_version 1, graph 7, opset_import 8.
        Message::default().int(1, 8).message(7, &self.graph).message(8, &self.opset).0
    }

    fn field(self, number: u64, message: &Message) -> Self {
        Self { graph: self.graph.message(number, message), ..self }
    }
}

/// The bytes of a message so far.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(mut self, mut number: u64) -> Self {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
        self
    }

    fn int(self, field: u64, number: i64) -> Self {
        self.varint(field << 3).varint(number as u64)
    }

    fn float(self, field: u64, number: f32) -> Self {
        let mut message = self.varint(field << 3 | 5);
        message.0.extend(number.to_le_bytes());
        message
    }

    fn bytes(self, field: u64, bytes: &[u8]) -> Self {
        let mut message = self.varint(field << 3 | 2).varint(bytes.len() as u64);
        message.0.extend(bytes);
        message
    }

    fn text(self, field: u64, text: &str) -> Self {
        self.bytes(field, text.as_bytes())
    }

    fn message(self, field: u64, message: &Self) -> Self {
        self.bytes(field, &message.0)
    }
}

/// AttributeProto: name 1, f 2, i 3, s 4, ints 8, type 20.
fn attribute(name: &str, value: &Attr<'_>) -> Message {
    let message = Message::default().text(1, name);
    match value {
        Attr::Float(f) => message.float(2, *f).int(20, 1),
        Attr::Int(i) => message.int(3, *i).int(20, 2),
        Attr::Text(text) => message.text(4, text).int(20, 3),
        Attr::Ints(ints) => ints.iter().fold(message, |message, i| message.int(8, *i)).int(20, 7),
    }
}

/// TensorProto: dims 1, data_type 2, name 8, raw_data 9.
fn tensor(name: &str, dims: &[usize], kind: i64, raw: &[u8]) -> Message {
    let message = dims.iter().fold(Message::default(), |message, dim| message.int(1, *dim as i64));
    message.int(2, kind).text(8, name).bytes(9, raw)
}

/// ValueInfoProto: name 1, type 2; in it tensor_type 1, with elem_type 1 and shape 2, with one `dim` 1 per side: dim_value 1 or
/// dim_param 2.
fn port(name: &str, kind: i64, sides: Option<&[i64]>) -> Message {
    let side = |(index, side): (usize, &i64)| match side {
        ..0 => Message::default().text(2, &format!("{name}_{index}")),
        side => Message::default().int(1, *side),
    };
    let mut tensor = Message::default().int(1, kind);
    if let Some(sides) = sides {
        let shape = sides.iter().enumerate().map(side).fold(Message::default(), |shape, dim| shape.message(1, &dim));
        tensor = tensor.message(2, &shape);
    }
    Message::default().text(1, name).message(2, &Message::default().message(1, &tensor))
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
