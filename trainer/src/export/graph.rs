//! The network's steps as an ONNX graph.

use super::proto::{Dim, file, floats, int, ints, node, string, value_info};
use crate::error::Result;
use crate::model::plan::{Filter, Op, ParamShape};
use crate::model::pose_net::read;
use crate::model::{HeadSpec, Layer, PoseNet};
use dormouse::config::HeadKind;
use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto, TensorProto};

const SCALES: &str = "scales_x2";

/// The network as an ONNX file: input `image` (batch, channels, height, width; 0..1), one output per head under the head's name,
/// batch, height and width left open, `facts` as metadata.
///
/// # Errors
/// When the device fails to hand out the weights.
pub fn to_onnx(net: &PoseNet, facts: &[(String, String)]) -> Result<Vec<u8>> {
    Ok(file(graph(net)?, facts))
}

fn graph(net: &PoseNet) -> Result<GraphProto> {
    let plan = net.plan();
    let mut graph = GraphProto { name: "pose".into(), ..GraphProto::default() };
    if plan.nodes.iter().any(|n| matches!(n.op, Op::Upsample { .. })) {
        graph.initializer.push(floats(SCALES, &[4], &[1.0, 1.0, 2.0, 2.0]));
    }
    for (shape, layer) in plan.params.iter().zip(net.layers()) {
        graph.initializer.extend(weights(shape, layer)?);
    }
    for step in &plan.nodes {
        let name = |index: usize| plan.nodes[index].name.as_str();
        match step.op {
            Op::Input => graph.input.push(value_info(&step.name, image_dims(step.channels))),
            Op::Conv { input, param, relu } => {
                let pad = (plan.params[param].kernel / 2) as i64;
                let mut attributes = vec![ints("pads", &[pad; 4]), ints("strides", &[1, 1])];
                if plan.params[param].groups > 1 {
                    attributes.push(int("group", plan.params[param].groups as i64));
                }
                graph.node.extend(convolution("Conv", &step.name, name(input), &plan.params[param], attributes, relu));
            }
            Op::Transposed { input, param } => {
                // Only the end is cut, as Keras does for `same` padding.
                let attributes = vec![ints("pads", &[0, 0, 1, 1]), ints("strides", &[2, 2])];
                graph.node.extend(convolution("ConvTranspose", &step.name, name(input), &plan.params[param], attributes, true));
            }
            Op::MaxPool { input } => {
                let attributes = vec![ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])];
                graph.node.push(node("MaxPool", &step.name, &[name(input)], attributes));
            }
            Op::Upsample { input, filter } => {
                graph.node.push(node("Resize", &step.name, &[name(input), "", SCALES], resize_attributes(filter)));
            }
            Op::Add { first, second } => graph.node.push(node("Add", &step.name, &[name(first), name(second)], Vec::new())),
            Op::GlobalMax { input } => graph.node.push(node("GlobalMaxPool", &step.name, &[name(input)], Vec::new())),
            Op::Sigmoid { input } => graph.node.push(node("Sigmoid", &step.name, &[name(input)], Vec::new())),
            Op::Softmax { input } => graph.node.push(node("Softmax", &step.name, &[name(input)], vec![int("axis", 1)])),
            Op::Concat { first, second } => {
                graph.node.push(node("Concat", &step.name, &[name(first), name(second)], vec![int("axis", 1)]));
            }
        }
    }
    for (&output, head) in plan.outputs.iter().zip(&net.config().heads) {
        graph.output.push(value_info(&plan.nodes[output].name, output_dims(head)));
    }
    Ok(graph)
}

fn resize_attributes(filter: Filter) -> Vec<AttributeProto> {
    match filter {
        Filter::Bilinear => vec![string("mode", "linear"), string("coordinate_transformation_mode", "half_pixel")],
        // Cells 2i and 2i + 1 are cell i: the coordinate is halved and rounded down.
        Filter::Nearest => vec![
            string("mode", "nearest"),
            string("coordinate_transformation_mode", "asymmetric"),
            string("nearest_mode", "floor"),
        ],
    }
}

fn weights(shape: &ParamShape, layer: &Layer) -> Result<[TensorProto; 2]> {
    let weight = floats(&format!("{}.weight", shape.name), &shape.weight_dims(), &read(layer.weight.clone())?);
    Ok([weight, floats(&format!("{}.bias", shape.name), &[shape.channels_out], &read(layer.bias.clone())?)])
}

/// The convolution and, if asked, a ReLU behind it that takes over the step's name.
fn convolution(
    op_type: &str,
    name: &str,
    input: &str,
    shape: &ParamShape,
    mut attributes: Vec<AttributeProto>,
    relu: bool,
) -> Vec<NodeProto> {
    attributes.push(ints("kernel_shape", &[shape.kernel as i64; 2]));
    let (weight, bias) = (format!("{}.weight", shape.name), format!("{}.bias", shape.name));
    let linear = if relu { format!("{name}.linear") } else { name.to_string() };
    let mut nodes = vec![node(op_type, &linear, &[input, &weight, &bias], attributes)];
    if relu {
        nodes.push(node("Relu", name, &[&linear], Vec::new()));
    }
    nodes
}

fn image_dims(channels: usize) -> Vec<Dim> {
    vec![Dim::Named("batch".into()), Dim::Fixed(channels), Dim::Named("height".into()), Dim::Named("width".into())]
}

fn output_dims(head: &HeadSpec) -> Vec<Dim> {
    let (channels, stride_px) = (head.channels, head.stride_px);
    if head.kind == HeadKind::ClassVectors {
        return vec![Dim::Named("batch".into()), Dim::Fixed(channels), Dim::Fixed(1), Dim::Fixed(1)];
    }
    let side = |name: &str| Dim::Named(if stride_px == 1 { name.into() } else { format!("{name}_s{stride_px}") });
    vec![Dim::Named("batch".into()), Dim::Fixed(channels), side("height"), side("width")]
}
