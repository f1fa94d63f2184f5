//! ONNX bytes to a checked list of operators, the plan that our own engines run.

mod floats;
mod limits;
mod memory;
mod network;
mod op;
mod passes;
mod read;
mod reference;
mod shapes;

pub use floats::Floats;
pub use memory::{Buffer, MemoryPlan, Placement};
pub use network::{Constant, ConstantId, Graph, Node, Port, PortForm, Value, ValueId};
pub use op::{
    Activation, Conv, ConvTranspose, Coordinates, Filter, Op, PadWith, Padding, Pool, Resize, ResizeTarget, Rounding, Side,
    Window,
};
pub use shapes::{Shape, Shapes};
