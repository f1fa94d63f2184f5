//! ONNX bytes to a [`Graph`](super::Graph).

mod arithmetic;
mod axes;
mod conv;
mod fold;
mod literal;
mod node;
mod pool;
mod proto;
mod reader;
mod reshape;
mod resize;
mod wire;
